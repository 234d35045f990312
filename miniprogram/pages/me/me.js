const badges = require("../../services/badges");
const live = require("../../services/live");
const ratings = require("../../services/ratings");
const session = require("../../services/session");
const users = require("../../services/users");
const wallet = require("../../services/wallet");
const screen = require("../../platform/screen");
const { livePage } = require("../../services/live-page");
const { price } = require("../../lib/money");
const { common, me: words, onboarding, reason } = require("../../strings");

livePage({
  data: { state: "loading", t: words.text },

  local: { user: null, credit: null, balance: null, onboarding: null, state: "loading", why: "" },

  topics() {
    return {};
  },

  present(_, { user, credit, balance, onboarding: account, state, why }) {
    return {
      state: user ? "ready" : state,
      why,
      stale: user !== null && state === "error",
      name: user ? user.nickname || common.someone : "",
      avatar: user ? user.avatar_url : "",
      credit: credit ? { centistars: credit.credit_centistars, ratings: credit.ratings } : { centistars: 400, ratings: 0 },
      knowsCredit: credit !== null,
      earned: balance ? price(balance.earned_fen) : "—",
      due: balance ? price(balance.due_fen) : "—",
      account: account ? onboarding.states[account.status].short : "",
      accountTone: account && account.status !== "finished" && account.status !== "applied" ? "warn" : "brand",
      sections: words.sections,
    };
  },

  onLoad() {
    this.local.user = session.user;
    session.onUser((user) => this.update({ user }));
  },

  onShow() {
    badges.draw();
    this._load();
  },

  async onPullDownRefresh() {
    await this._load();
    screen.refreshed();
  },

  open({ currentTarget }) {
    screen.open(currentTarget.dataset.url);
  },

  retry() {
    this._load();
  },

  edit() {
    screen.open("/account/settings/settings");
  },

  async logout() {
    if (!(await screen.confirm(words.leave))) return;
    try {
      await users.logout();
      live.leave();
      screen.restart("/pages/discover/discover");
    } catch (refusal) {
      screen.say(reason(refusal));
    }
  },

  async _load() {
    try {
      const user = await users.me();
      this.update({ user });
      const [credit, balance, account] = await Promise.all([ratings.credit(user.user_id), wallet.balance(), wallet.onboarding()]);
      this.update({ credit, balance, onboarding: account, state: "ready" });
    } catch (refusal) {
      this.update({ state: "error", why: reason(refusal) });
    }
  },
});
