// What something costs, line by line. `bill` is lib/bill.js's billView.
const { bill } = require("../../strings");

Component({
  properties: {
    bill: { type: Object, value: { lines: [], total: "", notes: [] } },
    totalLabel: { type: String, value: bill.total },
    /** a new price is on its way */
    busy: Boolean,
  },
  data: { back: bill.back },
});
