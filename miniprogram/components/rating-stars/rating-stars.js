// Five stars, filled to the hundredth; or, when `editable`, to be tapped: `change` has the number of whole ones.
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
  data: { starts: [0, 100, 200, 300, 400], none: words.none, unit: words.unit },
  methods: {
    pick({ currentTarget }) {
      const value = Number(currentTarget.dataset.start) + 100;
      if (this.data.editable && value !== this.data.value) this.triggerEvent("change", { value });
    },
  },
});
