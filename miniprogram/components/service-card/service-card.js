// One listing in a list. `card` is lib/card.js's cardView.
Component({
  properties: {
    card: { type: Object, value: { id: "", category: "other", reasons: [] } },
    /** on a map: smaller, with a shadow of its own */
    floating: Boolean,
  },
  methods: {
    open() {
      this.triggerEvent("open", { id: this.data.card.id });
    },
  },
});
