const screen = require("../../platform/screen");
const asking = require("../../services/asking");
const live = require("../../services/live");
const orders = require("../../services/orders");
const payments = require("../../services/payments");
const { topics: names } = require("../../services/listings");
const { livePage } = require("../../services/live-page");
const { newKey } = require("../../lib/key");
const { reason } = require("../../strings");
const { booking: words } = require("../strings");
const { HELD_MS, LOCAL, present, read } = require("./present");

/** A hold lives 45 s; renewed in time it lasts. */
const RENEW_MS = 15000;

/** What the order becomes once it is paid, or asked for. */
const AGREED = ["ready", "requested", "in_use", "returned", "completed"];

livePage({
  data: { words },
  local: LOCAL,

  topics(local, query) {
    const use = read(query);
    if (!use) return {};
    return {
      listing: names.listing(use.listingId),
      calendar: orders.topics.calendar(use.listingId),
      holds: orders.topics.holds(use.listingId),
      order: local.orderId ? orders.topics.order(local.orderId, "buyer") : null,
    };
  },

  present: (views, local, query) => present(views, local, query, live.now()),

  onLoad(query) {
    this._use = read(query);
    this._price();
    asking.prepare();
  },

  onShow() {
    if (this._use && !this.local.orderId) this._hold();
  },

  onHide() {
    clearTimeout(this._renewal);
  },

  onUnload() {
    clearTimeout(this._renewal);
    const { leaseId, orderId } = this.local;
    if (leaseId && !orderId) orders.release({ listingId: this._use.listingId, leaseId });
  },

  onDraw() {
    const { order, stale } = this.data;
    if (stale && !order && this.local.stage === "choosing") this._price({ changed: true });
    if (!order) return;
    clearTimeout(this._renewal);
    const isAgreed = AGREED.includes(order.state);
    if (isAgreed && !this._gone) {
      this._gone = true;
      screen.buzz();
      screen.replace(`/deal/order/order?id=${order.id}&role=buyer`);
    }
  },

  // --- the hold ---

  async _hold() {
    clearTimeout(this._renewal);
    const { heldFromMs, leaseId } = this.local;
    try {
      const held = await orders.hold({ ...this._use, leaseId });
      if (this.gone) return orders.release({ listingId: this._use.listingId, leaseId: held.lease_id });
      this.update({ hold: "mine", leaseId: held.lease_id, heldFromMs: heldFromMs || live.now() });
    } catch (refusal) {
      const hold = { held: "other", hold_spent: "spent" }[refusal.code] || "away";
      this.update({ hold, leaseId: null, otherUntilMs: (refusal.data && refusal.data.until_ms) || 0 });
    }
    if (this.gone || this.local.orderId || this.local.hold === "spent") return;
    this._renewal = setTimeout(() => this._hold(), RENEW_MS);
  },

  holdEnded() {
    if (this.local.hold === "mine" && live.now() >= this.local.heldFromMs + HELD_MS) this.update({ hold: "spent" });
    else this._hold();
  },

  // --- the price ---

  async _price({ changed = false } = {}) {
    if (!this._use || this._pricing) return;
    this._pricing = true;
    const before = changed && this.local.quote ? this.local.quote.total_fen : this.local.before;
    try {
      const quote = await orders.quote(this._use);
      this.update({ quote, quoteTerms: quote.terms_version, quoteRefusal: "", before, key: newKey() });
    } catch (refusal) {
      this.update({ quoteRefusal: reason(refusal, live.now()) });
    }
    this._pricing = false;
  },

  retry() {
    if (this._use) this._price();
    else screen.back();
  },

  // --- the order, and its payment ---

  async submit() {
    const { stage, quote, quoteTerms, leaseId, key, orderId } = this.local;
    if (stage !== "choosing" || !quote || orderId) return;
    this.update({ stage: "ordering", trouble: "", before: null });
    if (this.data.listing.isRequest || this.data.isFree) asking.offer(asking.RENTING); // nothing is paid: this tap is the last
    try {
      const order = await orders.create({ ...this._use, leaseId, termsVersion: quoteTerms, key });
      this.update({ orderId: order.order_id, stage: "choosing" });
      if (order.actions.includes("pay")) await this.pay();
    } catch (refusal) {
      this.update({ stage: "choosing", trouble: refusal.code === "slot_taken" ? words.taken : reason(refusal, live.now()) });
      if (refusal.code === "stale_quote") this._price({ changed: true });
    }
  },

  async pay() {
    const { orderId, stage } = this.local;
    if (!orderId || stage === "paying" || stage === "confirming") return;
    this.update({ stage: "paying", trouble: "" });
    try {
      const outcome = await payments.pay(orderId);
      if (outcome === "paid") {
        asking.offer(asking.RENTING);
        this.update({ stage: "confirming" });
      } else this.update({ stage: "choosing", trouble: outcome === "cancelled" ? words.cancelled : words.failed });
    } catch (refusal) {
      this.update({ stage: "choosing", trouble: reason(refusal, live.now()) });
    }
  },

  toOrder() {
    screen.replace(`/deal/order/order?id=${this.local.orderId}&role=buyer`);
  },

  back() {
    screen.back();
  },
});
