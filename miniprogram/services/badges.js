// The numbers at the tabs: what one has not been told, and what one has to do.
"use strict";

const live = require("./live");
const session = require("./session");
const screen = require("../platform/screen");
const { badges } = require("../lib/inbox");

const ORDERS = 1;
const MESSAGES = 3;

const counts = { [ORDERS]: 0, [MESSAGES]: 0 };
let stop = null;
let watched = "";

/** Follow the inbox of whoever is logged in, as long as the app lives. */
function start() {
  follow(session.user);
  session.onUser(follow);
}

function follow(user) {
  if (!user || user.user_id === watched) return;
  if (stop) stop();
  watched = user.user_id;
  stop = live.store.watch(`user:${user.user_id}`, ({ value }) => set(MESSAGES, value ? badges(value.map(({ payload }) => payload)).unread : 0));
}

function set(tab, count) {
  if (counts[tab] === count) return;
  counts[tab] = count;
  screen.badge(tab, count);
}

/** Orders that wait for the user. */
function orders(count) {
  set(ORDERS, count);
}

/** Once more: WeChat sets no badge while a page without tabs is shown. */
function draw() {
  for (const tab of Object.keys(counts)) screen.badge(Number(tab), counts[tab]);
}

module.exports = { start, orders, draw };
