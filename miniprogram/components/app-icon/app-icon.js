// A line icon in the colour of the text around it. Drawn from the style sheet: nothing is fetched.
Component({
  properties: {
    name: String,
    /** rpx */
    size: { type: Number, value: 40 },
  },
});
