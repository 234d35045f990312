// The phone: everything that the mini-program finds when it starts. Loaded before it.
import { tellOfActsAndPushes } from "./around.mjs";
import { Audit } from "./audit.mjs";
import { host } from "./builtins/kinds.mjs";
import { registerBuiltIns } from "./builtins/register.mjs";
import { makeDefinitions } from "./definitions.mjs";
import { glassEasel, makeEngine } from "./engine.mjs";
import { dragWithMouse } from "./finger.mjs";
import { Life, Timers } from "./life.mjs";
import { mountComponent } from "./mount.mjs";
import { Notifications } from "./notifications.mjs";
import { Pages, parseUrl } from "./pages.mjs";
import { Sheets } from "./sheets.mjs";
import { Calls } from "./wx/call.mjs";
import { Files } from "./wx/files.mjs";
import { makeWx } from "./wx/index.mjs";
import { wxsHost } from "./wxs.mjs";

const query = new URLSearchParams(location.search);
/**
 * phone: its name; openid: whose it is; wechat: the sandbox server's address; ext: what wx.getExtConfigSync gives; asks: whether permissions
 * and subscribe messages are asked for; place: {latitude, longitude}; storage: what a phone that is used for the first time has in its storage.
 */
const settings = {
  phone: query.get("phone") ?? "phone", openid: query.get("openid") ?? "somebody", wechat: "", ext: {}, asks: false,
  statusBarPx: 44, homeBarPx: 34, place: null, storage: {}, ...globalThis.__PHONE_SETTINGS__,
}; // prettier-ignore

const audit = new Audit();
const timers = new Timers();
const life = new Life(timers);
const engine = makeEngine(audit);
const config = {};
const definitions = makeDefinitions(engine, audit, config);
const calls = new Calls();
const files = new Files();
const sheets = new Sheets(settings);
const launch = { path: "", query: {}, scene: 1001, referrerInfo: {}, apiCategory: "default" };
const modules = {};
let pages = null;

const titles = { app: () => config.app.window?.navigationBarTitleText ?? "小程序" };

const { wx, requests } = makeWx({
  calls, life, audit, settings, files, sheets, launch, titles, pages: () => pages, bars: () => pages.bars,
}); // prettier-ignore
Object.assign(host, { files, wx, sheets });

globalThis.__phoneTimers = timers;
globalThis.__wxs = wxsHost;
Object.assign(globalThis, definitions.globals, { wx, getCurrentPages: () => pages?.instances ?? [] });

window.addEventListener("error", (event) => {
  if (!event.error) return;
  audit.problem("error", event.message, event.error);
  definitions.callApp("onError", event.message);
});
window.addEventListener("unhandledrejection", (event) => {
  const reason = event.reason?.errMsg ?? event.reason?.message ?? event.reason;
  audit.problem("unhandled rejection", reason, event.reason);
  definitions.callApp("onUnhandledRejection", { reason, promise: event.promise });
});

life.on("hide", () => {
  pages?.hideTop();
  definitions.callApp("onHide", {});
});
life.on("show", () => {
  definitions.callApp("onShow", launch);
  pages?.showTop();
});
life.on("network", ({ networkType }) => pages?.bars.network(networkType));
tellOfActsAndPushes({ phone: settings.phone, life, audit });
dragWithMouse(() => pages);

/** As WeChat opens an app from outside: at that page alone, or as it was left. */
function openFromOutside(url, scene) {
  if (url) Object.assign(launch, parseUrl(url), { scene });
  life.foreground();
  if (url) pages.reLaunch({ url });
  parent?.postMessage({ phone: settings.phone, opened: true }, "*");
}
const notifications = new Notifications({ settings, life, title: titles.app, open: openFromOutside });

globalThis.__phone = {
  audit, calls, life, settings, files, requests, engine, glassEasel, notifications,
  get pages() {
    return pages;
  },

  // --- what the built mini-program calls, in this order ---

  configure(given) {
    Object.assign(config, given);
    engine.view.registerStyleSheetContent("app", config.appCss);
    engine.space.addStyleSheet("app", "app");
    for (const { id, json, scope, css } of config.components) {
      engine.space.addComponentStaticConfig(id, json);
      engine.space.addStyleSheet(id, id, scope);
      engine.view.registerStyleSheetContent(id, css);
    }
  },
  templates(source) {
    const compiled = (0, eval)(source);
    for (const { id } of config.components) {
      engine.space.addCompiledTemplate(id, { groupList: compiled, content: compiled[id] });
    }
    registerBuiltIns(engine, compiled);
  },
  define: (id, module) => definitions.run(id, module),
  expose(file, module) {
    modules[file] = module;
  },

  // --- what the page, the stage and tests call ---

  /** The app's scripts, once the phone is there: from here on its own time is measured. */
  load(address) {
    performance.mark("app");
    const script = Object.assign(document.createElement("script"), { src: address, onload: () => this.start() });
    document.body.append(script);
  },
  start(url) {
    pages = new Pages({ engine, audit, definitions, config, settings });
    host.pages = pages;
    pages.bars.network(life.network);
    const first = url ?? (decodeURIComponent(location.hash.slice(1)) || config.app.entryPagePath || config.pages[0]);
    Object.assign(launch, parseUrl(first));
    definitions.callApp("onLaunch", launch);
    definitions.callApp("onShow", launch);
    if (!pages.top) pages.open(first); // the app may have gone elsewhere already
    notifications.follow();
    parent?.postMessage({ phone: settings.phone, started: true }, "*");
  },
  module: (file) => modules[file](),
  mount: (id, properties) => mountComponent(engine, id, properties),
  background: () => life.background(),
  foreground: () => life.foreground(),
  network: (type) => life.setNetwork(type),
  pullDown: () => pages.call(pages.top, "onPullDownRefresh"),
  /** What the audit has seen, and the tree of the page on top. */
  report() {
    if (pages?.top) audit.measureTree(pages.top.path, pages.top.scroller);
    return { ...audit.report(), route: pages?.top?.path, network: requests };
  },
};
globalThis.addEventListener("message", ({ data }) => {
  const act = { background: life.background, foreground: life.foreground, network: life.setNetwork }[data?.act];
  act?.call(life, data.value);
});
