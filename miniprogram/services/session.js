// Who the user is: WeChat's word for it, and the tokens that follow from it.
"use strict";

const { loginCode } = require("../platform/wechat");
const { load, save, drop } = require("../platform/storage");
const { newKey } = require("../lib/key");
const { Refusal } = require("../lib/protocol");
const { ask } = require("./http");

const KEPT = "session";

/** Access tokens live for 15 minutes. By the phone's own clock, which may be wrong: counted from when they came. */
const GOOD_MS = 13 * 60000;

/** A login code may have been used by an attempt whose answer got lost. */
const CODES = 3;

const asNobody = () => Promise.resolve(null);

class Session {
  constructor() {
    /** tokens, `user`, or `ended`: why there are none and none are to be had unasked. */
    this._kept = load(KEPT) || {};
    this._asking = null;
    this._watchers = new Set();
  }

  /** The user as of the last login or refresh: user_id, nickname, avatar_url, role. Null before the first. */
  get user() {
    return this._kept.user || null;
  }

  /** Whether it was ended, so that only the user can begin another. */
  get over() {
    return Boolean(this._kept.ended);
  }

  /** Be told when another user, or the same one changed, is logged in. */
  onUser(watcher) {
    this._watchers.add(watcher);
  }

  /**
   * An access token. Everybody who asks while one is being fetched gets that one.
   * @param {{fresh?: boolean}} [how]  `fresh`: the last one is of no use any more
   * @returns {Promise<string>}
   */
  token({ fresh = false } = {}) {
    const { access_token, until_ms, ended } = this._kept;
    if (ended) return Promise.reject(new Refusal({ code: ended }));
    if (access_token && !fresh && Date.now() < until_ms) return Promise.resolve(access_token);
    return this._renewed();
  }

  /** Log in although the session was ended, because the user wants to. */
  login() {
    this._keep({ user: this.user });
    return this._renewed();
  }

  /** The session is over, here or because another device or an operator said so: nothing logs in by itself any more. */
  end(reason) {
    this._keep({ user: this.user, ended: reason });
  }

  /** The profile has changed. */
  changed(user) {
    this._keep({ ...this._kept, user });
  }

  _renewed() {
    if (!this._asking) {
      const done = () => (this._asking = null);
      this._asking = this._renew();
      this._asking.then(done, done);
    }
    return this._asking;
  }

  async _renew() {
    const { refresh_token, refresh_key } = this._kept;
    if (refresh_token) {
      try {
        // The key belongs to the token, so that a refresh whose answer got lost is not taken for theft.
        return this._take(await ask({ method: "POST", path: "/v1/token/refresh", body: { refresh_token }, key: refresh_key, token: asNobody }));
      } catch (refusal) {
        if (refusal.retryable) throw refusal;
        if (refusal.code === "session_revoked") {
          this.end("session_revoked");
          throw refusal;
        }
      }
    }
    return this._take(await logIn());
  }

  _take({ access_token, refresh_token, user }) {
    this._keep({ access_token, refresh_token, refresh_key: newKey(), until_ms: Date.now() + GOOD_MS, user });
    return access_token;
  }

  _keep(kept) {
    const before = this.user;
    this._kept = kept;
    if (!save(KEPT, kept)) drop(KEPT); // an old refresh token would count as stolen
    if (kept.user && (!before || before.user_id !== kept.user.user_id || before.version !== kept.user.version)) {
      for (const watcher of this._watchers) watcher(kept.user, before);
    }
  }
}

async function logIn() {
  for (let left = CODES; ; left -= 1) {
    const code = await loginCode().catch((error) => {
      throw new Refusal({ code: "network", message: error.message, retryable: true });
    });
    try {
      return await ask({ method: "POST", path: "/v1/login", body: { code }, token: asNobody });
    } catch (refusal) {
      if (refusal.code !== "bad_login_code" || left === 1) throw refusal;
    }
  }
}

module.exports = new Session();
