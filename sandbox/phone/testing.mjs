// For tests: the mini-program built once, and loaded into jsdom as often as wanted.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { JSDOM, VirtualConsole } from "jsdom";
import { build } from "./build.mjs";

/**
 * `const load = await prepare({src})`, then `const window = load()` for each test: a fresh phone, in which `window.__phone.mount(id, props)`
 * mounts one component and `window.__phone.start(url)` opens a page. `window.wx` is the phone's; replace in it what a test wants otherwise.
 */
export async function prepare({ src, nodeModules, expose }) {
  const out = fs.mkdtempSync(path.join(os.tmpdir(), "phone-"));
  process.on("exit", () => fs.rmSync(out, { recursive: true, force: true }));
  await build({ src, out, nodeModules, expose });
  const scripts = ["runtime.js", "app.js"].map((name) => fs.readFileSync(path.join(out, name), "utf8"));
  return (settings = {}) => {
    const dom = new JSDOM("<!doctype html><body></body>", {
      runScripts: "outside-only", url: "http://localhost/phone.html", pretendToBeVisual: true, virtualConsole: new VirtualConsole(),
    }); // prettier-ignore
    const { window } = dom;
    window.ResizeObserver = class { observe() {} disconnect() {} }; // prettier-ignore
    window.HTMLCanvasElement.prototype.getContext = () => null;
    window.Element.prototype.scrollIntoView = () => {};
    window.__PHONE_SETTINGS__ = settings;
    for (const script of scripts) window.eval(script);
    return window;
  };
}

/** What happened to the window so far: throws when anything went wrong in it. */
export function assertClean(window) {
  const { problems } = window.__phone.audit;
  if (problems.length) throw new Error(problems.map(({ kind, text }) => `${kind}: ${text}`).join("\n"));
}
