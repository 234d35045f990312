const live = require("../../services/live");
const notices = require("../../services/notices");
const wallet = require("../../services/wallet");
const screen = require("../../platform/screen");
const { choosePhotos } = require("../../platform/files");
const { check, application } = require("../../lib/applicant");
const { livePage } = require("../../services/live-page");
const { price } = require("../../lib/money");
const time = require("../../lib/time");
const { onboarding: words, photos: photoWords, reason } = require("../../strings");

const BLANK = {
  subject: 0, legal_name: "", id_number: "", id_valid_from: "", id_valid_until: "", forever: false, mobile: "", bank: "", area: [], area_code: "",
  bank_account: "", shop_name: "", licence_number: "", licence_name: "",
}; // prettier-ignore
const PICTURE = { path: "", media: "", state: "" };

/** The way to the money as far as it has been gone; not while there is a form to fill in, or all is done. */
function stepsOf(status, shown) {
  const at = { none: 0, sending: 1, applied: 1 }[status];
  if (at === undefined || (status === "none" && shown)) return [];
  return words.steps.map((step, index) => ({ ...step, state: index < at ? "step-done" : index > at && at ? "step-later" : "" }));
}

livePage({
  data: { state: "loading", t: words.text },

  local: {
    account: null, balance: null, state: "loading", why: "", form: BLANK, pictures: { front: PICTURE, back: PICTURE, licence: PICTURE },
    shown: false, tried: false, sending: false,
  }, // prettier-ignore

  topics() {
    return {};
  },

  present(_, { account, balance, state, why, form, pictures, shown, tried, sending }) {
    const status = account ? account.status : "none";
    const faults = tried ? check(form, pictures) : {};
    const nowMs = live.now();
    return {
      state, why, status, form, pictures, sending,
      stage: account ? words.states[status] : null,
      refusal: status === "rejected" ? account.reason : "",
      sign: account ? account.sign_url : "",
      asks: (status === "none" && shown) || status === "rejected",
      intro: status === "none" && !shown,
      subjects: words.subjects.map(({ label }) => label),
      subject: words.subjects[form.subject],
      faults: Object.fromEntries(Object.keys(faults).map((name) => [name, words.faults[faults[name]]])),
      wrong: Object.keys(faults).length > 0,
      due: balance ? price(balance.due_fen) : "",
      earned: balance ? price(balance.earned_fen) : "",
      lines: balance ? balance.lines.map((line) => ({ id: line.tx_id, label: words.moves[line.reason] || words.moves.other, when: time.moment(line.at_ms, nowMs), amount: price(line.amount_fen), order: line.order_id })) : [],
      steps: stepsOf(status, shown),
    };
  }, // prettier-ignore

  onLoad() {
    const topic = notices.topic();
    let seen = null;
    if (!topic) return;
    this._stop = live.store.watch(topic, ({ value }) => {
      if (!value || !value.length) return;
      const news = seen === null ? [] : value.filter(({ payload }) => payload.seq > seen && payload.kind === "payment.onboarding");
      if (news.length) this._load();
      seen = value[value.length - 1].payload.seq;
    });
  },

  onShow() {
    this._load();
  },

  onUnload() {
    if (this._stop) this._stop();
  },

  retry() {
    this.update({ state: "loading" });
    this._load();
  },

  begin() {
    this.update({ shown: true });
  },

  type({ currentTarget, detail }) {
    this._set({ [currentTarget.dataset.name]: detail.value });
  },

  pickSubject({ detail }) {
    this._set({ subject: Number(detail.value) });
  },

  pickArea({ detail }) {
    this._set({ area: detail.value, area_code: (detail.code && detail.code[1]) || "" });
  },

  toggleForever({ detail }) {
    this._set({ forever: detail.value });
  },

  async pickPicture({ currentTarget }) {
    const { name } = currentTarget.dataset;
    const [chosen] = await choosePhotos(1);
    if (!chosen) return;
    this._picture(name, { path: chosen.path, media: "", state: "sending" });
    try {
      this._picture(name, { path: chosen.path, media: await wallet.picture(chosen.path), state: "done" });
    } catch (refusal) {
      this._picture(name, { path: chosen.path, media: "", state: "failed" });
      screen.say(photoWords.refused[refusal.code] || reason(refusal));
    }
  },

  async submit() {
    const { form, pictures, sending } = this.local;
    if (sending) return;
    this.update({ tried: true });
    if (this.data.wrong || Object.keys(check(form, pictures)).length) return screen.say(words.incomplete);
    this.update({ sending: true });
    try {
      const account = await wallet.onboard(application(form, pictures, words.subjects));
      this.update({ account, sending: false, form: BLANK, pictures: { front: PICTURE, back: PICTURE, licence: PICTURE }, tried: false });
    } catch (refusal) {
      this.update({ sending: false });
      screen.tell(words.refusedTitle, refusal.code === "conflict" || refusal.code === "invalid" ? words.refused : reason(refusal));
    }
  },

  copySign() {
    screen.copy(this.data.sign);
  },

  openOrder({ currentTarget }) {
    screen.open(`/deal/order/order?id=${currentTarget.dataset.id}&role=owner`);
  },

  _set(change) {
    this.update({ form: { ...this.local.form, ...change } });
  },

  _picture(name, picture) {
    this.update({ pictures: { ...this.local.pictures, [name]: picture } });
  },

  async _load() {
    try {
      const [account, balance] = await Promise.all([wallet.onboarding(), wallet.balance()]);
      this.update({ account, balance, state: "ready" });
    } catch (refusal) {
      if (!this.local.account) this.update({ state: "error", why: reason(refusal) });
    }
  },
});
