const seen = require("./lib/seen");

App({
  globalData: { launches: 0 },
  onLaunch({ path }) {
    this.globalData.launches += 1;
    seen.add(`launch ${path}`);
  },
  onShow: () => seen.add("app show"),
  onHide: () => seen.add("app hide"),
});
