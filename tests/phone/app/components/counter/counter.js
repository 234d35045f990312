Component({
  properties: { label: String, start: { type: Number, value: 0 } },
  data: { count: 0 },
  observers: {
    start(start) {
      this.setData({ count: start });
    },
  },
  methods: {
    onTap() {
      this.setData({ count: this.data.count + 1 });
      this.triggerEvent("count", { count: this.data.count });
    },
  },
});
