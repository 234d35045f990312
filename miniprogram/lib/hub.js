// A connection to the hub that is made again whenever it breaks: docs/protocol.md as a client keeps it.
//
//     const hub = new Hub({ connect, urls: ["wss://..."], token });
//     hub.open();
//     const stop = hub.store.watch("order:118047659043466353:buyer", (view) => page.setData({ order: view.value }));
//     await hub.command("orders.cancel", { order_id: "118047659043466353" });
"use strict";

const { Backoff } = require("./backoff");
const { Clock } = require("./clock");
const { Link } = require("./link");
const { Outbox } = require("./outbox");
const { LIMITS, Refusal, afterClose } = require("./protocol");
const { Pulse } = require("./pulse");
const { Store } = require("./store");
const { Subscriptions } = require("./subscriptions");
const { Tokens } = require("./tokens");

// Milliseconds.
const CONNECT_MS = 15000; // from asking for a token to `connected`
const STABLE_MS = 10000; // a connection that lived this long makes earlier failures forgotten
const PROBE_MS = 3000; // how long a connection may take to answer after the app slept
const LINGER_MS = 4000; // WeChat freezes the app 5 s after it is hidden; a glance elsewhere should cost no reconnect

/**
 * @typedef {object} HubOptions
 * @property {(url: string, protocols: string[]) => import("./link").Socket} connect
 * @property {string[]} urls  of hubs; after a failure the next one is tried
 * @property {(how: {fresh: boolean}) => Promise<string>} token  an access token; `fresh`: the last one is of no use any more. A rejection whose `code` is
 *   `unauthenticated`, `token_expired` or `session_revoked` ends the connection; after any other it is asked again
 * @property {"msgpack" | "json"} [encoding]
 * @property {import("./clock").Timers} [timers]
 * @property {() => number} [random]  from 0 to 1
 * @property {number} [lingerMs]  how long a hidden app stays connected
 * @property {(error: Error) => void} [onError]  for a log: what failed and is tried again, what the server would not read, watchers that throw
 */

/**
 * @typedef {object} Status
 * @property {"connecting" | "live" | "resuming" | "closed"} state  resuming: it was live before
 * @property {string | null} reason  why it is closed: "new", "ended" (by `close`), "suspended", or for good: "unauthenticated",
 *   "session_revoked", "token_expired", "too_many_connections", "bad_frame", "refused"
 * @property {number | null} code  the number of the server's close
 */

class Hub {
  /** @param {HubOptions} options */
  constructor({ connect, urls, token, encoding = "msgpack", timers, random = Math.random, lingerMs = LINGER_MS, onError = () => {} }) {
    this._urls = urls;
    this._lingerMs = lingerMs;
    this._onError = onError;
    this._linkParts = { connect, encoding, onError };
    this.clock = new Clock(timers);
    /** What is shown. See store.js. */
    this.store = new Store(this.clock, { onError });
    /** The last `connected` frame: user, session, role, limits. Null until there is one. */
    this.connected = null;

    let lastId = 0;
    const parts = {
      clock: this.clock, random, token, encoding, onError, store: this.store,
      newId: () => (lastId += 1),
      post: (frame) => this._open && this._link.post(frame),
      ping: () => this._open && this._link.post({ op: "ping" }),
      dead: () => this._lost(1006),
      onTokenExpired: () => this._tokens.refresh(),
      onLoggedOut: (code) => this._end(code),
    }; // prettier-ignore
    this._tokens = new Tokens(parts);
    this._subscriptions = new Subscriptions(parts);
    this._outbox = new Outbox(parts);
    this._pulse = new Pulse(parts);
    this.store.bind(this._subscriptions);

    this._backoff = new Backoff({ first: 100, most: 30000, random });
    this._status = { state: "closed", reason: "new", code: null };
    this._watchers = new Set();
    this._tries = 0;
    this._link = null;
    this._attempting = false;
    this._open = false; // the socket is, and `connect` has been posted
    this._liveMs = null;
    this._byeMs = null;
    this._suspended = false;
    this._cancelLinger = nothing;
    this._cancelAttempt = nothing; // its deadline, or the pause before it
  }

  /** @returns {Status} */
  get status() {
    return this._status;
  }

  /** How many commands are unanswered. */
  get waiting() {
    return this._outbox.size;
  }

  /**
   * Be told of each change of the status. Returns what ends that.
   * @param {(status: Status) => void} watcher
   * @returns {() => void}
   */
  onStatus(watcher) {
    this._watchers.add(watcher);
    return () => {
      this._watchers.delete(watcher);
    };
  }

  /** Connect, and stay connected. Also after an end, once its reason is gone. */
  open() {
    if (this._status.state !== "closed" || this._suspended) return;
    this._backoff.reset();
    this.connected = null;
    this._attempt();
  }

  /** End it. What is unanswered is refused with `ended`. What the store knows stays: see `Store.clear`. */
  close() {
    this._end("ended");
  }

  /** The app is hidden: stay a moment, then let go. Commands and topics are kept. */
  suspend() {
    if (this._suspended || this._status.state === "closed") return;
    this._suspended = true;
    this._cancelLinger = this.clock.after(this._lingerMs, () => {
      this._letGo();
      this._outbox.hold();
      this._set("closed", "suspended");
    });
  }

