// Somebody's picture, or the first letter of the name.
Component({
  properties: {
    url: String,
    name: String,
    /** rpx */
    size: { type: Number, value: 80 },
  },
  data: { initial: "", broken: false },
  observers: {
    name(name) {
      this.setData({ initial: Array.from(name || "")[0] || "" });
    },
    url() {
      this.setData({ broken: false });
    },
  },
  methods: {
    fail() {
      this.setData({ broken: true });
    },
  },
});
