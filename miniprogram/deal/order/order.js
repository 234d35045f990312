const files = require("../../platform/files");
const place = require("../../platform/place");
const screen = require("../../platform/screen");
const live = require("../../services/live");
const chat = require("../../services/chat");
const orders = require("../../services/orders");
const payments = require("../../services/payments");
const users = require("../../services/users");
const { topics: names } = require("../../services/listings");
const { livePage } = require("../../services/live-page");
const { FORMS } = require("../../lib/life");
const { parseYuan, price } = require("../../lib/money");
const { HOUR_MS, clock, dayName } = require("../../lib/time");
const { reason } = require("../../strings");
const { order: words } = require("../strings");
const { LOCAL, SHOWS_EVIDENCE, orderOf, present } = require("./present");

/** By how much longer a use may be made, as far as there is room. */
const LONGER_MS = [1, 2, 3, 4, 8, 24, 48, 72, 168].map((hours) => hours * HOUR_MS);

livePage({
  data: { words },
  local: LOCAL,

  /** A link that does not say which party the user is finds out by trying both. */
  topics(local, { id, role }) {
    const both = role !== "buyer" && role !== "owner";
    return {
      buyer: id && (both || role === "buyer") ? orders.topics.order(id, "buyer") : null,
      owner: id && (both || role === "owner") ? orders.topics.order(id, "owner") : null,
      listing: local.listingId ? names.listing(local.listingId) : null,
    };
  },

  present: (views, local) => present(views, local, live.now()),

  onDraw() {
    const { order } = orderOf(this.views());
    if (!order) return;
    if (!this.local.listingId) this._meet(order);
    if (this.local.confirming && order.state !== "pending_payment") this.update({ confirming: false });
    if (SHOWS_EVIDENCE.includes(order.state) && order.evidence !== (this._evidence || 0)) this._readEvidence(order);
  },

  onLoad() {
    this._stop = live.onConnection(({ state }) => this.update({ offline: state === "offline" }));
  },

  onUnload() {
    clearTimeout(this._noteTimer);
    this._stop();
  },

  /** The thing and the other party are shown beside the order. */
  async _meet({ listing_id: listingId, role, buyer_id: buyerId, owner_id: ownerId }) {
    this.update({ listingId });
    const other = await users.profile(role === "buyer" ? ownerId : buyerId).catch(() => null);
    if (other) this.update({ other });
  },

  /** A countdown is over: what it was for may look different now. */
  redraw() {
    this.update({});
  },

  /** As the server has it: what the screen shows may be ahead of it. */
  _order() {
    return orderOf(this.views()).order;
  },

  // --- actions ---

  act({ currentTarget }) {
    this._begin(currentTarget.dataset.action);
  },

  async openMore() {
    const { more } = this.data;
    const index = await screen.choose(more.map(({ label }) => label));
    if (index >= 0) this._begin(more[index].action);
  },

  async _begin(action) {
    const order = this._order();
    if (!order || this.data.busy || !order.actions.includes(action)) return;
    if (action === "pay") return this._pay({});
    if (action === "pay_extension") return this._pay({ extension_id: order.extension.extension_id });
    if (FORMS[action] === "ask") {
      const [title, content] = words.ask[action];
      const agreed = await screen.confirm({ title, content: typeof content === "function" ? content(price(order.claim_fen)) : content });
      if (agreed) this._do(action);
      return;
    }
    this.update({ sheet: { action, text: "", code: "", amount: "", photos: [], ends: [], endMs: 0, cost: "", trouble: "", busy: false, uploading: false } });
    if (action === "extend") this._quote(order.end_ms + HOUR_MS, true);
  },

  /** @returns {Promise<string>} "" when it is done, else why not */
  async _do(action, body) {
    const order = this._order();
    if (!order) return words.doing;
    this.update({ note: "" });
    try {
      this._answer = await orders.act(order, action, body);
      screen.buzz();
      return "";
    } catch (refusal) {
      const text = reason(refusal, live.now());
      if (!this.local.sheet) this._say(text);
      return text;
    }
  },

  _say(note) {
    clearTimeout(this._noteTimer);
    this.update({ note });
    this._noteTimer = setTimeout(() => this.update({ note: "" }), 8000);
  },

  async _pay(more) {
    if (this.local.busy) return;
    this.update({ busy: "pay", note: "" });
    try {
      const outcome = await payments.pay(this._order().order_id, more);
      this.update({ busy: "", confirming: outcome === "paid" });
      if (outcome !== "paid") this._say(outcome === "cancelled" ? words.payCancelled : words.payFailed);
    } catch (refusal) {
      this.update({ busy: "" });
      this._say(reason(refusal, live.now()));
    }
  },

  // --- the sheet in which an action is filled in ---

  closeSheet() {
    if (!this.local.sheet || this.local.sheet.busy) return;
    this.update({ sheet: null });
  },

  keep() {},

  _edit(change) {
    if (this.local.sheet) this.update({ sheet: { ...this.local.sheet, trouble: "", ...change } });
  },

  typeText({ detail }) {
    this._edit({ text: detail.value });
  },

  typeAmount({ detail }) {
    this._edit({ amount: detail.value });
  },

  typeCode({ detail }) {
    const code = detail.value.replace(/\D/g, "").slice(0, 6);
    this._edit({ code });
    if (code.length === 6 && this.local.sheet.action === "start") this.submit();
  },

  takePhotos({ detail }) {
    this._edit({ photos: detail.value, uploading: detail.busy });
  },

  chooseEnd({ currentTarget }) {
    this._quote(currentTarget.dataset.ms, false);
  },

  /** What staying until then would cost; at first, how long one can stay at all. */
  async _quote(endMs, isFirst) {
    const order = this._order();
    this._edit({ endMs, cost: "" });
    try {
      const quote = await orders.quoteExtension(order.order_id, endMs);
      const sheet = this.local.sheet;
      if (!sheet || sheet.endMs !== endMs) return;
      const ends = isFirst ? endsUpTo(order.end_ms, quote.latest_end_ms, live.now()) : sheet.ends;
      this._edit({ ends, cost: price(quote.amount_fen), terms: quote.terms_version });
    } catch (refusal) {
      this._edit({ trouble: reason(refusal, live.now()) });
    }
  },

  async submit() {
    const { sheet } = this.local;
    if (!sheet || sheet.busy) return;
    const { body, trouble } = filled(sheet);
    if (trouble) return this._edit({ trouble });
    // What has to wait for the network is shown on the page, and needs nobody to wait in front of a sheet.
    if (this.local.offline && sheet.action !== "extend") this.update({ sheet: null });
    else this._edit({ busy: true });
    const why = await this._do(sheet.action, body);
    if (why) return this._edit({ busy: false, trouble: why, code: "" });
    if (sheet.action === "return" && sheet.photos.length) chat.keepImages(this.query.id, sheet.photos.map(({ key }) => key));
    this.update({ sheet: null });
    const { actions, extension } = this._answer;
    if (sheet.action === "extend" && actions.includes("pay_extension")) this._pay({ extension_id: extension.extension_id });
  },

  // --- what is to be read ---

  async _readEvidence(order) {
    this._evidence = order.evidence;
    try {
      const { pieces } = await orders.evidence(order.order_id);
      this.update({ pieces });
    } catch (refusal) {
      this._evidence = -1; // asked again at the next change
    }
  },

  async openMoney() {
    if (this.local.moneyOf === "asking") return;
    this.update({ moneyOf: "asking" });
    try {
      const { id } = this.query;
      const [statement, money] = await Promise.all([payments.statement(id), payments.ofOrder(id)]);
      this.update({ statement, money, moneyOf: "known" });
    } catch (refusal) {
      this.update({ moneyOf: "" });
      screen.say(words.money.failed);
    }
  },

  copyCode() {
    screen.copy(this._order().code);
  },

  copyNumber() {
    screen.copy(this._order().order_id);
  },

  openListing() {
    screen.open(`/deal/listing/listing?id=${this.data.order.listingId}`);
  },

  openWay() {
    const { place: there, address, title } = this._order();
    place.openPlace({ ...there, name: title, address });
  },

  openOther() {
    screen.open(`/account/credit/credit?user=${this.local.other.user_id}`);
  },

  talk() {
    screen.open(`/deal/chat/chat?id=${this.data.order.id}`);
  },

  rate() {
    screen.open(`/deal/rating/rating?id=${this.data.order.id}`);
  },

  preview({ currentTarget }) {
    const { piece, index } = currentTarget.dataset;
    const { photos } = this.data.pieces[piece];
    files.preview(photos, photos[index]);
  },

  back() {
    screen.back();
  },
});

