// What the order's page shows one of its parties.
"use strict";

const { billView } = require("../../lib/bill");
const { keptFen } = require("../../lib/cancelling");
const { GRACE_MS, isLate, lateFen } = require("../../lib/late");
const { buttons, FAILED, FORMS, timeline } = require("../../lib/life");
const { price } = require("../../lib/money");
const { DAY_MS, duration, moment, period } = require("../../lib/time");
const { photoUrl } = require("../../services/listings");
const { bill: billWords, state: stateWords } = require("../../strings");
const { order: words } = require("../strings");

const LOCAL = { role: "", listingId: "", other: null, sheet: null, busy: "", note: "", pieces: null, money: null, statement: null, moneyOf: "", confirming: false, offline: false };

/** Nothing has been paid for these. */
const UNPAID = ["requested", "pending_payment", "expiring", "declined", "expired"];

/** States of a claim or a dispute, before, within and after. */
const SHOWS_EVIDENCE = ["claimed", "disputed", "completed", "refunded"];

/** The order as one of its two parties, whichever the user is. */
function orderOf(views) {
  const found = [views.buyer, views.owner].filter(Boolean);
  const known = found.find(({ value }) => value);
  if (known) return { order: known.value, view: known };
  const refused = found.length > 0 && found.every(({ status }) => status === "refused");
  return { order: null, view: { status: refused ? "refused" : "waiting" } };
}

function present(views, local, nowMs) {
  const { order, view } = orderOf(views);
  if (!order) {
    return {
      state: view.status === "refused" ? "error" : "loading", errorTitle: stateWords.notFoundTitle, errorHint: stateWords.notFoundHint,
      order: null, other: null, head: null, steps: [], front: null, back: null, hasNext: false, more: [], busy: "", note: local.note, sheet: null, pieces: [], money: null, code: null, extension: null, claim: null,
    }; // prettier-ignore
  }
  const { role, state } = order;
  const { first, second, more } = buttons(order.actions);
  const pieces = SHOWS_EVIDENCE.includes(state) ? piecesOf(local.pieces, nowMs) : [];
  const listing = views.listing && views.listing.value;
  const isOver = order.refund_fen !== null;
  return {
    state: "ready", errorTitle: "", errorHint: "",
    head: headOf(order, local, nowMs),
    steps: timeline(state, words.steps),
    order: {
      id: order.order_id, role, roleText: words.roles[role], state, title: order.title, listingId: order.listing_id,
      photo: listing ? photoUrl(listing.photos[0]) : "", category: listing ? listing.category : "other",
      when: period(order.start_ms, order.end_ms, nowMs), length: duration(order.end_ms - order.start_ms), seats: order.seats,
      address: order.address || "", mayGo: Boolean(role === "buyer" && order.place && !isOver), waitsForAddress: role === "buyer" && !order.address && !FAILED.includes(state),
      bill: billView(order, billWords), reason: pieces.length ? "" : order.reason, mayRate: state === "completed",
      evidence: order.evidence, // not shown itself: what is new draws the page, and is read
      lateText: lateText(order, nowMs), hasMoney: !UNPAID.includes(state), made: moment(order.created_ms, nowMs), ...outcome(order),
    },
    other: local.other && { name: local.other.nickname, avatar: local.other.avatar_url, side: words.by[role === "buyer" ? "owner" : "buyer"] },
    code: order.code ? { digits: order.code.split("").map((digit, index) => ({ index, digit })), title: words.codeTitle[role], hint: words.codeHint[role] } : null,
    claim: order.claim_fen ? { amount: price(order.claim_fen) } : null,
    extension: extensionOf(order, nowMs),
    front: first && { action: first, label: words.actions[first] },
    back: second && { action: second, label: words.actions[second] },
    hasNext: Boolean(first || second || order.doing || local.busy || state === "completed"),
    more: more.map((action) => ({ action, label: words.actions[action] })),
    busy: order.doing || local.busy ? (local.offline ? words.sending : words.doing) : "",
    note: local.note,
    sheet: local.sheet && sheetOf(local.sheet, order, nowMs),
    pieces,
    money: moneyOf(local),
  }; // prettier-ignore
}

/** What each has at the end; before it, what the owner may expect. */
function outcome({ role, state, total_fen: totalFen, refund_fen: backFen, payout_fen: payoutFen, fee_fen: feeFen }) {
  const isOver = backFen !== null;
  // That all comes back may mean that nothing was paid.
  const isBack = isOver && !UNPAID.includes(state) && (state !== "cancelled" || backFen < totalFen);
  const earns = role === "owner" && !(isOver && !payoutFen);
  return {
    back: isBack ? price(backFen) : "", backLabel: words.money.back[role],
    payout: earns ? price(payoutFen) : "", payoutLabel: isOver ? words.money.got : words.money.expected, fee: earns && feeFen ? price(feeFen) : "",
  }; // prettier-ignore
}

function lateText(order, nowMs) {
  if (order.late_fen) return words.late(price(order.late_fen));
  if (!isLate(order, nowMs)) return "";
  const fen = lateFen(order, nowMs);
  if (fen) return words.lateNow(price(fen));
  return order.late_hour_fen && nowMs <= order.end_ms + GRACE_MS ? words.lateFree : words.lateOnly;
}

