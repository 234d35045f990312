// What is outside the client: time, chance and the network, all in the test's hand.
import { decodeMessage, encodeMessages, LIMITS } from "../../miniprogram/lib/protocol.js";
import { Hub } from "../../miniprogram/lib/hub.js";

/** Until all that follows from what has happened has happened, timers excepted. */
export const settled = () => new Promise((resolve) => setImmediate(resolve));

export class FakeTime {
  constructor(now = 1_790_000_000_000) {
    this.ms = now;
    this.timers = new Set();
  }

  now() {
    return this.ms;
  }

  after(ms, then) {
    const timer = { at: this.ms + ms, then };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }

  /** Let time pass; everything that is due happens in its order. */
  async pass(ms) {
    const until = this.ms + ms;
    await settled();
    for (;;) {
      const due = [...this.timers].filter((timer) => timer.at <= until).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.timers.delete(due);
      this.ms = Math.max(this.ms, due.at);
      due.then();
      await settled();
    }
    this.ms = until;
  }

  /** The phone sleeps: time passes, and no timer runs before it is over. */
  sleep(ms) {
    this.ms += ms;
  }
}

/** One socket as the server sees it. */
export class FakeSocket {
  constructor(url, protocols) {
    this.url = url;
    this.protocols = protocols;
    this.encoding = protocols[0].split(".").pop();
    this.messages = [];
    this.closedWith = null;
  }

  send(message) {
    if (this.encoding === "msgpack" && !(message instanceof ArrayBuffer)) throw new TypeError("send takes an ArrayBuffer");
    this.messages.push(decodeMessage(message));
  }

  close(code) {
    this.closedWith = code;
  }

  get frames() {
    return this.messages.flat();
  }

  /** The frames of one kind that have come. */
  got(op) {
    return this.frames.filter((frame) => frame.op === op);
  }

  async open() {
    this.onopen();
    await settled();
  }

  /** Frames to the client, in one message. */
  async say(...frames) {
    const [message] = encodeMessages(frames, this.encoding, { ...LIMITS, max_frames: 1000, max_message_bytes: 1e9 });
    this.onmessage(message);
    await settled();
  }

  async end(code) {
    this.onclose(code);
    await settled();
  }
}

/** A hub client whose server is the test. `random` is 0.5: a pause with full jitter is half its upper end. */
export class Bench {
  constructor(options = {}) {
    this.time = new FakeTime();
    this.sockets = [];
    this.tokens = [];
    this.errors = [];
    this.statuses = [];
    this.hub = new Hub({
      connect: (url, protocols) => {
        const socket = new FakeSocket(url, protocols);
        this.sockets.push(socket);
        return socket;
      },
      urls: ["ws://a/ws", "ws://b/ws"],
      token: async ({ fresh }) => {
        this.tokens.push(fresh);
        return fresh ? "fresh" : "token";
      },
      timers: this.time,
      random: () => 0.5,
      onError: (error) => this.errors.push(error),
      ...options,
    });
    this.hub.onStatus(({ state, reason }) => this.statuses.push(reason ? `${state}: ${reason}` : state));
  }

  get socket() {
    return this.sockets[this.sockets.length - 1];
  }

  connected(more = {}) {
    return {
      op: "connected", connection: "c", user: "1", session: "2", role: "user", server_ms: this.time.ms,
      token_expires_ms: this.time.ms + 900_000, heartbeat_s: 25, limits: LIMITS, topics: [], refused: [], ...more,
    }; // prettier-ignore
  }

  /** Open the newest socket and answer its `connect`. */
  async accept(more) {
    await settled();
    await this.socket.open();
    await this.socket.say(this.connected(more));
    return this.socket;
  }

  async live(more) {
    this.hub.open();
    return this.accept(more);
  }

  /** Let time pass on a connection where something is going on. */
  async busy(ms) {
    for (let left = ms; left > 0; left -= 20_000) {
      await this.time.pass(Math.min(left, 20_000));
      await this.socket.say({ op: "ping" });
    }
  }

  /** A command whose refusal may be looked at later. */
  ask(name, body, options) {
    const asked = this.hub.command(name, body, options);
    asked.catch(() => {});
    return asked;
  }

  async reply(frame, body) {
    await this.socket.say({ op: "reply", id: frame.id, ok: true, body });
  }

  async refuse(frame, code, retryable = false, data = {}) {
    await this.socket.say({ op: "reply", id: frame.id, ok: false, error: { code, message: "", retryable, data } });
  }
}

/** What has become of a promise, now. */
export async function outcome(promise) {
  const known = promise.then(
    (value) => ({ value }),
    (error) => ({ error }),
  );
  return Promise.race([known, settled().then(() => "pending")]);
}