function endsUpTo(endMs, latestMs, nowMs) {
  const ends = LONGER_MS.map((ms) => endMs + ms).filter((ms) => ms <= latestMs);
  if (!ends.length && latestMs > endMs) ends.push(latestMs);
  return ends.map((ms) => ({ ms, text: clock(ms), day: dayName(ms, nowMs) }));
}

/** What a filled-in sheet asks for, or what is missing in it. */
function filled({ action, text, code, amount, photos, uploading, endMs, cost, terms }) {
  const { sheets } = words;
  const said = text.trim();
  const objects = photos.map(({ key }) => key);
  if (uploading) return { trouble: sheets.uploading };
  if (FORMS[action] === "code") return code.length === 6 ? { body: { code } } : { trouble: sheets.badCode };
  if (FORMS[action] === "reason") return { body: { reason: said } };
  if (action === "extend") return cost ? { body: { end_ms: endMs, terms_version: terms } } : { trouble: words.extension.none };
  if (action === "claim") {
    const amountFen = parseYuan(amount);
    if (!amountFen) return { trouble: sheets.badAmount };
    return said ? { body: { amount_fen: amountFen, reason: said, objects } } : { trouble: sheets.noText };
  }
  if (action === "evidence") return said || objects.length ? { body: { text: said, objects } } : { trouble: sheets.noEvidence };
  return said ? { body: { reason: said, objects } } : { trouble: sheets.noText };
}
