// Commands until they are answered: across reconnects, under one key each, in order per lane, once to the caller.
"use strict";

const { Backoff } = require("./backoff");
const { newKey } = require("./key");
const { ENVELOPE_BYTES, LIMITS, Refusal, encodeFrame, plainCopy } = require("./protocol");

/** Unanswered commands at most. */
const MOST = 100;

/** How long we try before the caller is told. Milliseconds in which the app is awake. */
const DEADLINE_MS = 60000;

/** After this long the answer is taken for lost, and the command is sent again. Milliseconds. */
const ANSWER_MS = 20000;

/** Retryable, but for the user to decide: somebody else holds it, for a minute or for ever. */
const NOT_WORTH_REPEATING = ["held"];

/**
 * @typedef {object} CommandOptions
 * @property {string} [key]  to repeat a command of before; left out: a new one
 * @property {string | null} [lane]  commands of one lane are sent one after the other; left out: the entity's id in the body; null: no order
 * @property {number} [deadlineMs]
 * @property {boolean} [retry]  false: a retryable refusal is final too
 */

class Outbox {
  /**
   * @param {object} parts
   * @param {import("./clock").Clock} parts.clock
   * @param {() => number} parts.random
   * @param {(frame: object) => void} parts.post  takes frames between `open` and `lost`
   * @param {() => number} parts.newId
   * @param {() => void} parts.onTokenExpired
   * @param {"msgpack" | "json"} parts.encoding
   * @param {number} [parts.most]
   */
  constructor({ clock, random, post, newId, onTokenExpired, encoding, most = MOST }) {
    this._clock = clock;
    this._random = random;
    this._post = post;
    this._newId = newId;
    this._onTokenExpired = onTokenExpired;
    this._encoding = encoding;
    this._most = most;
    this._limits = LIMITS;
    this._entries = new Set();
    this._asked = new Map();
    this._inFlight = 0;
    this._open = false;
    this._held = false;
  }

  /** How many commands are unanswered. */
  get size() {
    return this._entries.size;
  }

  /**
   * Have something done. The promise is the reply's body, or a `Refusal`; `unknown` in it says that it may have been done.
   * @param {string} name
   * @param {object} [body]
   * @param {CommandOptions} [options]
   * @returns {Promise<any>}
   */
  command(name, body = {}, { key, lane, deadlineMs = DEADLINE_MS, retry = true } = {}) {
    return new Promise((resolve, reject) => {
      if (this._entries.size >= this._most) {
        throw new Refusal({ code: "outbox_full", message: `${this._most} commands wait already`, retryable: true });
      }
      const copy = plainCopy(body);
      const entry = {
        name, body: copy, key: key || newKey(this._clock.now(), this._random), lane: lane === undefined ? entityOf(copy) : lane,
        retry, resolve, reject, leftMs: deadlineMs, deadline: 0, cancelDeadline: null,
        pause: new Backoff({ first: 300, most: 5000, least: 1 / 3, random: this._random }),
        ids: [], inFlight: false, everSent: false, internal: 0, refusal: null, cancel: null,
      }; // prettier-ignore
      const { bytes } = encodeFrame(frameOf(entry, Number.MAX_SAFE_INTEGER), this._encoding);
      if (bytes + ENVELOPE_BYTES > this._limits.max_message_bytes) {
        throw new Refusal({ code: "too_large", message: `the command takes ${bytes} bytes` });
      }
      this._entries.add(entry);
      if (!this._held) this._startDeadline(entry);
      this._pump();
    });
  }

  /** A connection takes frames. */
  open() {
    this._open = true;
    this._pump();
  }

  /** What `connected` says of the server's limits. */
  limit(limits) {
    this._limits = { ...LIMITS, ...limits };
    this._pump();
  }

  /** The connection has ended; what was under way has to be sent again. */
  lost() {
    this._open = false;
    this._asked.clear();
    this._inFlight = 0;
    for (const entry of this._entries) {
      entry.ids = [];
      if (entry.inFlight) this._rest(entry);
      entry.inFlight = false;
    }
  }

