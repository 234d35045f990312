// One of: loading, nothing there, could not be had, or what it is all about (the slot).
const { common, state } = require("../../strings");

Component({
  properties: {
    /** loading, empty, error or ready */
    state: { type: String, value: "loading" },
    icon: String,
    title: String,
    hint: String,
    /** what the button says; none without */
    action: String,
    /** rows of the skeleton */
    count: { type: Number, value: 4 },
  },
  data: { rows: [0, 1, 2, 3], loading: common.loading, errorTitle: state.errorTitle, emptyTitle: state.emptyTitle },
  observers: {
    count(count) {
      if (count !== this.data.rows.length) this.setData({ rows: Array.from({ length: count }, (_, index) => index) });
    },
  },
  methods: {
    act() {
      this.triggerEvent("action");
    },
  },
});
