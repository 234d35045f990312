const consent = require("../../services/consent");
const live = require("../../services/live");
const screen = require("../../platform/screen");

Page({
  agree() {
    consent.give();
    live.start();
    screen.restart("/pages/discover/discover");
  },
});
