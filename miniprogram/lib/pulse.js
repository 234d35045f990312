// Whether the connection is alive: any traffic counts, silence is questioned, and no answer means that it is dead.
"use strict";

/** The server speaks to who is silent every `heartbeat_s`; its ping may be late by this much. Milliseconds. */
const LATE_MS = 5000;

/** How long an answer to our ping may take. Milliseconds. */
const PONG_MS = 10000;

class Pulse {
  /** @param {{clock: import("./clock").Clock, ping: () => void, dead: () => void}} parts */
  constructor({ clock, ping, dead }) {
    this._clock = clock;
    this._ping = ping;
    this._dead = dead;
    this._heardMs = 0;
    this._quietMs = 0;
    this._asked = false;
    this._cancel = null;
  }

  /** @param {number} heartbeatMs after how much silence of ours the server pings us */
  start(heartbeatMs) {
    this._quietMs = heartbeatMs + LATE_MS;
    this._asked = false;
    this.heard();
    this._arm(this._quietMs);
  }

  stop() {
    if (this._cancel) this._cancel();
    this._cancel = null;
  }

  /** Something has come. */
  heard() {
    this._heardMs = this._clock.now();
    if (!this._asked) return;
    this._asked = false;
    this._arm(this._quietMs);
  }

  /** Ask now: the phone may have slept. */
  probe(withinMs) {
    this._asked = true;
    this._ping();
    this._arm(withinMs);
  }

  _arm(ms) {
    this.stop();
    this._cancel = this._clock.after(ms, () => this._look());
  }

  /** One timer for many messages: it looks at when the last one came. */
  _look() {
    if (this._asked) return this._dead();
    const silentMs = this._clock.now() - this._heardMs;
    if (silentMs >= this._quietMs) this.probe(PONG_MS);
    else this._arm(Math.min(this._quietMs, this._quietMs - silentMs));
  }
}

module.exports = { Pulse };
