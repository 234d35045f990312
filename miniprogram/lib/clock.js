// The phone's clock and timers, and what the server's clock says.
"use strict";

/** @typedef {{now(): number, after(ms: number, then: () => void): () => void}} Timers `after` returns what cancels it */

/** @type {Timers} */
const SYSTEM = {
  now: () => Date.now(),
  after(ms, then) {
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  },
};

/** setTimeout takes no more: it would fire at once. */
const LONGEST_MS = 2 ** 31 - 1;

/** All times in milliseconds. */
class Clock {
  /** @param {Timers} [timers] */
  constructor(timers = SYSTEM) {
    this._timers = timers;
    this._ahead = 0;
  }

  now() {
    return this._timers.now();
  }

  after(ms, then) {
    return this._timers.after(Math.min(Math.max(0, ms), LONGEST_MS), then);
  }

  /** UTC by the server's clock: phones may be wrong by hours. */
  serverNow() {
    return this.now() + this._ahead;
  }

  /** @param {number} serverMs what the server's clock said when it wrote the frame that has come just now */
  learn(serverMs) {
    this._ahead = serverMs - this.now();
  }
}

module.exports = { Clock };
