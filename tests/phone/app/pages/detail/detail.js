const NAMES = ["window", "document", "fetch", "localStorage", "TextEncoder", "WebSocket", "process"];
const globals = [typeof window, typeof document, typeof fetch, typeof localStorage, typeof TextEncoder, typeof WebSocket, typeof process];

Page({
  data: { id: "", ticks: 0, globals: globals.filter((kind) => kind !== "undefined").length + "/" + NAMES.length },
  onLoad({ id }) {
    this.setData({ id });
    this.timer = setInterval(() => this.setData({ ticks: this.data.ticks + 1 }), 100);
  },
  onUnload() {
    clearInterval(this.timer);
  },
});
