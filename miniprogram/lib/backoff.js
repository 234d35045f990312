// How long to wait before the next try, so that many clients do not try at the same moment.
"use strict";

/** Full jitter: between 0 and an upper end that doubles with each failure. Times in milliseconds. */
class Backoff {
  /** @param {{first: number, most: number, least?: number, random: () => number}} options `least`: a share of the upper end */
  constructor({ first, most, least = 0, random }) {
    this._first = first;
    this._most = most;
    this._least = least;
    this._random = random;
    this._failures = 0;
  }

  /** The pause before the next try. */
  next() {
    const upper = Math.min(this._most, this._first * 2 ** Math.min(this._failures, 30));
    this._failures += 1;
    return upper * (this._least + (1 - this._least) * this._random());
  }

  reset() {
    this._failures = 0;
  }
}

/**
 * Half to one and a half times what the server asked for.
 * @param {number} ms
 * @param {() => number} random
 */
function around(ms, random) {
  return ms * (0.5 + random());
}

module.exports = { Backoff, around };
