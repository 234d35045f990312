// Whether the user has agreed to how the app uses what it knows, on this phone; and, once logged in, on the server.
"use strict";

const { load, save, drop } = require("../platform/storage");
const session = require("./session");
const users = require("./users");

const KEPT = "consent";

/** The day of the privacy text (strings.js). When it changes, everybody is asked again. */
const DAY = "2026-11-01";

function given() {
  return load(KEPT) === DAY;
}

function give() {
  save(KEPT, DAY);
}

function withdraw() {
  drop(KEPT);
}

session.onUser((user) => {
  if (given() && user.agreed !== DAY) users.edit({ agreed: DAY }).catch(() => {}); // at the next login, then
});

module.exports = { given, give, withdraw, DAY };
