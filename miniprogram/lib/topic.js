// What is known of one topic, and how an answer or a push changes it. No clock, no watchers: see store.js.
"use strict";

/** Lines of a log that are kept; older ones are REST's. */
const MOST_LINES = 500;

/** Lines that came before their time. More are not kept: the answer to the question that they raise has them. */
const MOST_EARLY = 200;

class Topic {
  /** @param {string} name */
  constructor(name) {
    this.name = name;
    this.kind = null;
    /** Of the value; of a log: the last number without a gap; null: nothing known. */
    this.version = null;
    this.epoch = null;
    /** Ephemeral ones only: UTC milliseconds of the server. */
    this.expiresMs = null;
    this._value = null;
    this._lines = [];
    this._early = new Map();
    this._keys = new Map();
  }

  /** What to tell the server that we have. */
  get have() {
    return this.kind === "state" || this.kind === "log" ? this.version : null;
  }

  /** Lines of the log are missing. */
  get hasGap() {
    return this._early.size > 0 && this.version !== null;
  }

  /**
   * The value as the server gave it; of a log: a list of {version, payload}, oldest first; of a keyed topic: an
   * object of payloads by key. Another object after each change, the same one until then.
   */
  get value() {
    if (this._value === null && this.version !== null) {
      if (this.kind === "log") this._value = this._lines.slice();
      if (this.kind === "keyed") this._value = payloadsOf(this._keys);
    }
    return this._value;
  }

  /** The payload of one key of a keyed topic, or undefined. */
  at(key) {
    const known = this._keys.get(key);
    return known && known.payload;
  }

  /**
   * Take what `connected` or `subscribed` says of this topic.
   * @returns {boolean} whether the value is another one now
   */
  answer(state) {
    this.kind = state.kind;
    if (state.kind === "state") {
      return state.state !== undefined && this._takeState(state.version, state.state);
    }
    if (state.kind === "log") return this._takeLines(state.version, state.entries || []);
    if (state.kind === "keyed") return this._takeKeys(state.version, state.entries || []);
    return this._takeEphemeral(state.version, state.state, state.epoch, state.expires_ms);
  }

  /**
   * Take a push. What is not newer is dropped.
   * @returns {boolean} whether the value is another one now
   */
  push(push) {
    this.kind = push.kind;
    if (push.kind === "state") return this._takeState(push.version, push.payload);
    if (push.kind === "log") return this._takeLine(push.version, push.payload);
    if (push.kind === "keyed") return this._takeKey(push.version, push.payload, push.key);
    if (push.kind !== "ephemeral") return false;
    if (push.epoch === this.epoch && this.version !== null && push.version <= this.version) return false;
    return this._takeEphemeral(push.version, push.payload, push.epoch, push.expires_ms);
  }

  /** When the value next changes by itself, UTC milliseconds of the server; null: never. Each of several in one value may have its own end. */
  get endsMs() {
    if (this.expiresMs === null) return null;
    return this._parts.reduce((first, { until_ms }) => Math.min(first, until_ms), this.expiresMs);
  }

  /** What has ended by now is gone; the counter stays. */
  expire(nowMs) {
    if (this.expiresMs > nowMs) {
      this._value = this._value.filter((part) => !(part && part.until_ms <= nowMs));
    } else {
      this.expiresMs = null;
      this._value = null;
    }
  }

  get _parts() {
    return Array.isArray(this._value) ? this._value.filter((part) => part && typeof part.until_ms === "number") : [];
  }

  _takeState(version, value) {
    if (this.version !== null && version <= this.version) return false;
    this.version = version;
    this._value = value;
    return true;
  }

  _takeLines(last, entries) {
    const first = this.version === null;
    if (first) this.version = entries.length ? entries[0].version - 1 : last;
    let changed = first;
    for (const { version, payload } of entries) changed = this._takeLine(version, payload) || changed;
    return this._takeEarly() || changed;
  }

  _takeLine(version, payload) {
    if (this.version !== null && version <= this.version) return false;
    if (this.version === null || version > this.version + 1) {
      if (this._early.size < MOST_EARLY) this._early.set(version, payload);
      return false;
    }
    this._append(version, payload);
    this._takeEarly();
    return true;
  }

  _takeEarly() {
    const before = this.version;
    for (const version of this._early.keys()) if (version <= this.version) this._early.delete(version);
    while (this._early.has(this.version + 1)) {
      const version = this.version + 1;
      const payload = this._early.get(version);
      this._early.delete(version);
      this._append(version, payload);
    }
    return this.version !== before;
  }

  _append(version, payload) {
    this.version = version;
    this._lines.push({ version, payload });
    if (this._lines.length > MOST_LINES) this._lines.shift();
    this._value = null;
  }

  _takeKeys(version, entries) {
    const given = new Set(entries.map((entry) => entry.key));
    let changed = this.version === null;
    for (const key of this._keys.keys()) {
      if (!given.has(key)) changed = this._keys.delete(key) || changed;
    }
    for (const entry of entries) changed = this._takeKey(entry.version, entry.payload, entry.key) || changed;
    this.version = version;
    if (changed) this._value = null;
    return changed;
  }

  _takeKey(version, payload, key) {
    const known = this._keys.get(key);
    if (known && version <= known.version) return false;
    this._keys.set(key, { version, payload });
    this.version = Math.max(this.version || 0, version);
    this._value = null;
    return true;
  }

  _takeEphemeral(version, value, epoch, expiresMs) {
    this.version = version;
    this.epoch = epoch;
    this.expiresMs = expiresMs === undefined ? null : expiresMs;
    this._value = value === undefined ? null : value;
    return true;
  }
}

function payloadsOf(keys) {
  const payloads = {};
  for (const [key, { payload }] of keys) payloads[key] = payload;
  return payloads;
}

module.exports = { Topic, MOST_LINES };
