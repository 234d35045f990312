// The inbox as it is shown: notices and the marks that say which have been read.
"use strict";

/** Lines that are no notice. */
const MARKS = ["read", "chat_read"];

/** Chats have a list of their own. */
const CHAT = "chat.message";

/**
 * Notices, newest first, each as read as the marks say.
 * @param {object[]} entries  oldest first
 */
function notices(entries) {
  let upTo = 0;
  const single = new Set();
  for (const { kind, up_to } of entries) {
    if (kind === "read") upTo = Math.max(upTo, up_to);
    if (kind === "chat_read") single.add(up_to);
  }
  return entries
    .filter(({ kind }) => !MARKS.includes(kind) && kind !== CHAT)
    .map((entry) => ({ ...entry, read: entry.read || entry.seq <= upTo || single.has(entry.seq) }))
    .reverse();
}

/** The badges as of the last line. */
function badges(entries) {
  const last = entries[entries.length - 1];
  return last ? { unread: last.unread, chats: last.unread_chats } : { unread: 0, chats: 0 };
}

/**
 * Where a notice leads; null: nowhere.
 * @returns {string | null}
 */
function leads({ kind, link }) {
  if (kind.startsWith("rating")) return `/deal/rating/rating?id=${link.order_id}`;
  if (kind === "payment.onboarding") return "/account/onboarding/onboarding";
  if (kind === "credit.changed") return "/account/credit/credit";
  if (link.order_id) return `/deal/order/order?id=${link.order_id}`;
  if (link.conversation_id) return `/deal/chat/chat?id=${link.conversation_id}`;
  return link.listing_id ? `/deal/listing/listing?id=${link.listing_id}` : null;
}

/** Conversations and orders that notices after a number speak of, newest first, each once. */
function mentioned(entries, after, name) {
  const found = entries.filter(({ seq, link }) => seq > after && link && link[name]).map(({ link }) => link[name]);
  return [...new Set(found.reverse())];
}

module.exports = { notices, badges, leads, mentioned };
