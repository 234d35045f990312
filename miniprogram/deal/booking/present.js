// What the booking page shows: the hold, the price, and once it is there the order that waits for its payment.
"use strict";

const { billView, cancellingView } = require("../../lib/bill");
const { objection } = require("../../lib/free");
const { price } = require("../../lib/money");
const { duration, moment, period } = require("../../lib/time");
const { photoUrl } = require("../../services/listings");
const { bill: billWords, state: stateWords } = require("../../strings");
const { booking: words, listing: listingWords, policies } = require("../strings");

/** Holds are renewed for so long in a row, and no longer. */
const HELD_MS = 600000;

/**
 * hold: "none" (not asked yet), "mine", "other", "spent", "away"
 * stage: "choosing", "ordering" (asked, not answered), "paying" (at WeChat, or asking for it), "confirming" (WeChat says paid)
 */
const LOCAL = {
  hold: "none", leaseId: null, heldFromMs: 0, otherUntilMs: 0, quote: null, quoteTerms: 0, quoteRefusal: "", before: null,
  stage: "choosing", orderId: null, key: "", trouble: "",
}; // prettier-ignore

function present(views, local, query, nowMs) {
  const listing = views.listing && views.listing.value;
  const calendar = views.calendar && views.calendar.value;
  const order = views.order && views.order.value;
  const use = read(query);
  const objected = use && calendar && !order && local.stage === "choosing" ? why(objection(calendar, [use.startMs, use.endMs], use.seats, nowMs)) : "";
  const state = use === null ? "error" : listing && (local.quote || local.quoteRefusal) ? "ready" : stateOf(views);
  return {
    state,
    errorAction: use === null ? words.backText : words.retryText,
    errorTitle: use === null ? words.missing : stateWords.notFoundTitle,
    listing: listing ? { title: listing.title, category: listing.category, photo: photoUrl(listing.photos[0]), isRequest: listing.booking === "request" } : null,
    when: use ? period(use.startMs, use.endMs, nowMs) : "",
    length: use ? duration(use.endMs - use.startMs) : "",
    seats: use ? use.seats : 1,
    terms: calendar ? calendar.terms_version : 0,
    hold: order || objected ? null : holdView(local, otherHold(views.holds, local, use), nowMs),
    bill: local.quote ? billView(local.quote, billWords) : null,
    total: local.quote ? price(local.quote.total_fen) : "",
    isFree: Boolean(local.quote && local.quote.total_fen === 0),
    stale: Boolean(local.quote && calendar && local.quoteTerms < calendar.terms_version),
    changed: changedText(local),
    quoteRefusal: local.quoteRefusal,
    deposit: depositView(local.quote, listing),
    cancelling: local.quote ? cancellingView(local.quote.cancelling, billWords, (ms) => moment(ms, nowMs)) : [],
    policy: listing ? policies[listing.policy].name : "",
    objection: objected,
    trouble: local.trouble,
    isMild: local.trouble === words.cancelled,
    stage: local.stage,
    order: order ? orderView(order) : null,
  };
}

/** What the page was asked for, or null. */
function read({ listing, start, end, seats }) {
  const [startMs, endMs, count] = [Number(start), Number(end), Number(seats || 1)];
  if (!/^\d+$/.test(listing || "") || !(startMs > 0) || !(endMs > startMs) || !(count >= 1)) return null;
  return { listingId: listing, startMs, endMs, seats: count };
}

function stateOf({ listing }) {
  return listing && listing.status === "refused" ? "error" : "loading";
}

function why(code) {
  return code ? listingWords.busyAt[code] : "";
}

function otherHold(view, { leaseId }, use) {
  if (!use) return null;
  return ((view && view.value) || []).find(
    ({ lease_id: id, start_ms: from, end_ms: to }) => id !== leaseId && from < use.endMs && use.startMs < to,
  );
}

function holdView({ hold, heldFromMs, otherUntilMs }, other, nowMs) {
  if (hold === "mine") return { kind: "mine", untilMs: heldFromMs + HELD_MS };
  if (hold === "other") return { kind: "other", untilMs: Math.max(other ? other.until_ms : 0, otherUntilMs, nowMs) };
  return hold === "none" ? null : { kind: hold, untilMs: 0 };
}

function changedText({ before, quote }) {
  if (before === null || !quote) return "";
  return before === quote.total_fen ? words.changedSame : words.changed(price(before), price(quote.total_fen));
}

function depositView(quote, listing) {
  if (!quote || !listing) return [];
  if (!quote.deposit_fen) return [words.noDeposit];
  const hour = listing.price_hour_fen;
  return [words.depositHow, ...(hour ? [words.depositLate(price(hour))] : [])];
}

function orderView(order) {
  return {
    id: order.order_id,
    state: order.state,
    mayPay: order.actions.includes("pay"),
    payUntilMs: order.due_action === "expire" ? order.due_ms : 0,
    total: price(order.total_fen),
    ended: ["expired", "expiring", "cancelled", "declined", "refunded"].includes(order.state),
  };
}

module.exports = { HELD_MS, LOCAL, present, read };
