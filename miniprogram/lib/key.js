// Idempotency keys.
"use strict";

/**
 * Fresh enough: the server tells keys apart per user, and forgets them after a week.
 * @param {number} [nowMs]
 * @param {() => number} [random]
 */
function newKey(nowMs = Date.now(), random = Math.random) {
  const part = () => Math.floor(random() * 2 ** 32).toString(36).padStart(7, "0"); // prettier-ignore
  return `${nowMs.toString(36)}-${part()}${part()}${part()}`;
}

module.exports = { newKey };