  /** The app is shown again: resume at once. */
  wake() {
    if (!this._suspended) return;
    this._suspended = false;
    this._cancelLinger();
    this._outbox.release();
    this._backoff.reset();
    const { state } = this._status;
    if (state === "live") this._pulse.probe(PROBE_MS);
    else if (state === "closed" || !this._attempting) this._attempt();
  }

  /**
   * Have something done, once. The promise is the reply's body, or a `Refusal`.
   * @param {string} name
   * @param {object} [body]
   * @param {import("./outbox").CommandOptions} [options]
   * @returns {Promise<any>}
   */
  command(name, body, options) {
    if (this._status.state === "closed" && !this._suspended) {
      return Promise.reject(new Refusal({ code: "closed", message: `the connection has ended: ${this._status.reason}` }));
    }
    return this._outbox.command(name, body, options);
  }

  /**
   * Say something that is true for a moment only, as that one types: lost when there is no connection, and never repeated.
   * @param {string} topic
   * @param {boolean} [on]
   */
  signal(topic, on = true) {
    if (this._status.state === "live") this._link.post({ op: "signal", topic, on });
  }

  // --- a connection's life ---

  _attempt() {
    this._cancelAttempt();
    this._attempting = true;
    this._set(this.connected ? "resuming" : "connecting");
    this._cancelAttempt = this.clock.after(CONNECT_MS, () => this._lost(1006));
    this._tokens.get(
      (token) => this._dial(token),
      () => this._lost(1006),
    );
  }

  _dial(token) {
    this._link = new Link({
      ...this._linkParts,
      url: this._urls[this._tries % this._urls.length],
      onOpen: () => this._hello(token),
      onFrames: (frames) => this._take(frames),
      onClose: (code) => this._lost(code),
    });
  }

  /** Everything in one message: who we are, what we watch with its versions, and the commands that are unanswered. */
  _hello(token) {
    this._open = true;
    this._link.post({ op: "connect", token, topics: this._subscriptions.resume() });
    this._outbox.open();
  }

  _lost(code) {
    const { again, freshToken, reason } = afterClose(code);
    if (!again) return this._end(reason, code);
    if (this._liveMs !== null && this.clock.now() - this._liveMs >= STABLE_MS) this._backoff.reset();
    const byeMs = this._byeMs;
    this._letGo();
    if (freshToken) this._tokens.discard();
    this._tries += 1;
    this._set(this.connected ? "resuming" : "connecting");
    if (this._suspended) return; // `wake` will
    const pauseMs = byeMs === null ? this._backoff.next() : byeMs; // the server spreads its clients itself
    this._cancelAttempt = this.clock.after(pauseMs, () => this._attempt());
  }

  /** Let go of the connection, or of the attempt to have one. */
  _letGo() {
    this._cancelAttempt();
    this._attempting = false;
    if (this._link) this._link.close(1000);
    this._link = null;
    this._open = false;
    this._liveMs = null;
    this._byeMs = null;
    this._tokens.lost();
    this._pulse.stop();
    this._subscriptions.lost();
    this._outbox.lost();
  }

  _end(reason, code = null) {
    this._cancelLinger();
    this._suspended = false;
    this._letGo();
    this._outbox.fail(reason);
    this._outbox.release();
    this._set("closed", reason, code);
  }

  _set(state, reason = null, code = null) {
    const before = this._status;
    if (before.state === state && before.reason === reason && before.code === code) return;
    this._status = { state, reason, code };
    for (const watcher of [...this._watchers]) {
      try {
        watcher(this._status);
      } catch (error) {
        this._onError(error);
      }
    }
  }

  // --- frames ---

  _take(frames) {
    this._pulse.heard();
    const link = this._link;
    for (const frame of frames) {
      try {
        const handle = HANDLERS.get(frame.op);
        if (handle) handle(this, frame);
      } catch (error) {
        this._onError(error);
      }
      if (this._link !== link) break;
    }
    this.store.flush();
  }

  _connected(frame) {
    this._cancelAttempt();
    this._attempting = false;
    this.connected = frame;
    this.clock.learn(frame.server_ms);
    this._link.limits = { ...LIMITS, ...frame.limits };
    this._liveMs = this.clock.now();
    this._pulse.start(frame.heartbeat_s * 1000);
    this._tokens.keep(frame.token_expires_ms);
    this._subscriptions.answer(frame);
    this._outbox.limit(frame.limits);
    this._set("live");
  }

  _error({ id, error }) {
    if (this._tokens.asked(id)) {
      this._tokens.discard();
      this._lost(1006); // another role, perhaps: connecting anew tells
    } else if (id === undefined || !this._subscriptions.failed(id)) {
      this._onError(new Refusal(error));
    }
  }
}

function nothing() {}

/** What to do with a frame, by its `op`. All others are ignored: that is how the protocol grows. */
const HANDLERS = new Map(
  Object.entries({
    connected: (hub, frame) => hub._connected(frame),
    subscribed: (hub, frame) => hub._subscriptions.answer(frame),
    push: (hub, frame) => hub._subscriptions.push(frame),
    reply: (hub, frame) => hub._outbox.reply(frame),
    refreshed: (hub, frame) => hub._tokens.refreshed(frame),
    error: (hub, frame) => hub._error(frame),
    bye: (hub, frame) => (hub._byeMs = frame.retry_after_ms),
    ping: (hub) => hub._link.post({ op: "pong" }),
    pong: (hub, frame) => hub.clock.learn(frame.server_ms),
  }),
);

module.exports = { Hub, Refusal };