/** What a party waits for next: what was agreed on, or what happens by itself. */
function awaited(order, nowMs) {
  if (order.state === "ready" && nowMs < order.start_ms) return [order.start_ms, words.dues.start];
  if (order.state === "in_use" && nowMs < order.end_ms) return [order.end_ms, words.dues.end];
  return [order.due_ms, words.dues[order.due_action]];
}

function headOf(order, local, nowMs) {
  const late = isLate(order, nowMs);
  const [title, about] = late ? words.overdue : words.states[order.state];
  const [dueMs, due] = awaited(order, nowMs);
  const isSoon = dueMs - nowMs < DAY_MS;
  return {
    title,
    about: local.confirming && order.state === "pending_payment" ? words.payConfirming : cancelledText(order) || about[order.role],
    // A day and more is a date; less is a countdown.
    untilMs: due && isSoon ? dueMs : 0,
    untilText: due && !isSoon ? moment(dueMs, nowMs) : "",
    dueText: typeof due === "string" ? due : due ? due[isSoon ? 0 : 1] : "",
    tone: FAILED.includes(order.state) ? "over" : late || ["claimed", "disputed"].includes(order.state) ? "warn" : order.state === "completed" ? "done" : "on",
  };
}

/** Who keeps what of an order that was cancelled at a cost; "" otherwise. */
function cancelledText({ role, state, total_fen: totalFen, refund_fen: backFen, payout_fen: payoutFen }) {
  if (state !== "cancelled" || backFen === totalFen) return "";
  return role === "buyer" ? words.cancelledAt.buyer(price(backFen), price(totalFen - backFen)) : words.cancelledAt.owner(price(payoutFen));
}

function extensionOf({ extension }, nowMs) {
  if (!extension || extension.state === "expired") return null;
  const isOpen = extension.state === "pending_payment";
  return {
    until: words.extension.until(moment(extension.end_ms, nowMs)), amount: price(extension.amount_fen),
    state: words.extension.state[extension.state], payByMs: isOpen ? extension.pay_by_ms : 0,
  }; // prettier-ignore
}

/** @returns what cancelling brings, before it is done */
function cancelText(order, nowMs) {
  if (order.role === "owner") return order.state === "ready" ? words.sheets.ownerCancels : "";
  if (order.state !== "ready") return words.sheets.refundNothing;
  const kept = keptFen(order, nowMs);
  return kept ? words.sheets.refund(price(order.total_fen - kept), price(kept)) : words.sheets.refundAll;
}

function sheetOf(sheet, order, nowMs) {
  const { action } = sheet;
  const own = words.sheets[action] || {};
  const most = order.deposit_fen - order.late_fen;
  return {
    action,
    kind: FORMS[action],
    title: own.title || words.extension.title,
    hint: action === "cancel" ? cancelText(order, nowMs) : own.hint || "",
    placeholder: own.placeholder || "",
    text: sheet.text,
    code: sheet.code,
    cells: [0, 1, 2, 3, 4, 5].map((index) => ({ index, digit: sheet.code[index] || "", on: index === sheet.code.length })),
    amount: sheet.amount,
    most: action === "claim" ? words.sheets.claim.most(price(most)) : "",
    takesPhotos: ["contest", "dispute", "evidence", "claim", "return"].includes(action),
    photos: sheet.photos,
    ends: sheet.ends.map(({ ms, text, day }) => ({ ms, text, day, on: ms === sheet.endMs })),
    cost: sheet.cost,
    trouble: sheet.trouble,
    busy: sheet.busy,
    submit: action === "extend" ? words.extension.submit : own.submit || words.actions[action],
    dangerous: ["cancel", "decline", "claim", "dispute"].includes(action),
  };
}

function piecesOf(pieces, nowMs) {
  return (pieces || []).map(({ seq, party, text, objects, at_ms: atMs }) => ({
    seq, by: words.by[party] || party, text, photos: objects.map(photoUrl), at: moment(atMs, nowMs),
  })); // prettier-ignore
}

/** Where every fen is: of who paid and of who earns. */
function moneyOf({ statement, money }) {
  if (!statement) return null;
  if (!statement.paid_fen) return { lines: [], refunds: [], none: words.money.none };
  const lines = [
    [words.money.paid, statement.paid_fen],
    [words.money.heldRent, statement.held_rent_fen],
    [words.money.heldDeposit, statement.held_deposit_fen],
    [words.money.refunded, statement.refunded_fen],
    [words.money.owner, statement.owner_fen],
    [words.money.fee, statement.fee_fen],
  ];
  const refunds = (money && money.paid && money.paid.refunds) || [];
  return {
    lines: lines.filter(([, fen], index) => fen || index === 0).map(([label, fen]) => ({ label, amount: price(fen) })),
    refunds: refunds.map(({ refund_id: id, amount_fen: fen, status }) => ({ id, amount: price(fen), status: words.money.status[status] || status })),
    none: "",
  };
}

module.exports = { LOCAL, SHOWS_EVIDENCE, orderOf, present };
