// A listing's first photo, or the sign of its category.
Component({
  properties: {
    src: String,
    category: { type: String, value: "other" },
    /** rpx */
    size: { type: Number, value: 160 },
  },
  data: { broken: false },
  observers: {
    src() {
      if (this.data.broken) this.setData({ broken: false });
    },
  },
  methods: {
    fail() {
      this.setData({ broken: true });
    },
  },
});
