// The stack of pages, the tab bar's pages beneath it, and the bars around them.
import { Bars } from "./bars.mjs";

const DEEPEST = 10;

/** "/a/b?x=1" -> {path, query}; values are not decoded, as on a phone. */
export function parseUrl(url) {
  const [path, search = ""] = url.replace(/^\//, "").split("?");
  const query = {};
  for (const pair of search.split("&").filter(Boolean)) {
    const at = pair.indexOf("=");
    query[at < 0 ? pair : pair.slice(0, at)] = at < 0 ? "" : pair.slice(at + 1);
  }
  return { path, query };
}

/** A url as written on the page `from`, from the root. */
export function absoluteUrl(url, from) {
  if (/^([a-z]+:|\/)/i.test(url)) return url;
  const [path, search] = url.split("?");
  const parts = from.split("/").slice(0, -1);
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}${search === undefined ? "" : `?${search}`}`;
}

function makeChannel(events = {}) {
  const listeners = {};
  const on = (name, listener) => (listeners[name] ??= []).push(listener);
  for (const [name, listener] of Object.entries(events)) on(name, listener);
  return {
    on,
    once: on,
    off: (name) => delete listeners[name],
    emit: (name, ...values) => listeners[name]?.forEach((listener) => listener(...values)),
  };
}

export class Pages {
  constructor({ engine, audit, definitions, config, settings }) {
    Object.assign(this, { engine, audit, definitions, config });
    this.stack = [];
    this.tabs = new Map();
    this.bars = new Bars(config.app, settings, {
      back: () => this.navigateBack({}),
      tab: (item) => this._tapTab(item),
    });
    document.addEventListener("scroll", () => this._scrolled(), true);
  }

  get top() {
    return this.stack.at(-1);
  }

  get instances() {
    return this.stack.map(({ instance }) => instance);
  }

  isTab(path) {
    return this.config.app.tabBar?.list.some((item) => item.pagePath === path) ?? false;
  }

  /** Calls a page's own function; what it throws is a problem, not the end. */
  call(page, name, ...rest) {
    const method = page?.instance[name];
    if (typeof method !== "function") return undefined;
    try {
      return method.apply(page.instance, rest);
    } catch (error) {
      this.audit.problem("page", `${page.path} ${name}: ${error.message}`, error);
      return undefined;
    }
  }

  open(url) {
    const { path, query } = parseUrl(url);
    const kept = this.isTab(path) && this.tabs.get(path);
    const page = kept || this._create(path, query);
    if (kept) this.stack.push(page);
    if (this.isTab(path)) this.tabs.set(path, page);
    this._show(page);
  }

  navigateTo({ url, events }) {
    const { path, query } = this._target(url);
    if (this.isTab(path)) throw new Error("can not navigateTo a tabbar page");
    if (this.stack.length >= DEEPEST) throw new Error("webview count limit exceed");
    this._hide(this.top);
    const eventChannel = makeChannel(events);
    const page = this._create(path, query, eventChannel);
    page.element.classList.add("mp-enters");
    this._show(page);
    return { eventChannel };
  }

  redirectTo({ url }) {
    const { path, query } = this._target(url);
    if (this.isTab(path)) throw new Error("can not redirectTo a tabbar page");
    this._close(this.stack.pop());
    this._show(this._create(path, query));
  }

  navigateBack({ delta = 1 }) {
    for (let left = delta; left > 0 && this.stack.length > 1; left--) this._close(this.stack.pop());
    this._show(this.top);
  }

  switchTab({ url }) {
    const { path } = this._target(url);
    if (!this.isTab(path)) throw new Error("can not switch to no-tabBar page");
    if (this.top?.path === path) return;
    const { top } = this;
    while (this.stack.length) {
      const page = this.stack.pop();
      if (!this.isTab(page.path)) this._close(page);
      else if (page === top) this._hide(page); // beneath another it is hidden already
    }
    this.open(path);
  }

  reLaunch({ url }) {
    const { path } = this._target(url);
    const open = new Set([...this.stack, ...this.tabs.values()]);
    this.stack = [];
    this.tabs.clear();
    for (const page of open) this._close(page);
    this.open(absoluteUrl(url, path));
  }

  hideTop() {
    this._hide(this.top);
  }

  showTop() {
    if (this.top) this._tellShown(this.top);
  }

  setTitle(title) {
    if (!this.top) return;
    this.top.title = title;
    this.bars.title(title);
  }

  _target(url) {
    const target = parseUrl(absoluteUrl(url, this.top?.path ?? ""));
    if (!this.config.pages.includes(target.path)) throw new Error(`page "${target.path}" is not found`);
    return target;
  }

  _create(path, query, opener) {
    const component = this.config.components.find(({ id, page }) => id === path && page);
    if (!component) throw new Error(`page "${path}" is not found`);
    const root = this.engine.view.createRoot("page", this.engine.space, path);
    const element = document.createElement("div");
    element.className = "mp-page";
    element.dataset.route = path;
    const scroller = element.appendChild(document.createElement("div"));
    scroller.className = "mp-scroll";
    const place = scroller.appendChild(document.createElement("span"));
    this.bars.stack.append(element);
    const json = { ...this.config.app.window, ...component.json };
    const instance = root.get();
    const page = { path, query, root, instance, element, scroller, json, title: json.navigationBarTitleText ?? "", ready: false };
    page.pull = (px) => {
      element.classList.toggle("mp-pulled", px > 0);
      element.style.setProperty("--mp-pull", `${px}px`);
    };
    page.refresh = () => this.call(page, "onPullDownRefresh");
    if (json.backgroundColor) element.style.backgroundColor = json.backgroundColor;
    instance.route = path;
    instance.options = query;
    instance.getOpenerEventChannel = () => opener ?? makeChannel();
    instance.getTabBar = () => null;
    instance.getPageId = () => path;
    this.stack.push(page);
    this.bars.fit(page, this.isTab(path));
    this.definitions.ready.hold();
    root.attach(scroller, place);
    this.call(page, "onLoad", query);
    return page;
  }

  _show(page) {
    for (const other of new Set([...this.stack, ...this.tabs.values()])) other.element.hidden = other !== page;
    for (const { id, page: isPage } of this.config.components) {
      // on a phone each page has its own document, and only its own styles there
      const sheet = isPage && this.engine.backend.sheets.get(id)?.element;
      if (sheet) sheet.disabled = id !== page.path;
    }
    this.bars.show(page, { isTab: this.isTab(page.path), canGoBack: this.stack.length > 1 });
    this._tellShown(page);
    if (page.ready) return;
    page.ready = true;
    this.definitions.ready.release();
    this.call(page, "onReady");
  }

  _tellShown(page) {
    this.call(page, "onShow");
    page.root.getComponent().triggerPageLifetime("show", []);
  }

  _hide(page) {
    if (!page) return;
    this.call(page, "onHide");
    page.root.getComponent().triggerPageLifetime("hide", []);
  }

  _close(page) {
    if (!page.ready) this.definitions.ready.release();
    this.audit.measureTree(page.path, page.scroller);
    this.call(page, "onUnload");
    page.root.release();
    page.element.remove();
    this.tabs.delete(page.path);
  }

  _tapTab(item) {
    this.switchTab({ url: `/${item.pagePath}` });
    this.call(this.top, "onTabItemTap", { index: this.config.app.tabBar.list.indexOf(item), pagePath: item.pagePath, text: item.text });
  }

  _scrolled() {
    const page = this.top;
    if (!page || page.scrolledTo === page.scroller.scrollTop) return;
    const { scrollTop, scrollHeight, clientHeight } = page.scroller;
    page.scrolledTo = scrollTop;
    this.call(page, "onPageScroll", { scrollTop });
    const isLow = scrollHeight - clientHeight - scrollTop <= (page.json.onReachBottomDistance ?? 50);
    if (isLow && !page.wasLow) this.call(page, "onReachBottom");
    page.wasLow = isLow;
  }
}
