// For tests: the mini-program built once, and loaded into jsdom as often as wanted.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { JSDOM, VirtualConsole } from "jsdom";
import { build } from "./build.mjs";

/**
 * `const load = await prepare({src})`, then `const window = load()` for each test: a fresh phone, in which `window.__phone.mount(id, props)`
 * mounts one component and `window.__phone.start(url)` opens a page. `window.wx` is the phone's; replace in it what a test wants otherwise.
 * With `load(settings, {clock})` time passes only when the Clock is told so.
 */
export async function prepare({ src, nodeModules, expose }) {
  const out = fs.mkdtempSync(path.join(os.tmpdir(), "phone-"));
  process.on("exit", () => fs.rmSync(out, { recursive: true, force: true }));
  await build({ src, out, nodeModules, expose });
  const scripts = ["runtime.js", "app.js"].map((name) => fs.readFileSync(path.join(out, name), "utf8"));
  return (settings = {}, { clock } = {}) => {
    const dom = new JSDOM("<!doctype html><body></body>", {
      runScripts: "outside-only", url: "http://localhost/phone.html", pretendToBeVisual: true, virtualConsole: new VirtualConsole(),
    }); // prettier-ignore
    const { window } = dom;
    window.ResizeObserver = class { observe() {} disconnect() {} }; // prettier-ignore
    window.HTMLCanvasElement.prototype.getContext = () => null;
    window.Element.prototype.scrollIntoView = () => {};
    window.__PHONE_SETTINGS__ = settings;
    clock?.rule(window);
    for (const script of scripts) window.eval(script);
    return window;
  };
}

/** A phone's time, in the test's hand. Milliseconds. */
export class Clock {
  constructor(now = Date.UTC(2026, 10, 23, 2, 30)) {
    this.now = now;
    this._due = new Map();
    this._lastId = 0;
  }

  /** How many timers are set. */
  get pending() {
    return this._due.size;
  }

  rule(window) {
    const clock = this;
    const set = (again) => (then, ms = 0, ...rest) => {
      const id = ++this._lastId;
      this._due.set(id, { at: this.now + ms, then: () => then(...rest), every: again ? Math.max(1, ms) : 0 });
      return id;
    };
    const clear = (id) => void this._due.delete(id);
    const RealDate = window.Date;
    window.Date = class extends RealDate {
      constructor(...parts) {
        if (parts.length) super(...parts);
        else super(clock.now);
      }
      static now() {
        return clock.now;
      }
    };
    Object.assign(window, { setTimeout: set(false), setInterval: set(true), clearTimeout: clear, clearInterval: clear });
  }

  /** Everything that is due happens in its order, with all that follows from it. */
  async pass(ms) {
    const until = this.now + ms;
    await settled();
    for (;;) {
      const [next] = [...this._due].filter(([, { at }]) => at <= until).sort(([, a], [, b]) => a.at - b.at);
      if (!next) break;
      const [id, timer] = next;
      this.now = Math.max(this.now, timer.at);
      if (timer.every) timer.at += timer.every;
      else this._due.delete(id);
      timer.then();
      await settled();
    }
    this.now = until;
  }
}

/** Until all that follows from what has happened has happened, timers excepted. */
export const settled = () => new Promise((done) => setImmediate(done));

/** What happened to the window so far: throws when anything went wrong in it. */
export function assertClean(window) {
  const { problems } = window.__phone.audit;
  if (problems.length) throw new Error(problems.map(({ kind, text }) => `${kind}: ${text}`).join("\n"));
}
