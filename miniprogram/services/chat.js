// Conversations: api/chat.py and the topics chat:, typing:, presence:.
"use strict";

const { load, save } = require("../platform/storage");
const { newKey } = require("../lib/key");
const { Outgoing } = require("../lib/outgoing");
const live = require("./live");
const photos = require("./photos");
const session = require("./session");
const { rest } = require("./rest");

const KEPT = "outgoing";
const PAGE = 20;
const LINES = 30;

/** A signal is good for 6 s. Milliseconds. */
const TYPING_MS = 3000;

/** Read marks are lines of the log, and evidence: not one per line in a lively talk. Milliseconds. */
const MARK_MS = 1000;

const outgoing = new Outgoing({
  send: (body, options) => live.command("chat.send", body, options),
  upload: async (conversationId, path) => (await photos.upload(path, { purpose: "chat", conversation_id: conversationId })).key,
  load: () => load(KEPT),
  save: (items) => save(KEPT, items),
  now: () => live.now(),
  newKey: () => newKey(),
});

session.onUser((user, before) => {
  if (before && before.user_id !== user.user_id) outgoing.clear();
});

/** @returns {Promise<{conversations: object[], cursor: string}>} those with the newest line first */
function conversations(cursor = "") {
  return rest({ path: "/v1/conversations", query: { cursor, limit: PAGE } });
}

/**
 * Lines before a number, oldest first.
 * @returns {Promise<{messages: object[], more: boolean, last_seq: number}>}
 */
function messages(conversationId, before) {
  return rest({ path: `/v1/conversations/${conversationId}/messages`, query: { before, limit: LINES } });
}

/** One line anew: an image's address is good for a quarter of an hour. */
async function line(conversationId, seq) {
  const page = await rest({ path: `/v1/conversations/${conversationId}/messages`, query: { after: seq - 1, limit: 1 } });
  return page.messages[0];
}

let known = null;

/** @returns {Promise<Array<{code: string, text: string}>>} */
async function presets() {
  if (!known) known = (await rest({ path: "/v1/chat/presets" })).presets;
  return known;
}

/** Photos that were uploaded for a conversation, as lines that nobody can change any more. */
function keepImages(conversationId, keys) {
  for (const key of keys) live.command("chat.send", { conversation_id: conversationId, kind: "image", object_key: key }).catch(() => {});
}

/** @returns {Promise<{conversation_id: string, owner_id: string}>} the conversation with a listing's owner */
function openEnquiry(listingId) {
  return live.command("chat.open_enquiry", { listing_id: listingId }, { deadlineMs: 10000 });
}

const marks = new Map(); // conversation: {upTo, timer}

/** I have read up to there. Told a moment later, and then once for all that came meanwhile. */
function markRead(conversationId, upTo) {
  const mark = marks.get(conversationId) || { told: 0, upTo: 0, timer: null };
  marks.set(conversationId, mark);
  mark.upTo = Math.max(mark.upTo, upTo);
  if (mark.timer || mark.upTo <= mark.told) return;
  mark.timer = setTimeout(() => {
    mark.timer = null;
    mark.told = mark.upTo;
    live.command("chat.mark_read", { conversation_id: conversationId, up_to: mark.upTo }).catch(() => {
      mark.told = 0; // told again with the next line, or when the page is shown again
    });
  }, MARK_MS);
}

let lastSignalMs = 0;

/** The user is typing, or has stopped. */
function typing(conversationId, on = true) {
  const nowMs = Date.now();
  if (on && nowMs - lastSignalMs < TYPING_MS) return;
  lastSignalMs = on ? nowMs : 0;
  live.signal(`typing:${conversationId}`, on);
}

module.exports = { keepImages, outgoing, conversations, messages, line, presets, openEnquiry, markRead, typing };
