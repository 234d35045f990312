// What is agreed: calendars, holds, and the order's life.
"use strict";

const live = require("./live");
const { rest } = require("./rest");

const topics = {
  calendar: (listingId) => `calendar:${listingId}`,
  holds: (listingId) => `hold:${listingId}`,
  /** @param {"buyer" | "owner"} role */
  order: (id, role) => `order:${id}:${role}`,
};

/**
 * What a use costs, line by line, before anything is asked.
 * @param {{listingId: string, startMs: number, endMs: number, seats: number}} use
 */
function quote({ listingId, startMs, endMs, seats }) {
  return rest({ path: `/v1/listings/${listingId}/quote`, query: { start_ms: startMs, end_ms: endMs, seats } });
}

/**
 * Show everybody that this period is about to be ordered; with a lease, go on doing so.
 * @param {{listingId: string, startMs: number, endMs: number, seats: number, leaseId: string | null}} wish
 * @returns {Promise<{lease_id: string, until_ms: number}>}
 */
function hold({ listingId, startMs, endMs, seats, leaseId }) {
  const body = { listing_id: listingId, start_ms: startMs, end_ms: endMs, seats, ...(leaseId && { lease_id: leaseId }) };
  return live.command("orders.hold", body, { deadlineMs: 10000 });
}

/** Nobody waits for it: it ends by itself too. */
function release({ listingId, leaseId }) {
  live.command("orders.release_hold", { listing_id: listingId, lease_id: leaseId }, { deadlineMs: 10000 }).catch(() => {});
}

/**
 * @param {{listingId: string, startMs: number, endMs: number, seats: number, leaseId: string | null, termsVersion: number, key: string}} wish
 *   `key`: the same for every try of one wish, so that there is one order
 * @returns {Promise<object>} the order
 */
function create({ listingId, startMs, endMs, seats, leaseId, termsVersion, key }) {
  const body = {
    listing_id: listingId, start_ms: startMs, end_ms: endMs, seats, terms_version: termsVersion,
    ...(leaseId && { lease_id: leaseId }),
  }; // prettier-ignore
  return live.command("orders.create", body, { key });
}

/**
 * One step of an order's life, shown at once and taken back if it is refused.
 * @param {object} order  as it is shown
 * @param {string} action  one of `order.actions`
 * @param {object} [body]  what the action needs beside the order
 */
function act(order, action, body = {}) {
  const { order_id: id, role, version } = order;
  const outcome = live.command(`orders.${action}`, { order_id: id, version, ...body });
  return live.store.overlay(topics.order(id, role), (value) => value && { ...value, actions: [], doing: action }, outcome);
}

/** @returns {Promise<{orders: object[], next_before: string | null}>} one's own on that side, newest first */
function mine(role, before = null) {
  return rest({ path: "/v1/orders", query: { role, before, limit: 20 } });
}

/** What both parties have shown. */
function evidence(orderId) {
  return rest({ path: `/v1/orders/${orderId}/evidence` });
}

/**
 * What using longer would cost, and until when it could be at most.
 * @returns {Promise<{end_ms: number, amount_fen: number, terms_version: number, latest_end_ms: number}>}
 */
function quoteExtension(orderId, endMs) {
  return rest({ path: `/v1/orders/${orderId}/extension`, query: { end_ms: endMs } });
}

module.exports = { topics, mine, quote, hold, release, create, act, evidence, quoteExtension };
