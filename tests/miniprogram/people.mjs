// Somebody with a phone, for tests against the running product: logs in over REST, speaks through the shipped client.
import { Hub } from "../../miniprogram/lib/hub.js";
import { decodeMessage, encodeMessages, LIMITS } from "../../miniprogram/lib/protocol.js";

const house = JSON.parse(process.env.SHAREHUB_TEST_HOUSE || "null");

/** Why the tests of the running product cannot run; false when they can. */
export const missing = !house && "SHAREHUB_TEST_HOUSE does not say where the product runs: tests/miniprogram/test_node.py does";

/** Have something done to the house: `kill`, `stop` or `start`, and `hub-1` or whatever runs; `pass`, and `MINUTES/ORDER`. Waits until it is so. */
export async function control(act, name) {
  const answer = await fetch(`${house.control}/${act}/${name}`, { method: "POST" });
  if (!answer.ok) throw new Error(await answer.text());
}

async function post(url, body, headers = {}) {
  const answer = await fetch(url, { method: "POST", headers: { "Content-Type": "application/json", ...headers }, body: JSON.stringify(body) });
  const content = await answer.json();
  if (answer.ok) return content;
  throw Object.assign(new Error(`${url}: ${JSON.stringify(content)}`), content.error);
}

/** A WebSocket as the hub's client wants it. */
function connect(person, url, protocols) {
  const web = new WebSocket(url, protocols);
  web.binaryType = "arraybuffer";
  const socket = {
    send(message) {
      person.sent.push(...decodeMessage(message));
      web.send(message);
    },
    close: (code) => web.close(code),
    onopen() {},
    onmessage() {},
    onclose() {},
  };
  web.onopen = () => socket.onopen();
  web.onmessage = ({ data }) => {
    const frames = decodeMessage(data);
    const kept = frames.filter((frame) => !person.loses(frame));
    person.received.push(...kept);
    if (kept.length === frames.length) socket.onmessage(data);
    else if (kept.length) socket.onmessage(encodeMessages(kept, person.encoding, { ...LIMITS, max_frames: 1e6, max_message_bytes: 1e9 })[0]);
    person.changed();
  };
  web.onclose = ({ code }) => socket.onclose(code);
  web.onerror = () => {}; // a close follows
  person.web = web;
  return socket;
}

export class Person {
  /** @param {string} openid who it is @param {number} first the hub to try first */
  constructor(openid, { first = 0, encoding = "msgpack", ...options } = {}) {
    this.openid = openid;
    this.encoding = encoding;
    this.sent = [];
    this.received = [];
    this.errors = [];
    this.statuses = [];
    /** Frames for which this is true are lost on their way. */
    this.loses = () => false;
    this._waiting = new Set();
    this.hub = new Hub({
      connect: (url, protocols) => connect(this, url, protocols),
      urls: [...house.hubs.slice(first), ...house.hubs.slice(0, first)],
      token: ({ fresh }) => this.token(fresh),
      encoding,
      onError: (error) => this.errors.push(error),
      ...options,
    });
    this.hub.onStatus((status) => {
      this.statuses.push(status.reason || status.state);
      this.changed();
    });
  }

  async logIn() {
    const { code } = await post(`${house.sandbox}/sandbox/login-code`, { openid: this.openid });
    this.tokens = await post(`${house.api}/v1/login`, { code }, { "Idempotency-Key": code });
    return this;
  }

  /** Tell WeChat who this is, so that buyers can pay. */
  async onboard() {
    const headers = { Authorization: `Bearer ${this.tokens.access_token}`, "Idempotency-Key": `onboard-${this.openid}` };
    await post(`${house.api}/v1/payments/onboard`, house.application, headers);
  }

  get id() {
    return this.tokens.user.user_id;
  }

  async token(fresh) {
    if (fresh) {
      const { refresh_token } = this.tokens;
      this.tokens = await post(`${house.api}/v1/token/refresh`, { refresh_token }, { "Idempotency-Key": refresh_token.slice(-40) });
    }
    return this.tokens.access_token;
  }

  /** Live, and on the way to stay so. */
  async open() {
    this.hub.open();
    await this.until(() => this.hub.status.state === "live");
    return this;
  }

  command(name, body, options) {
    return this.hub.command(name, body, options);
  }

  /** Watch a topic from now on; what was shown is kept in `shown`. */
  watch(topic) {
    const watched = { shown: [], stop: null };
    watched.stop = this.hub.store.watch(topic, (view) => {
      watched.shown.push(view);
      this.changed();
    });
    return watched;
  }

  /** Until a topic that is watched looks as wanted; its view. */
  async sees(topic, wanted) {
    await this.until(() => {
      const view = this.hub.store.get(topic);
      return view.status === "live" && wanted(view.value, view);
    }, () => JSON.stringify(this.hub.store.get(topic))); // prettier-ignore
    return this.hub.store.get(topic);
  }

  /** Until something is true of this person; looks whenever anything has happened. */
  until(isTrue, describe = () => "") {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (!isTrue()) return;
        clearTimeout(timer);
        this._waiting.delete(look);
        resolve();
      };
      const timer = setTimeout(() => {
        this._waiting.delete(look);
        reject(new Error(`${this.openid} waited in vain: ${isTrue} ${describe()}\n${this.statuses} ${this.errors.slice(-3)}`));
      }, 30_000);
      this._waiting.add(look);
      look();
    });
  }

  changed() {
    for (const look of [...this._waiting]) look();
  }

  /** Confirm the payment sheet. */
  async pay(prepay) {
    await post(`${house.sandbox}/sandbox/pay`, { prepay_id: prepay.params.package.replace("prepay_id=", "") });
  }

  close() {
    this.hub.close();
  }
}
