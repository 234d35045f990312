// Which topics are wanted, and the questions about them: joining, gaps, logs that came in pieces, refusals that pass.
"use strict";

const { Backoff } = require("./backoff");

/** Lines 7 and 6 may come in that order: a gap often closes by itself. Milliseconds. */
const GAP_MS = 100;

/** What has only just been made may not be known everywhere yet. So often we ask again. */
const NOT_FOUND_TRIES = 5;

const CONNECT = 0;

class Subscriptions {
  /**
   * @param {object} parts
   * @param {import("./store").Store} parts.store
   * @param {import("./clock").Clock} parts.clock
   * @param {() => number} parts.random
   * @param {(frame: object) => void} parts.post  takes frames while `resume` has been called and `lost` has not
   * @param {() => number} parts.newId  greater than 0
   */
  constructor({ store, clock, random, post, newId }) {
    this._store = store;
    this._clock = clock;
    this._random = random;
    this._post = post;
    this._newId = newId;
    this._wanted = new Map();
    this._questions = new Map();
    this._ask = new Set();
    this._gone = new Set();
    this._open = false;
    this._scheduled = false;
  }

  want(name) {
    const pause = new Backoff({ first: 200, most: 5000, least: 0.5, random: this._random });
    const asked = this._gone.delete(name);
    this._wanted.set(name, { name, asked, question: null, pause, notFound: 0, crowded: false, cancel: null });
    this._ask.add(name);
    this._schedule();
  }

  release(name) {
    const wanted = this._wanted.get(name);
    this._rest(wanted);
    this._wanted.delete(name);
    this._ask.delete(name);
    if (wanted.asked) this._gone.add(name);
    this._schedule();
  }

  /**
   * A connection begins: everything that is wanted, with the versions that we have.
   * @returns {Array<[string, number | null]>}
   */
  resume() {
    this._open = true;
    this._ask.clear();
    return this._question(CONNECT, [...this._wanted.keys()]);
  }

  /** The connection has ended. */
  lost() {
    this._open = false;
    this._questions.clear();
    this._gone.clear();
    for (const wanted of this._wanted.values()) {
      wanted.asked = false;
      wanted.question = null;
      wanted.notFound = 0;
      wanted.crowded = false;
      wanted.pause.reset();
      this._rest(wanted);
    }
  }

  /** A `connected` or `subscribed` frame. */
  answer({ id = CONNECT, topics, refused }) {
    this._answered(id);
    for (const state of topics) {
      const wanted = this._wanted.get(state.topic);
      if (!wanted) continue;
      const before = this._store.have(state.topic);
      this._store.answer(state);
      wanted.crowded = false;
      wanted.notFound = 0;
      if (state.more && this._store.have(state.topic) !== before) this._again(wanted);
      else if (state.more || this._store.hasGap(state.topic)) this._later(wanted, wanted.pause.next());
      else wanted.pause.reset();
    }
    for (const { topic, code } of refused) {
      const wanted = this._wanted.get(topic);
      if (wanted) this._refused(wanted, code);
    }
  }

  /**
   * An `error` frame that names a question. False when it is not one of ours.
   * @param {number} id
   */
  failed(id) {
    const names = this._questions.get(id);
    if (!names) return false;
    this._answered(id);
    for (const name of names) {
      const wanted = this._wanted.get(name);
      if (wanted) this._later(wanted, wanted.pause.next());
    }
    return true;
  }

  /** A `push` frame. */
  push(push) {
    this._store.push(push);
    const wanted = this._wanted.get(push.topic);
    if (wanted && this._store.hasGap(push.topic)) this._later(wanted, GAP_MS, () => this._store.hasGap(push.topic));
  }

  _refused(wanted, code) {
    this._store.refuse(wanted.name, code);
    if (code === "not_found") wanted.notFound += 1;
    wanted.crowded = code === "too_many_topics";
    if (code === "unavailable" || (code === "not_found" && wanted.notFound <= NOT_FOUND_TRIES)) {
      this._later(wanted, wanted.pause.next());
    }
  }

  /** Ask again after a pause if that is needed still, unless an answer is under way or another pause runs. */
  _later(wanted, ms, needed = () => true) {
    if (wanted.question !== null || wanted.cancel || !this._open) return;
    wanted.cancel = this._clock.after(ms, () => {
      wanted.cancel = null;
      if (needed()) this._again(wanted);
    });
  }

  _again(wanted) {
    if (wanted.question !== null) return;
    this._ask.add(wanted.name);
    this._schedule();
  }

  _rest(wanted) {
    if (wanted.cancel) wanted.cancel();
    wanted.cancel = null;
  }

  _answered(id) {
    this._questions.delete(id);
    for (const wanted of this._wanted.values()) if (wanted.question === id) wanted.question = null;
  }

  /** What changes in one turn goes out as one frame. */
  _schedule() {
    if (this._scheduled) return;
    this._scheduled = true;
    Promise.resolve().then(() => {
      this._scheduled = false;
      if (this._open) this._send();
    });
  }

  _send() {
    if (this._gone.size) {
      this._post({ op: "unsubscribe", id: this._newId(), topics: [...this._gone] });
      for (const wanted of this._wanted.values()) if (wanted.crowded) this._ask.add(wanted.name);
    }
    if (this._ask.size) {
      const id = this._newId();
      this._post({ op: "subscribe", id, topics: this._question(id, [...this._ask]) });
    }
    this._gone.clear();
    this._ask.clear();
  }

  _question(id, names) {
    this._questions.set(id, names);
    return names.map((name) => {
      const wanted = this._wanted.get(name);
      wanted.asked = true;
      wanted.question = id;
      this._rest(wanted);
      return [name, this._store.have(name)];
    });
  }
}

module.exports = { Subscriptions };