  /** The app sleeps: deadlines stand still. */
  hold() {
    if (this._held) return;
    this._held = true;
    for (const entry of this._entries) {
      entry.cancelDeadline();
      entry.leftMs = Math.max(0, entry.deadline - this._clock.now());
    }
  }

  /** The app is awake again. */
  release() {
    if (!this._held) return;
    this._held = false;
    for (const entry of this._entries) this._startDeadline(entry);
  }

  /** Give up all: nobody will answer them. */
  fail(code) {
    for (const entry of [...this._entries]) this._refuse(entry, new Refusal({ code, unknown: entry.everSent }));
  }

  /** A `reply` frame. */
  reply({ id, ok, body = null, error }) {
    const entry = this._asked.get(id);
    if (!entry) return;
    this._landed(entry);
    for (const other of entry.ids) this._asked.delete(other);
    entry.ids = [];
    if (ok) {
      this._forget(entry);
      entry.resolve(body);
    } else {
      this._refused(entry, new Refusal(error));
    }
    this._pump();
  }

  _refused(entry, refusal) {
    entry.refusal = refusal;
    if (refusal.code === "internal") entry.internal += 1;
    const again =
      refusal.code === "token_expired" ||
      (refusal.code === "internal" && entry.internal === 1) ||
      (refusal.retryable && entry.retry && !NOT_WORTH_REPEATING.includes(refusal.code));
    if (!again) return this._refuse(entry, refusal);
    if (refusal.code === "token_expired") this._onTokenExpired();
    entry.cancel = this._clock.after(entry.pause.next(), () => {
      entry.cancel = null;
      this._pump();
    });
  }

  /** Send what may be sent: in order, one at a time per lane, not more at once than the server takes. */
  _pump() {
    if (!this._open) return;
    const busy = new Set();
    for (const entry of this._entries) {
      if (this._inFlight >= this._limits.max_in_flight) return;
      if (entry.lane !== null && busy.has(entry.lane)) continue;
      busy.add(entry.lane);
      if (!entry.inFlight && !entry.cancel) this._send(entry);
    }
  }

  _send(entry) {
    const id = this._newId();
    entry.ids.push(id);
    entry.inFlight = true;
    entry.everSent = true;
    entry.refusal = null;
    this._inFlight += 1;
    this._asked.set(id, entry);
    entry.cancel = this._clock.after(ANSWER_MS, () => {
      this._landed(entry);
      this._pump();
    });
    this._post(frameOf(entry, id));
  }

  _landed(entry) {
    this._rest(entry);
    if (entry.inFlight) this._inFlight -= 1;
    entry.inFlight = false;
  }

  _rest(entry) {
    if (entry.cancel) entry.cancel();
    entry.cancel = null;
  }

  _startDeadline(entry) {
    entry.deadline = this._clock.now() + entry.leftMs;
    entry.cancelDeadline = this._clock.after(entry.leftMs, () => {
      this._refuse(entry, entry.refusal || new Refusal({
        code: "timeout", message: `${entry.name} was not answered`, retryable: true, unknown: entry.everSent,
      })); // prettier-ignore
      this._pump();
    });
  }

  _refuse(entry, refusal) {
    this._forget(entry);
    entry.reject(refusal);
  }

  _forget(entry) {
    this._landed(entry);
    for (const id of entry.ids) this._asked.delete(id);
    if (entry.cancelDeadline) entry.cancelDeadline();
    this._entries.delete(entry);
  }
}

function frameOf({ name, body, key }, id) {
  return { op: "command", id, name, key, body };
}

/** The entity that a command is about: what it says of one entity is to be heard in order. */
function entityOf({ order_id, conversation_id, listing_id }) {
  return order_id || conversation_id || listing_id || null;
}

module.exports = { Outbox };
