// Foreground and background, online and offline, and the clocks that stop in the background.

/** How long a phone lets an app in the background run on. */
const SUSPENDS_AFTER_MS = 5000;

/** setTimeout and setInterval as the app sees them: what comes due while it is suspended comes when it is back. */
export class Timers {
  constructor() {
    this.suspended = false;
    this._due = [];
    this._live = new Map();
    const begin = (start) => (callback, ms, ...rest) => {
      const id = start(() => this._run(id, callback, rest, start === window.setInterval), ms);
      this._live.set(id, true);
      return id;
    };
    this.setTimeout = begin(window.setTimeout);
    this.setInterval = begin(window.setInterval);
    this.clearTimeout = this.clearInterval = (id) => {
      this._live.delete(id);
      window.clearTimeout(id);
    };
  }

  _run(id, callback, rest, again) {
    if (!this._live.has(id)) return;
    if (this.suspended) {
      if (!this._due.some((due) => due.id === id)) this._due.push({ id, callback, rest, again });
      return;
    }
    if (!again) this._live.delete(id);
    callback(...rest);
  }

  resume() {
    this.suspended = false;
    const due = this._due;
    this._due = [];
    for (const { id, callback, rest, again } of due) queueMicrotask(() => this._run(id, callback, rest, again));
  }
}

export class Life {
  constructor(timers) {
    this.timers = timers;
    this.shown = true;
    this.network = "wifi";
    this._listeners = {};
    this._suspending = 0;
  }

  on(name, listener) {
    (this._listeners[name] ??= new Set()).add(listener);
  }

  off(name, listener) {
    if (listener) this._listeners[name]?.delete(listener);
    else this._listeners[name]?.clear();
  }

  emit(name, detail) {
    for (const listener of [...(this._listeners[name] ?? [])]) listener(detail);
  }

  get online() {
    return this.network !== "none";
  }

  background() {
    if (!this.shown) return;
    this.shown = false;
    this.emit("hide", {});
    this._suspending = window.setTimeout(() => {
      this.timers.suspended = true;
      this.emit("suspend");
    }, SUSPENDS_AFTER_MS);
  }

  foreground() {
    if (this.shown) return;
    window.clearTimeout(this._suspending);
    this.shown = true;
    if (this.timers.suspended) this.timers.resume();
    this.emit("show", {});
  }

  /** @param type wifi, 4g, 3g, 2g or none */
  setNetwork(type) {
    if (type === this.network) return;
    this.network = type;
    this.emit("network", { isConnected: type !== "none", networkType: type });
  }
}
