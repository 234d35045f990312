// The inbox: api/notices.py and the topic user:ID. Its last line has the badges.
"use strict";

const live = require("./live");
const session = require("./session");
const { rest } = require("./rest");

const PAGE = 30;

/** @returns {string | null} the topic of one's inbox */
function topic() {
  return session.user ? `user:${session.user.user_id}` : null;
}

/** Notices before a number, oldest first. */
function before(seq) {
  return rest({ path: "/v1/notices", query: { before: seq, limit: PAGE } });
}

/** All up to there have been seen. */
function markRead(upTo) {
  return live.command("notices.mark_read", { up_to: upTo }, { lane: "notices" });
}

module.exports = { topic, before, markRead };
