// Navigation, bars, and what pops up.

export function interfaceApi({ calls, sheets, pages, bars }) {
  const nothing = (...names) => Object.fromEntries(names.map((name) => [name, calls.api(name, () => ({}))]));
  const navigate = (name) => calls.now(name, (options) => pages()[name](options));
  return {
    ...Object.fromEntries(["navigateTo", "redirectTo", "navigateBack", "switchTab", "reLaunch"].map((name) => [name, navigate(name)])),
    setNavigationBarTitle: calls.now("setNavigationBarTitle", ({ title }) => pages().setTitle(title)),
    setNavigationBarColor: calls.now("setNavigationBarColor", (colors) => bars().colors(colors)),
    startPullDownRefresh: calls.now("startPullDownRefresh", () => void pages().call(pages().top, "onPullDownRefresh")),
    stopPullDownRefresh: calls.now("stopPullDownRefresh", () => void pages().top?.pull(0)),
    pageScrollTo: calls.now("pageScrollTo", ({ scrollTop, selector }) => {
      const { scroller } = pages().top;
      const target = selector?.startsWith("#") ? scroller.querySelector(`[wx-id="${selector.slice(1)}"]`) : null;
      scroller.scrollTop = target ? scroller.scrollTop + target.getBoundingClientRect().top - scroller.getBoundingClientRect().top : (scrollTop ?? 0);
    }),
    setTabBarBadge: calls.now("setTabBarBadge", ({ index, text }) => bars().badge(index, String(text))),
    removeTabBarBadge: calls.now("removeTabBarBadge", ({ index }) => bars().badge(index, null)),
    showTabBarRedDot: calls.now("showTabBarRedDot", ({ index }) => bars().badge(index, "")),
    hideTabBarRedDot: calls.now("hideTabBarRedDot", ({ index }) => bars().badge(index, null)),
    setBackgroundColor: calls.now("setBackgroundColor", () => ({})),
    showToast: calls.now("showToast", ({ title, icon = "success", duration = 1500 }) => sheets.toast(title, { icon, ms: duration })),
    hideToast: calls.now("hideToast", () => sheets.toast(null)),
    showLoading: calls.now("showLoading", ({ title }) => sheets.toast(title, { icon: "loading", ms: 0 })),
    hideLoading: calls.now("hideLoading", () => sheets.toast(null)),
    showModal: calls.api("showModal", (options) => sheets.modal(options)),
    showActionSheet: calls.api("showActionSheet", async ({ itemList, alertText }) => {
      if (itemList.length > 6) throw new Error("parameter error: itemList should not be larger than 6");
      const tapIndex = await sheets.choose(alertText, itemList);
      if (tapIndex < 0) throw new Error("cancel");
      return { tapIndex };
    }),
    ...nothing(
      "showNavigationBarLoading", "hideNavigationBarLoading", "hideTabBar", "showTabBar", "setTabBarStyle", "setTabBarItem", "hideHomeButton",
      "enableAlertBeforeUnload", "disableAlertBeforeUnload", "setBackgroundTextStyle", "hideKeyboard", "vibrateShort", "vibrateLong",
      "showShareMenu", "hideShareMenu", "updateShareMenu", "setKeepScreenOn", "setScreenBrightness",
    ),
    createSelectorQuery: () => pages().top.instance.createSelectorQuery(),
    createIntersectionObserver: (component, options) => component.createIntersectionObserver(options),
    createAnimation: () => {
      const animation = new Proxy({}, { get: (_, name) => (name === "export" ? () => ({ actions: [] }) : () => animation) });
      return animation;
    },
    nextTick: (callback) => queueMicrotask(callback),
  }; // prettier-ignore
}
