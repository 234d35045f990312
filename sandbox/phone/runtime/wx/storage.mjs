// wx storage, apart for each phone and person: two phones in one browser share the browser's. What a new phone has is given once.

const LIMIT_KB = 10_240;

export function storage({ calls, settings }) {
  const prefix = `phone:${settings.phone}:${settings.openid}:`;
  const keys = () => Object.keys(localStorage).filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
  const wx = {
    setStorageSync(key, data) {
      if (data === undefined) throw new Error("setStorageSync:fail data is undefined");
      localStorage.setItem(prefix + key, JSON.stringify({ data }));
    },
    getStorageSync(key) {
      const kept = localStorage.getItem(prefix + key);
      return kept === null ? "" : JSON.parse(kept).data;
    },
    removeStorageSync: (key) => localStorage.removeItem(prefix + key),
    clearStorageSync: () => keys().forEach((key) => localStorage.removeItem(prefix + key)),
    getStorageInfoSync: () => ({ keys: keys(), currentSize: 0, limitSize: LIMIT_KB }),
  };
  const isNew = !localStorage.getItem(`known:${prefix}`);
  if (isNew) {
    localStorage.setItem(`known:${prefix}`, "1");
    for (const [key, data] of Object.entries(settings.storage)) wx.setStorageSync(key, data);
  }
  return {
    ...wx,
    setStorage: calls.api("setStorage", ({ key, data }) => wx.setStorageSync(key, data)),
    getStorage: calls.api("getStorage", ({ key }) => {
      if (!keys().includes(key)) throw new Error("data not found");
      return { data: wx.getStorageSync(key) };
    }),
    removeStorage: calls.api("removeStorage", ({ key }) => wx.removeStorageSync(key)),
    clearStorage: calls.api("clearStorage", () => wx.clearStorageSync()),
    getStorageInfo: calls.api("getStorageInfo", () => wx.getStorageInfoSync()),
  };
}
