// Five stars, filled to the hundredth; or, when `editable`, to be tapped: `change` has the number of whole ones.
const { fills, stars } = require("../../lib/stars");
const { ratingStars: words } = require("../../strings");

Component({
  properties: {
    /** hundredths of a star, 0 to 500 */
    value: { type: Number, value: 0 },
    editable: { type: Boolean, value: false },
    /** rpx */
    size: { type: Number, value: 32 },
    label: String,
    testid: { type: String, value: "stars" },
  },
  data: { fills: named(0), said: words.none },
  observers: {
    value(value) {
      if (value === this._shown) return; // a list around it is set anew as a whole
      this._shown = value;
      this.setData({ fills: named(value), said: value ? words.said(stars(value)) : words.none });
    },
  },
  methods: {
    pick({ currentTarget }) {
      if (!this.data.editable) return;
      const value = Number(currentTarget.dataset.value) * 100;
      if (value !== this.data.value) this.triggerEvent("change", { value });
    },
  },
});

function named(value) {
  return fills(value).map((fill, index) => ({ id: index + 1, fill }));
}
