const archive = require("../../services/archive");
const consent = require("../../services/consent");
const live = require("../../services/live");
const orders = require("../../services/orders");
const session = require("../../services/session");
const users = require("../../services/users");
const files = require("../../platform/files");
const screen = require("../../platform/screen");
const { group } = require("../../lib/order-list");
const { livePage } = require("../../services/live-page");
const { privacy: words, reason } = require("../../strings");

livePage({
  data: { known: false, t: words.text },

  local: { user: null, personal: true, gathering: "", archive: null, leaving: false, open: "" },

  topics() {
    return {};
  },

  present(_, { user, personal, gathering, archive, leaving, open }) {
    return {
      known: user !== null,
      personal,
      gathering: gathering ? words.gathering(words.parts[gathering]) : "",
      ready: archive ? words.ready(archive.bytes) : "",
      leaving,
      policy: words.policy.map((section, index) => ({ ...section, id: String(index), open: open === String(index) })),
      updated: words.updated(consent.DAY),
    };
  },

  onLoad({ read }) {
    // Before the consent there is nobody: the text is here to be read.
    if (read || !consent.given()) return this.update({ user: null });
    this._take(session.user);
    users.me().then((user) => this._take(user), () => {}); // prettier-ignore
  },

  toggleSection({ currentTarget }) {
    const { id } = currentTarget.dataset;
    this.update({ open: this.local.open === id ? "" : id });
  },

  /** Shown at once, and taken back when it is refused. */
  async setPersonal({ detail }) {
    const before = this.local.personal;
    this.update({ personal: detail.value });
    try {
      this._take(await users.edit({ personal: detail.value }));
    } catch (refusal) {
      this.update({ personal: before });
      screen.say(reason(refusal));
    }
  },

  async download() {
    if (this.local.gathering) return;
    try {
      const all = await archive.gather((part) => this.update({ gathering: part }));
      const text = JSON.stringify(all, null, 2);
      this.update({ archive: { path: await files.writeText(words.file, text), bytes: text.length } });
    } catch (refusal) {
      screen.say(refusal.code ? reason(refusal) : words.notSaved);
    }
    this.update({ gathering: "" });
  },

  async send() {
    if (await files.sendFile(this.local.archive.path, words.file)) screen.say(words.sent);
  },

  async forget() {
    if (this.local.leaving) return;
    this.update({ leaving: true });
    try {
      const open = await this._openOrders();
      if (open) screen.tell(words.stillOpen.title, words.stillOpen.text(open));
      else if ((await screen.confirm(words.forget)) && (await screen.confirm(words.forgetReally))) await this._forget();
    } catch (refusal) {
      if (refusal.code === "open_orders") screen.tell(words.stillOpen.notYet, reason(refusal));
      else screen.say(reason(refusal));
    }
    this.update({ leaving: false });
  },

  async _forget() {
    await users.forget();
    live.leave();
    consent.withdraw();
    screen.restart("/pages/consent/consent");
  },

  async _openOrders() {
    const pages = await Promise.all(["buyer", "owner"].map((role) => orders.mine(role)));
    return pages.flatMap((page) => page.orders).filter((order) => group(order, live.now()) !== "over").length;
  },

  _take(user) {
    if (user) this.update({ user, personal: user.personal !== false });
  },
});
