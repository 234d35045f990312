// What the screen shows: the newest that the server has pushed, and on top of it what the user has changed a moment ago.
"use strict";

const { Topic } = require("./topic");

/** Topics that nobody watches any more, but whose versions are kept, so that coming back asks for the difference only. */
const KEPT = 50;

/** The server will not have anybody read these, so what we knew of them goes too. */
const NOT_OURS = ["not_found", "unknown_topic"];

/**
 * @typedef {object} View  A topic as it is to be shown. Not to be changed: the store shares it.
 * @property {string} topic
 * @property {"waiting" | "live" | "refused"} status  waiting: the value, if any, is what was known before
 * @property {string | null} code  why it is refused, or cannot be had just now
 * @property {number | null} version
 * @property {any} value  null: nothing (yet, or any more). See `Topic.value` for logs and keyed topics
 * @property {number} pending  how many changes are shown that the server has not confirmed
 */

/** @typedef {(view: View) => void} Watcher */

class Store {
  /**
   * @param {import("./clock").Clock} clock
   * @param {{kept?: number, onError?: (error: Error) => void}} [options]  `onError` hears of watchers that throw
   */
  constructor(clock, { kept = KEPT, onError = () => {} } = {}) {
    this._clock = clock;
    this._most = kept;
    this._onError = onError;
    this._source = { want() {}, release() {} };
    this._entries = new Map();
    this._kept = new Map();
    this._dirty = new Set();
    this._flushing = false;
  }

  // --- for pages ---

  /**
   * Be told of a topic: now, and once per message from the server that changes it. Returns what ends that.
   * @param {string} name
   * @param {Watcher} watcher
   * @returns {() => void}
   */
  watch(name, watcher) {
    const entry = this._entry(name);
    const watching = { tell: watcher };
    entry.watchers.add(watching);
    if (entry.watchers.size === 1) this._source.want(name);
    this._tell(watching, this._view(entry));
    return () => {
      if (!entry.watchers.delete(watching) || entry.watchers.size) return;
      this._source.release(name);
      this._reset(entry);
      this._tidy(entry);
    };
  }

  /**
   * A topic as it is shown at this moment.
   * @param {string} name
   * @returns {View}
   */
  get(name) {
    const entry = this._entries.get(name) || this._kept.get(name);
    return entry ? this._view(entry) : this._view(newEntry(name));
  }

  /**
   * Show a change before the server has confirmed it. It vanishes when `outcome` is refused, and gives way to what the
   * server pushes once that is as new as the answer says.
   * @template T
   * @param {string} name  the topic on which it shows
   * @param {(value: any) => any} apply  a new value from the server's; must not change its argument; called again whenever that changes
   * @param {Promise<T>} outcome  of the command
   * @param {{confirms?: (answer: T) => number | null | undefined, seen?: (value: any) => boolean}} [options]
   *   `confirms`: the topic's version that has the change; left out: the answer's `version` or `seq`.
   *   `seen`: whether the server's value has it already, for changes that must not show twice when the push overtakes the answer
   * @returns {Promise<T>} `outcome` itself
   */
  overlay(name, apply, outcome, { confirms = versionOf, seen = () => false } = {}) {
    const entry = this._entry(name);
    const overlay = { apply, seen, until: null };
    entry.overlays.push(overlay);
    this._touch(entry);
    this.flush();
    outcome.then(
      (answer) => {
        const version = confirms(answer);
        const pushWillCome = typeof version === "number" && entry.watchers.size > 0 && entry.status !== "refused";
        if (pushWillCome) overlay.until = version;
        else this._take(entry, overlay);
        this._settled(entry);
      },
      () => {
        this._take(entry, overlay);
        this._settled(entry);
      },
    );
    return outcome;
  }

  /**
   * REST has told a log up to this number: who watches it is told what comes after. Nothing when it is known already.
   * @param {string} name
   * @param {number} version
   */
  begin(name, version) {
    const entry = this._entry(name);
    if (entry.topic.version === null) entry.topic.answer({ topic: name, kind: "log", version, entries: [] });
    this._tidy(entry);
  }

  /** Forget everything: somebody else logs in. */
  clear() {
    this._kept.clear();
    for (const entry of this._entries.values()) {
      this._forget(entry);
      entry.overlays = [];
      this._reset(entry);
      this._touch(entry);
    }
    this.flush();
  }

  // --- for the hub ---

  /** @param {{want(name: string): void, release(name: string): void}} source told of the first and the last watcher */
  bind(source) {
    this._source = source;
  }

  /** The version to resume from; null for nothing. */
  have(name) {
    const entry = this._entries.get(name);
    return entry ? entry.topic.have : null;
  }

  /** Whether lines of this log are missing. */
  hasGap(name) {
    const entry = this._entries.get(name);
    return entry !== undefined && entry.topic.hasGap;
  }

