const wechat = require("../../platform/wechat");
const asking = require("../../services/asking");
const screen = require("../../platform/screen");
const { mayAsk } = require("../../lib/asking");
const { livePage } = require("../../services/live-page");
const { subscriptions: words, reason } = require("../../strings");

livePage({
  data: { t: words.text },

  local: { list: [], settings: { on: true, kept: {} }, busy: "", state: "loading", why: "" },

  topics() {
    return {};
  },

  present(_, { list, settings, busy, state, why }) {
    return {
      state: state === "ready" && !list.length ? "empty" : state,
      why,
      list: list.map((one) => ({
        kind: one.kind, title: one.title, purpose: one.purpose, wanted: one.wanted, busy: busy === one.kind,
        blocked: one.wanted && !mayAsk(one, settings),
        note: one.wanted ? (mayAsk(one, settings) ? words.left(one.remaining) : words.blocked) : words.off,
        tone: !one.wanted ? "muted" : one.remaining && mayAsk(one, settings) ? "brand" : "low",
        again: one.remaining ? words.text.again : words.text.first,
      })),
    };
  }, // prettier-ignore

  onShow() {
    this._load();
  },

  retry() {
    this.update({ state: "loading" });
    this._load();
  },

  async again({ currentTarget }) {
    const { kind } = currentTarget.dataset;
    const one = this.local.list.find((other) => other.kind === kind);
    if (this.local.busy) return;
    this.update({ busy: kind });
    try {
      const list = await asking.ask([one]);
      const now = list.find((other) => other.kind === kind);
      screen.say(now.remaining > one.remaining ? words.allowed : words.refused);
      this.update({ list, settings: asking.settings() });
    } catch (refusal) {
      screen.say(reason(refusal));
    }
    this.update({ busy: "" });
  },

  /** Shown at once, and taken back when it is refused. */
  async flip({ currentTarget, detail }) {
    const { kind } = currentTarget.dataset;
    const before = this.local.list;
    this.update({ list: before.map((one) => (one.kind === kind ? { ...one, wanted: detail.value } : one)) });
    try {
      this.update({ list: await asking.want(kind, detail.value) });
    } catch (refusal) {
      this.update({ list: before });
      screen.say(reason(refusal));
    }
  },

  async openSettings() {
    await wechat.openNotifySettings();
    this._load();
  },

  async _load() {
    try {
      const { subscriptions: list, settings } = await asking.load();
      this.update({ list, settings, state: "ready" });
    } catch (refusal) {
      if (!this.local.list.length) this.update({ state: "error", why: reason(refusal) });
    }
  },
});
