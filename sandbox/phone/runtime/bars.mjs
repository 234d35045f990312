// What the phone draws around a page: status bar, navigation bar with its capsule, tab bar, and the space that each leaves.
const NAVIGATION_PX = 44;
const TABS_PX = 50;

const make = (tag, className, parent, text) => {
  const element = document.createElement(tag);
  element.className = className;
  if (text !== undefined) element.textContent = text;
  parent?.append(element);
  return element;
};

export class Bars {
  /** @param settings {statusBarPx, homeBarPx} */
  constructor(app, settings, { back, tab }) {
    this.app = app;
    this.settings = settings;
    this.root = make("div", "mp-app", document.body);
    this.status = make("div", "mp-status", this.root);
    this.status.style.height = `${settings.statusBarPx}px`;
    this.clock = make("span", "mp-clock", this.status);
    this.signs = make("span", "mp-signs", this.status);
    this.navigation = make("div", "mp-navigation", this.root);
    this.back = make("button", "mp-back", this.navigation);
    this.back.setAttribute("aria-label", "返回");
    this.back.onclick = back;
    this.heading = make("span", "mp-title", this.navigation);
    this.capsule = make("div", "mp-capsule", this.root);
    this.capsule.style.top = `${settings.statusBarPx + 6}px`;
    this.capsule.innerHTML = "<i></i><b></b>";
    this.stack = make("div", "mp-stack", this.root);
    this.tabs = make("div", "mp-tabs", this.root);
    this.tabs.style.paddingBottom = `${settings.homeBarPx}px`;
    this.items = (app.tabBar?.list ?? []).map((item) => this._item(item, tab));
    this.tabs.style.background = app.tabBar?.backgroundColor ?? "#fff";
    if (settings.homeBarPx) make("div", "mp-home", this.root);
    this._tick();
  }

  _item(item, tab) {
    const element = make("button", "mp-tab", this.tabs);
    element.dataset.path = item.pagePath;
    element.dataset.testid = `tab-${item.pagePath.split("/").at(-1)}`;
    element.onclick = () => tab(item);
    const icon = item.iconPath ? make("img", "", element) : null;
    if (icon) icon.alt = "";
    make("span", "", element, item.text);
    const badge = make("em", "mp-badge", element);
    badge.hidden = true;
    return { item, element, icon, badge };
  }

  _tick() {
    const now = new Date();
    this.clock.textContent = `${now.getHours()}:${String(now.getMinutes()).padStart(2, "0")}`;
    setTimeout(() => this._tick(), 60_000 - (now.getTime() % 60_000));
  }

  network(type) {
    this.signs.dataset.network = type;
    this.signs.textContent = { none: "无网络", wifi: "", "2g": "2G", "3g": "3G", "4g": "4G", "5g": "5G" }[type] ?? type;
  }

  title(text) {
    this.heading.textContent = text;
    document.title = text;
  }

  colors({ frontColor, backgroundColor }) {
    if (backgroundColor) this.navigation.style.background = this.status.style.background = backgroundColor;
    if (frontColor) this.root.dataset.front = frontColor === "#ffffff" || frontColor === "white" ? "white" : "black";
  }

  badge(index, text) {
    const item = this.items[index];
    if (!item) throw new Error(`tabbar item ${index} not found`);
    item.badge.hidden = text === null;
    item.badge.textContent = text ?? "";
    item.badge.classList.toggle("mp-dot", text === "");
  }

  isCustom(page) {
    return page.json.navigationStyle === "custom";
  }

  /** Before a page is drawn: how much of the screen it has. */
  fit(page, isTab) {
    const { statusBarPx, homeBarPx } = this.settings;
    const top = this.isCustom(page) ? 0 : statusBarPx + NAVIGATION_PX;
    const bottom = isTab ? TABS_PX + homeBarPx : 0;
    page.heightPx = window.innerHeight - top - bottom;
    page.element.style.top = `${top}px`;
    page.element.style.bottom = `${bottom}px`;
    page.element.style.setProperty("--mp-vh", `${page.heightPx / 100}px`);
    page.element.style.setProperty("--mp-safe-bottom", `${isTab ? 0 : homeBarPx}px`);
    page.element.style.setProperty("--mp-safe-top", `${this.isCustom(page) ? statusBarPx : 0}px`);
  }

  show(page, { isTab, canGoBack }) {
    window.onresize = () => this.fit(page, isTab);
    this.fit(page, isTab);
    this.title(page.title);
    const custom = this.isCustom(page);
    this.navigation.hidden = custom;
    this.root.classList.toggle("mp-custom", custom);
    this.status.style.background = custom ? "none" : "";
    this.colors({
      frontColor: page.json.navigationBarTextStyle === "black" ? "black" : "white",
      backgroundColor: custom ? undefined : (page.json.navigationBarBackgroundColor ?? "#000"),
    });
    this.back.hidden = !canGoBack;
    this.tabs.hidden = !isTab;
    for (const { item, element, icon } of this.items) {
      const isHere = item.pagePath === page.path;
      const { color, selectedColor } = this.app.tabBar;
      element.style.color = (isHere ? selectedColor : color) ?? "";
      element.setAttribute("aria-current", isHere ? "page" : "false");
      if (icon) icon.src = `/${isHere ? (item.selectedIconPath ?? item.iconPath) : item.iconPath}`;
    }
  }

  /** wx.getMenuButtonBoundingClientRect() */
  capsuleRect() {
    const top = this.settings.statusBarPx + 6;
    const right = window.innerWidth - 7;
    return { width: 87, height: 32, top, bottom: top + 32, right, left: right - 87 };
  }
}
