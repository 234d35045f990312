const badges = require("./services/badges");
const live = require("./services/live");
const consent = require("./services/consent");
const screen = require("./platform/screen");

App({
  onLaunch() {
    badges.start();
    if (consent.given()) live.start();
  },

  onShow({ path } = {}) {
    live.show();
    if (!consent.given() && path !== "pages/consent/consent" && path !== "account/privacy/privacy") {
      screen.restart("/pages/consent/consent");
    }
  },

  onHide() {
    live.hide();
  },
});
