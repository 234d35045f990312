// What cancelling costs, as docs/terms.md has it.
"use strict";

const { DAY_MS, HOUR_MS, MINUTE_MS } = require("./time");

/** Within this of ordering it costs nothing. */
const SECOND_THOUGHT_MS = 15 * MINUTE_MS;

/** Until so long before the start the owner keeps so many basis points of the rent; the last step is for ever. */
const STAIRS = {
  flexible: [[HOUR_MS, 0], [0, 2000], [-Infinity, 5000]],
  moderate: [[DAY_MS, 0], [HOUR_MS, 5000], [0, 8000], [-Infinity, 10000]],
  strict: [[7 * DAY_MS, 0], [DAY_MS, 5000], [-Infinity, 10000]],
}; // prettier-ignore

/**
 * What the owner keeps of the rent if the buyer cancels now. All else that was paid goes back.
 * @param {{policy: string, rent_fen: number, start_ms: number, created_ms: number}} order
 * @param {number} nowMs
 */
function keptFen({ policy, rent_fen: rentFen, start_ms: startMs, created_ms: createdMs }, nowMs) {
  if (nowMs <= createdMs + SECOND_THOUGHT_MS) return 0;
  const [, basisPoints] = STAIRS[policy].find(([beforeMs]) => nowMs <= startMs - beforeMs);
  return Math.floor((rentFen * basisPoints + 5000) / 10000);
}

module.exports = { keptFen };
