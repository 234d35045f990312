// The device, the app's life, and small things.

export function system({ calls, life, settings, bars, launch }) {
  const windowInfo = () => {
    const { statusBarPx, homeBarPx } = settings;
    const page = document.querySelector(".mp-page:not([hidden])");
    const windowHeight = page?.clientHeight || innerHeight - statusBarPx - 44;
    return {
      pixelRatio: devicePixelRatio, screenWidth: innerWidth, screenHeight: innerHeight, windowWidth: innerWidth, windowHeight,
      statusBarHeight: statusBarPx, screenTop: statusBarPx + 44,
      safeArea: { left: 0, right: innerWidth, top: statusBarPx, bottom: innerHeight - homeBarPx, width: innerWidth, height: innerHeight - statusBarPx - homeBarPx },
    };
  };
  const app = {
    SDKVersion: "3.8.12", version: "8.0.56", language: "zh_CN", theme: "light", fontSizeSetting: 16, enableDebug: false,
    host: { appId: "", env: "WeChat", version: 0 },
  };
  const device = {
    brand: "apple", model: "iPhone 14", system: "iOS 17.4", platform: "ios", abi: "arm64", deviceAbi: "arm64", benchmarkLevel: 40,
    memorySize: 6144,
  };
  const info = () => ({ ...app, ...device, ...windowInfo() });
  const events = (name, event) => ({ [`on${name}`]: (listener) => life.on(event, listener), [`off${name}`]: (listener) => life.off(event, listener) });
  let clipboard = "";
  const silent = { info() {}, warn() {}, error() {}, log() {}, debug() {}, addFilterMsg() {}, setFilterMsg() {} };
  return {
    getSystemInfoSync: info,
    getSystemInfo: calls.api("getSystemInfo", info),
    getSystemInfoAsync: calls.api("getSystemInfoAsync", info),
    getWindowInfo: windowInfo,
    getAppBaseInfo: () => app,
    getDeviceInfo: () => device,
    getSystemSetting: () => ({ bluetoothEnabled: false, locationEnabled: true, wifiEnabled: true }),
    getMenuButtonBoundingClientRect: () => bars().capsuleRect(),
    getLaunchOptionsSync: () => launch,
    getEnterOptionsSync: () => launch,
    canIUse: () => true,
    getUpdateManager: () => ({ onCheckForUpdate() {}, onUpdateReady() {}, onUpdateFailed() {}, applyUpdate() {} }),
    ...events("AppShow", "show"), ...events("AppHide", "hide"), ...events("Error", "error"), ...events("UnhandledRejection", "rejection"),
    ...events("ThemeChange", "theme"), ...events("WindowResize", "resize"), ...events("MemoryWarning", "memory"), ...events("PageNotFound", "lost"),
    ...events("KeyboardHeightChange", "keyboard"), ...events("UserCaptureScreen", "capture"), ...events("MenuButtonBoundingClientRectWeightChange", "capsule"),
    setClipboardData: calls.api("setClipboardData", ({ data }) => void (clipboard = data)),
    getClipboardData: calls.api("getClipboardData", () => ({ data: clipboard })),
    makePhoneCall: calls.api("makePhoneCall", () => ({})),
    scanCode: calls.api("scanCode", () => ({ result: "" })),
    openCustomerServiceChat: calls.api("openCustomerServiceChat", () => ({})),
    navigateToMiniProgram: calls.api("navigateToMiniProgram", () => ({})),
    exitMiniProgram: calls.api("exitMiniProgram", () => ({})),
    loadFontFace: calls.api("loadFontFace", () => ({})),
    createInnerAudioContext: () => ({ play() {}, stop() {}, pause() {}, destroy() {}, onEnded() {}, onError() {}, onPlay() {} }),
    reportEvent() {}, reportAnalytics() {}, reportMonitor() {}, setEnableDebug() {}, setInnerAudioOption() {},
    getLogManager: () => silent, getRealtimeLogManager: () => silent,
    getPerformance: () => ({ createObserver: () => ({ observe() {}, disconnect() {} }), getEntries: () => [], now: () => performance.now() }),
    base64ToArrayBuffer: (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer,
    arrayBufferToBase64: (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))),
  };
} // prettier-ignore
