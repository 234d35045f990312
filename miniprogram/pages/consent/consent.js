const consent = require("../../services/consent");
const live = require("../../services/live");
const session = require("../../services/session");
const screen = require("../../platform/screen");
const { consent: words } = require("../../strings");

Page({
  data: { points: words.points, t: words.text },

  agree() {
    consent.give();
    if (session.over) live.comeBack().catch(() => {}); // the banner says so, and offers it again
    else live.start();
    screen.restart("/pages/discover/discover");
  },

  async refuse() {
    if (!(await screen.confirm(words.refused))) screen.leave();
  },

  read() {
    screen.open("/account/privacy/privacy?read=1");
  },

  readWechat() {
    screen.openContract();
  },
});
