// What bringing it back late costs, as market/orders/rules/division.py has it.
"use strict";

const { HOUR_MS, MINUTE_MS } = require("./time");

/** So much later is still in time. */
const GRACE_MS = 15 * MINUTE_MS;

/**
 * What is kept of the deposit if it comes back now.
 * @param {{end_ms: number, late_hour_fen: number, deposit_fen: number}} order
 * @param {number} nowMs
 */
function lateFen({ end_ms: endMs, late_hour_fen: hourFen, deposit_fen: depositFen }, nowMs) {
  const lateMs = nowMs - endMs;
  return lateMs <= GRACE_MS ? 0 : Math.min(depositFen, Math.ceil(lateMs / HOUR_MS) * hourFen);
}

/** Whether it should have been given back by now. */
function isLate({ state, end_ms: endMs }, nowMs) {
  return state === "in_use" && nowMs > endMs;
}

module.exports = { GRACE_MS, isLate, lateFen };
