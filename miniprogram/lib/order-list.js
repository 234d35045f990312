// A list of orders as one of the two parties sees it.
"use strict";

const { DAY_MS } = require("./time");

const OVER = ["completed", "declined", "expired", "cancelled", "refunded"];

/** A completed order can be rated so long (market/ratings). */
const RATE_MS = 14 * DAY_MS;

/** What one has to do, by state: always, or only when it is near. */
const DUTIES = {
  buyer: {
    pending_payment: { what: "pay" },
    claimed: { what: "answer" },
    ready: { what: "meet", before: "start_ms" },
    in_use: { what: "give_back", before: "end_ms" },
  },
  owner: {
    requested: { what: "decide" },
    returned: { what: "inspect" },
    ready: { what: "hand_over", before: "start_ms" },
  },
};

/**
 * What an order waits for from this party: a word for it, or "" for nothing.
 * @param {object} order  OrderView
 * @param {number} nowMs
 */
function duty(order, nowMs) {
  const due = DUTIES[order.role][order.state];
  if (!due) return "";
  return due.before && order[due.before] - nowMs > DAY_MS ? "" : due.what;
}

/** Until when it waits for this party; null: there is no such moment worth telling. */
function deadline(order, nowMs) {
  const due = duty(order, nowMs);
  if (due === "give_back") return order.end_ms;
  return due && !DUTIES[order.role][order.state].before ? order.due_ms : null;
}

/** @returns {"todo" | "active" | "over"} todo is active, too */
function group(order, nowMs) {
  if (OVER.includes(order.state)) return "over";
  return duty(order, nowMs) ? "todo" : "active";
}

function mayRate(order, nowMs) {
  return order.state === "completed" && nowMs - order.entered_ms < RATE_MS;
}

/** @param {"all" | "todo" | "active" | "over"} filter */
function chosen(orders, filter, nowMs) {
  if (filter === "all") return orders;
  return orders.filter((order) => {
    const own = group(order, nowMs);
    return filter === own || (filter === "active" && own === "todo");
  });
}

/**
 * What REST said, and the topics since; the newest version of each. Newest first.
 * @param {object[]} listed
 * @param {object[]} pushed
 */
function merged(listed, pushed) {
  const newest = new Map();
  for (const order of listed.concat(pushed)) {
    const known = newest.get(order.order_id);
    if (!known || order.version > known.version) newest.set(order.order_id, order);
  }
  return [...newest.values()].sort((a, b) => b.created_ms - a.created_ms || (a.order_id < b.order_id ? 1 : -1));
}

module.exports = { duty, deadline, group, mayRate, chosen, merged };