  /** A topic state of `connected` or `subscribed`. */
  answer(state) {
    const entry = this._entries.get(state.topic);
    if (!entry) return;
    const changed = entry.topic.answer(state);
    if (changed || entry.status !== "live" || entry.code !== null) this._touch(entry);
    entry.status = "live";
    entry.code = null;
    this._awaitExpiry(entry);
  }

  /** The server's refusal of a topic. An `unavailable` one goes on as it was. */
  refuse(name, code) {
    const entry = this._entries.get(name);
    if (!entry || entry.code === code) return;
    entry.code = code;
    if (code !== "unavailable") entry.status = "refused";
    if (NOT_OURS.includes(code)) this._forget(entry);
    if (entry.status === "refused") dropConfirmed(entry);
    this._touch(entry);
  }

  /** A push. */
  push(push) {
    const entry = this._entries.get(push.topic);
    if (!entry || !entry.topic.push(push)) return;
    this._touch(entry);
    this._awaitExpiry(entry);
  }

  /** Tell the watchers, once each, whatever has changed since the last time. */
  flush() {
    if (this._flushing) return;
    this._flushing = true;
    while (this._dirty.size) {
      const dirty = [...this._dirty];
      this._dirty.clear();
      for (const entry of dirty) {
        const view = this._view(entry);
        for (const watching of [...entry.watchers]) this._tell(watching, view);
      }
    }
    this._flushing = false;
  }

  // --- inside ---

  _entry(name) {
    let entry = this._entries.get(name);
    if (!entry) {
      entry = this._kept.get(name) || newEntry(name);
      this._kept.delete(name);
      this._entries.set(name, entry);
    }
    return entry;
  }

  _touch(entry) {
    entry.view = null;
    this._dirty.add(entry);
  }

  _view(entry) {
    const { topic } = entry;
    if (topic.endsMs !== null && topic.endsMs <= this._clock.serverNow()) {
      topic.expire(this._clock.serverNow());
      entry.view = null;
    }
    if (entry.view) return entry.view;
    entry.overlays = entry.overlays.filter((overlay) => !this._isConfirmed(overlay, topic));
    let value = topic.value;
    for (const overlay of [...entry.overlays]) {
      try {
        value = overlay.apply(value);
      } catch (error) {
        this._take(entry, overlay);
        this._onError(error);
      }
    }
    entry.view = {
      topic: topic.name,
      status: entry.status,
      code: entry.code,
      version: topic.version,
      value,
      pending: entry.overlays.length,
    };
    return entry.view;
  }

  _isConfirmed(overlay, topic) {
    if (overlay.until !== null && topic.version !== null && topic.version >= overlay.until) return true;
    try {
      return overlay.seen(topic.value);
    } catch (error) {
      this._onError(error);
      return true;
    }
  }

  _take(entry, overlay) {
    entry.overlays = entry.overlays.filter((other) => other !== overlay);
  }

  _settled(entry) {
    this._touch(entry);
    this.flush();
    this._tidy(entry);
  }

  _tell(watching, view) {
    try {
      watching.tell(view);
    } catch (error) {
      this._onError(error);
    }
  }

  /** Who is not needed any more leaves, or is kept among the few that may be needed again. */
  _tidy(entry) {
    const { name, kind, version } = entry.topic;
    if (entry.watchers.size || entry.overlays.length || this._entries.get(name) !== entry) return;
    this._entries.delete(name);
    this._dirty.delete(entry);
    entry.view = null;
    if (entry.cancelExpiry) entry.cancelExpiry();
    entry.cancelExpiry = null;
    if (version === null || kind === "ephemeral") return;
    this._kept.set(name, entry);
    if (this._kept.size > this._most) this._kept.delete(this._kept.keys().next().value);
  }

  /** As before the server has said anything about it; what is known stays known. */
  _reset(entry) {
    entry.status = "waiting";
    entry.code = null;
    entry.view = null;
    dropConfirmed(entry);
  }

  _forget(entry) {
    entry.topic = new Topic(entry.topic.name);
    this._awaitExpiry(entry);
  }

  _awaitExpiry(entry) {
    if (entry.cancelExpiry) entry.cancelExpiry();
    entry.cancelExpiry = null;
    const { endsMs } = entry.topic;
    if (endsMs === null) return;
    entry.cancelExpiry = this._clock.after(endsMs - this._clock.serverNow(), () => {
      entry.cancelExpiry = null;
      if (endsMs <= this._clock.serverNow()) this._touch(entry);
      this.flush();
      this._awaitExpiry(entry);
    });
  }
}

function newEntry(name) {
  return {
    topic: new Topic(name), watchers: new Set(), overlays: [], status: "waiting", code: null, view: null, cancelExpiry: null,
  };
}

/** Changes that only wait for a push are shown no longer when none will come. */
function dropConfirmed(entry) {
  entry.overlays = entry.overlays.filter((overlay) => overlay.until === null);
}

function versionOf(answer) {
  if (!answer) return null;
  return answer.version === undefined ? answer.seq : answer.version;
}

module.exports = { Store };
