// The access token: a fresh one when the old one will not do, and in its place before it expires.
"use strict";

const { around } = require("./backoff");

// Milliseconds.
const BEFORE_MS = 60000; // this long before it expires a token is replaced
const AGAIN_MS = 5000; // after a failure to get one

/** What the app may be told when it asks for a token, and what no other try will change. */
const LOGGED_OUT = ["unauthenticated", "token_expired", "session_revoked"];

class Tokens {
  /**
   * @param {object} parts
   * @param {import("./clock").Clock} parts.clock
   * @param {() => number} parts.random
   * @param {(how: {fresh: boolean}) => Promise<string>} parts.token
   * @param {(frame: object) => void} parts.post
   * @param {() => number} parts.newId
   * @param {(error: Error) => void} parts.onError
   * @param {(code: string) => void} parts.onLoggedOut  there will be no token any more
   */
  constructor({ clock, random, token, post, newId, onError, onLoggedOut }) {
    this._clock = clock;
    this._random = random;
    this._token = token;
    this._post = post;
    this._newId = newId;
    this._onError = onError;
    this._onLoggedOut = onLoggedOut;
    this._isStale = false;
    this._connection = {};
    this._question = null;
    this._refreshing = false;
    this._cancel = null;
  }

  /** For a new connection: `got` has the token, `failed` says that there is none at this moment. */
  get(got, failed) {
    this._ask(this._isStale, (token) => {
      this._isStale = false;
      got(token);
    }, failed); // prettier-ignore
  }

  /** The server does not take the last one any more. */
  discard() {
    this._isStale = true;
  }

  /** The connection has a token until then, by the server's clock. */
  keep(expiresMs) {
    const leftMs = expiresMs - this._clock.serverNow();
    this._in(Math.max(leftMs - BEFORE_MS, leftMs / 2));
  }

  /** Replace it in place, now. */
  refresh() {
    if (this._refreshing) return;
    this._refreshing = true;
    const failed = () => {
      this._refreshing = false;
      this._in(around(AGAIN_MS, this._random));
    };
    this._ask(true, (token) => {
      this._question = this._newId();
      this._post({ op: "refresh", id: this._question, token });
    }, failed); // prettier-ignore
  }

  /** A `refreshed` frame. */
  refreshed({ id, token_expires_ms }) {
    if (id !== this._question) return;
    this._question = null;
    this._refreshing = false;
    this.keep(token_expires_ms);
  }

  /** Whether it is our refresh that the server has refused. */
  asked(id) {
    return id !== undefined && id === this._question;
  }

  /** The connection has ended. */
  lost() {
    this._connection = {};
    this._question = null;
    this._refreshing = false;
    if (this._cancel) this._cancel();
    this._cancel = null;
  }

  _in(ms) {
    if (this._cancel) this._cancel();
    this._cancel = this._clock.after(ms, () => this.refresh());
  }

  /** Nothing comes of it when the connection has ended meanwhile. */
  _ask(fresh, got, failed) {
    const connection = this._connection;
    const asked = Promise.resolve().then(() => this._token({ fresh }));
    asked.then(
      (token) => this._connection === connection && got(token),
      (error) => {
        this._onError(error);
        if (this._connection !== connection) return;
        if (error && LOGGED_OUT.includes(error.code)) this._onLoggedOut(error.code);
        else failed();
      },
    );
  }
}

module.exports = { Tokens };
