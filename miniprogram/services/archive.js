// All that the server has about the user, gathered from where each part is read.
"use strict";

const { rest } = require("./rest");
const wallet = require("./wallet");

/** A bound for what is gathered: nobody has so many pages, and a mistake shall not ask for ever. */
const MOST_PAGES = 200;

/**
 * @param {(part: string) => void} onPart  told before each part
 * @returns {Promise<object>} plain JSON
 */
async function gather(onPart) {
  onPart("me");
  const me = await rest({ path: "/v1/me" });
  const archive = { exported_at: new Date().toISOString(), me };
  onPart("credit");
  archive.credit = await rest({ path: `/v1/ratings/users/${me.user_id}/credit` });
  archive.ratings_received = await all(`/v1/ratings/users/${me.user_id}`, { limit: 50 }, "ratings", ({ next }) => next && { before: next });
  onPart("listings");
  archive.listings = await all("/v1/listings/mine", { limit: 50 }, "listings", ({ next }) => next && { before: next });
  onPart("orders");
  const orders = (role) => all("/v1/orders", { role, limit: 100 }, "orders", ({ next_before: next }) => next && { before: next });
  archive.orders = { as_buyer: await orders("buyer"), as_owner: await orders("owner") };
  onPart("money");
  archive.balance = await wallet.balance();
  archive.payment_account = await wallet.onboarding();
  onPart("notices");
  archive.notices = await backwards("/v1/notices", "entries");
  onPart("chats");
  archive.conversations = await all("/v1/conversations", { limit: 100 }, "conversations", ({ cursor }) => cursor && { cursor });
  for (const conversation of archive.conversations) {
    conversation.messages = await backwards(`/v1/conversations/${conversation.conversation_id}/messages`, "messages");
  }
  return archive;
}

async function all(path, query, name, following) {
  const found = [];
  let page = query;
  for (let pages = 0; page && pages < MOST_PAGES; pages += 1) {
    const answer = await rest({ path, query: page });
    found.push(...answer[name]);
    const next = following(answer);
    page = next ? { ...query, ...next } : null;
  }
  return found;
}

/** A log from its end to its beginning. */
async function backwards(path, name) {
  let found = [];
  for (let pages = 0, more = true; more && pages < MOST_PAGES; pages += 1) {
    const answer = await rest({ path, query: { limit: 200, before: found.length ? found[0].seq : null } });
    found = answer[name].concat(found);
    more = answer.more && answer[name].length > 0;
  }
  return found;
}

module.exports = { gather };
