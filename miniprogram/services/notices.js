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

/** The kinds of messages that WeChat may be asked to send: what for, by which template, and how many more are allowed. */
function subscriptions() {
  return rest({ path: "/v1/notices/subscriptions" });
}

/**
 * What the user has said to WeChat.
 * @param {{kind: string, answer: string}[]} answers  at most three
 * @returns {Promise<{subscriptions: object[]}>} those kinds as they are now
 */
function allow(answers) {
  return rest({ method: "POST", path: "/v1/notices/subscriptions", body: { answers } });
}

/** @returns {Promise<object>} that kind as it is now */
function want(kind, wanted) {
  return rest({ method: "POST", path: `/v1/notices/subscriptions/${kind}`, body: { wanted } });
}

module.exports = { topic, before, markRead, subscriptions, allow, want };
