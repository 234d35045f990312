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
    "name, url"(name, url) {
      const initial = Array.from(name || "")[0] || "";
      const broken = this.data.broken && url === this._url;
      this._url = url;
      if (initial !== this.data.initial || broken !== this.data.broken) this.setData({ initial, broken });
    },
  },
  methods: {
    fail() {
      this.setData({ broken: true });
    },
  },
});
