// One component in a phone whose time stands still, as people meet it: what it says, what a finger brings about, what it leaves behind.
import assert from "node:assert/strict";
import path from "node:path";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { assertClean, Clock, prepare, settled } from "../../../sandbox/phone/testing.mjs";

const SRC = path.join(path.dirname(fileURLToPath(import.meta.url)), "../../../miniprogram");
const load = await prepare({ src: SRC, expose: ["services/live.js"] });

/** What the mini-program's own modules give, without a phone. */
export const from = createRequire(path.join(SRC, "app.js"));
export const words = from("./strings");
export { settled };

export function phone() {
  const clock = new Clock();
  return { clock, window: load({}, { clock }) };
}

/** @returns what is mounted: {at, all, text, tap, set, events, show, hide, unmount, ...}; events are this test's own values: the phone's are of another realm */
export function mount(name, properties = {}, { window, clock } = phone()) {
  const mounted = window.__phone.mount(`components/${name}/${name}`, properties);
  const all = (id) => [...mounted.box.querySelectorAll(`[data-testid="${id}"]`)];
  const at = (id) => all(id)[0] ?? null;
  return {
    window, clock, mounted, all, at,
    get text() {
      return mounted.text.replace(/\s+/g, " ").trim();
    },
    get events() {
      return JSON.parse(JSON.stringify(mounted.events));
    },
    listen(...names) {
      mounted.listen(...names);
      return this;
    },
    tap(target) {
      const element = typeof target === "string" ? at(target) : target;
      assert.ok(element, `there is no ${target} in ${mounted.box.innerHTML}`);
      for (const type of ["mousedown", "mouseup", "click"]) element.dispatchEvent(new window.MouseEvent(type, { bubbles: true, composed: true }));
    },
    set: (values) => mounted.set(values),
    show: () => mounted.show(),
    hide: () => mounted.hide(),
    unmount: () => mounted.unmount(),
    /** How often it has set anything so far. */
    get drawn() {
      return window.__phone.audit.setData.calls;
    },
    clean: () => assertClean(window),
  }; // prettier-ignore
}

/** What a blind person hears of an element. */
export function nameOf(element) {
  return (element.getAttribute("aria-label") ?? [...element.querySelectorAll("[aria-label]")].map((one) => one.getAttribute("aria-label")).join(" ") + element.textContent).trim();
}

const TAKES_A_FINGER = "[mp-tap]:not(wx-map, [aria-hidden='true'])";
const ROLES = ["button", "radio", "link", "img", "text"];

/** Whatever takes a finger says what it is, and has a name. */
export function assertNamed({ mounted }) {
  for (const element of mounted.box.querySelectorAll(TAKES_A_FINGER)) {
    const role = element.localName === "wx-button" ? "button" : element.getAttribute("role");
    assert.ok(ROLES.includes(role), `${element.outerHTML.slice(0, 200)} takes a finger, and its role is ${role}`);
    assert.ok(nameOf(element), `${element.outerHTML.slice(0, 200)} has no name`);
  }
}

/** It is gone: nothing of it runs on, nothing is told any more. */
export async function assertGone(component, meanwhile = () => {}) {
  component.unmount();
  const { drawn } = component;
  const told = component.events.length;
  await meanwhile();
  await component.clock.pass(120_000);
  assert.equal(component.drawn, drawn, "it still draws");
  assert.equal(component.events.length, told, "it still tells");
}

/** A server at the other end of the phone's socket and requests. `answer({url, method, data})` is {status, body}, or a promise of it. */
export function server({ window, clock }, { aheadMs = 0, answer = () => ({ status: 404, body: {} }) } = {}) {
  const tasks = [];
  const login = { access_token: "a", refresh_token: "r", expires_ms: 0, user: { user_id: "1", version: 1, nickname: "", role: "user" } };
  window.wx.login = ({ success }) => success({ code: "c" });
  window.wx.request = ({ url, method, data, success, fail }) => {
    const said = /\/v1\/(login|token\/refresh)$/.test(url) ? { status: 200, body: login } : answer({ url, method, data });
    Promise.resolve(said).then(({ status, body, lost }) => (lost ? fail({ errMsg: "request:fail" }) : success({ statusCode: status, data: body, header: {} })));
  };
  window.wx.connectSocket = () => {
    const task = { heard: {}, closed: false, send() {}, close: () => (task.closed = true) };
    for (const name of ["Open", "Message", "Close", "Error"]) task[`on${name}`] = (told) => (task.heard[name] = told);
    tasks.push(task);
    return task;
  };
  window.__phone.life.on("network", ({ isConnected }) => isConnected || tasks.at(-1)?.heard.Close({ code: 1006 }));
  const live = window.__phone.module("services/live.js");
  return {
    tasks,
    open: () => live.start(),
    async accept() {
      await settled();
      const task = tasks.at(-1);
      task.heard.Open();
      await settled();
      const frame = {
        op: "connected", connection: "c", user: "1", session: "2", role: "user", server_ms: clock.now + aheadMs, token_expires_ms: clock.now + 900_000,
        heartbeat_s: 25, limits: { max_message_bytes: 65536, max_frames: 16, max_topics: 200, max_in_flight: 16 }, topics: [], refused: [],
      }; // prettier-ignore
      task.heard.Message({ data: JSON.stringify([frame]) });
      await settled();
    },
    async end(code) {
      tasks.at(-1).heard.Close({ code });
      await settled();
    },
  };
}
