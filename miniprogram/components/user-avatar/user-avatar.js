// Somebody's picture, or the first letter of the name. No setData for what can be said in the template: a list has many of these.
Component({
  properties: {
    url: String,
    name: String,
    /** rpx */
    size: { type: Number, value: 80 },
  },
  data: { broken: false },
  observers: {
    url() {
      if (this.data.broken) this.setData({ broken: false });
    },
  },
  methods: {
    fail() {
      this.setData({ broken: true });
    },
  },
});
