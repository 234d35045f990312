// What a listing's page shows: the listing, its calendar and its holds as they are pushed, and the period that the user has chosen.
"use strict";

const { billView, cancellingView } = require("../../lib/bill");
const { prices, stars } = require("../../lib/card");
const { objection } = require("../../lib/free");
const { price } = require("../../lib/money");
const { DAY_MS, HOUR_MS, MINUTE_MS, WEEKDAYS, duration, moment, period } = require("../../lib/time");
const { photoUrl } = require("../../services/listings");
const { bill: billWords, common, state: stateWords } = require("../../strings");
const { listing: words, policies } = require("../strings");

/** A place that is blurred is within so many metres. */
const BLUR_M = 300;

const LOCAL = { startMs: 0, endMs: 0, seats: 1, quote: null, quoteOf: "", refusal: "", busy: false, kinds: null };

function present(views, local, { nowMs, userId }) {
  const view = views.listing || { status: "waiting", value: null };
  const listing = view.value;
  const calendar = (views.calendar && views.calendar.value) || null;
  const shown = listing ? details(listing, local.kinds) : {};
  const isMine = Boolean(listing && userId === listing.owner.user_id);
  const chosen = choice(local, calendar, nowMs);
  const others = holdsOf(views.holds, local);
  return {
    state: listing ? "ready" : view.status === "refused" ? "error" : "loading",
    errorTitle: stateWords.notFoundTitle,
    listing: listing ? shown : null,
    isMine,
    isLive: Boolean(listing && listing.status === "live"),
    closedText: listing && listing.status !== "live" ? closedText(listing.status, isMine ? words.closedMine : words.closed) : "",
    calendar,
    usualMs: listing ? (isPrice(listing.price_hour_fen) ? HOUR_MS : DAY_MS) : HOUR_MS,
    startMs: local.startMs,
    endMs: local.endMs,
    seats: local.seats,
    maxSeats: listing ? listing.capacity : 1,
    chosen: chosen.text,
    objection: chosen.objection,
    bill: local.quote && local.startMs ? billView(local.quote, billWords) : null,
    cancelling: local.quote && local.startMs ? cancellingView(local.quote.cancelling, billWords, (ms) => moment(ms, nowMs)) : [],
    quoteBusy: local.busy,
    refusal: local.refusal,
    holds: others.slice(0, 3).map(({ start_ms: startMs, end_ms: endMs, until_ms: untilMs, lease_id: id }) => ({
      id, untilMs, text: words.heldByOther(period(startMs, endMs, nowMs)),
    })),
    contested: local.startMs > 0 && others.some(({ start_ms: from, end_ms: to }) => from < local.endMs && local.startMs < to),
    mayBook: Boolean(listing && listing.status === "live" && !isMine && local.startMs && !chosen.objection && calendar),
    total: local.quote && local.startMs ? price(local.quote.total_fen) : "",
  };
}

function choice({ startMs, endMs, seats }, calendar, nowMs) {
  if (!startMs) return { text: "", objection: "" };
  const why = calendar && objection(calendar, [startMs, endMs], seats, nowMs);
  return { text: words.chosen(period(startMs, endMs, nowMs), duration(endMs - startMs)), objection: why ? words.busyAt[why] : "" };
}

function holdsOf(view, { leases = [] }) {
  return ((view && view.value) || []).filter(({ lease_id: id }) => !leases.includes(id));
}

function closedText(status, texts) {
  return texts[status] || texts.other;
}

function details(listing, kinds) {
  const { owner } = listing;
  const policy = policies[listing.policy];
  return {
    id: listing.listing_id,
    title: listing.title,
    category: listing.category,
    categoryLabel: listing.category_label,
    photos: listing.photos.map(photoUrl),
    prices: prices(listing),
    tags: [
      listing.booking === "instant" ? words.instant : words.request,
      ...(listing.capacity > 1 ? [words.seats(listing.capacity)] : []),
      policy.name,
    ],
    deposit: listing.deposit_fen ? words.depositIs(price(listing.deposit_fen)) : words.depositNone,
    waives: Boolean(listing.deposit_fen && listing.waives_deposit),
    about: listing.description,
    stars: stars(listing.rating_centistars, listing.ratings),
    ratings: listing.ratings ? words.ratings(listing.ratings) : "",
    dealt: listing.orders_completed ? words.done(listing.orders_completed) : "",
    owner: {
      id: owner.user_id,
      name: owner.nickname || common.someone,
      initial: (owner.nickname || common.someone).slice(0, 1),
      avatar: owner.avatar_url,
      stars: stars(owner.credit_centistars, owner.ratings),
      about: owner.ratings ? words.ratings(owner.ratings) : words.newOwner,
    },
    facts: facts(listing),
    attributes: attributes(listing, kinds),
    policy,
    place: { lat: listing.lat, lng: listing.lng },
    blurM: listing.exact ? 0 : BLUR_M,
    address: listing.address,
  };
}

function facts(listing) {
  const found = [policies[listing.policy].about];
  if (listing.notice_minutes) found.push(words.facts.notice(duration(listing.notice_minutes * MINUTE_MS)));
  if (listing.shortest_minutes > 30) found.push(words.facts.shortest(duration(listing.shortest_minutes * MINUTE_MS)));
  if (listing.longest_minutes < 30 * 1440) found.push(words.facts.longest(duration(listing.longest_minutes * MINUTE_MS)));
  if (listing.minimum_fen) found.push(words.facts.minimum(price(listing.minimum_fen)));
  const most = Math.max(...listing.surcharge_bp);
  if (most > 0) {
    const days = listing.surcharge_bp.map((bp, index) => (bp > 0 ? `周${WEEKDAYS[(index + 1) % 7]}` : "")).filter(Boolean);
    found.push(words.facts.surcharge(days.length === 7 ? words.everyDay : days.join("、"), most / 100));
  }
  if (listing.deposit_fen) found.push(words.facts.late);
  return found;
}

/** What is said of it, in the order and the words of its category; nothing until these are known. */
function attributes({ category, attributes: said = {} }, kinds) {
  const kind = (kinds || []).find(({ category: code }) => code === category);
  const known = ((kind && kind.attributes) || []).filter(({ name }) => said[name] !== undefined && said[name] !== false);
  return known.map((one) => ({ name: one.name, label: one.label, value: attributeText(one, said[one.name]) }));
}

function attributeText({ type, unit, choices }, value) {
  if (type === "flag") return common.yes;
  if (type === "number") return `${value} ${unit}`;
  const choice = type === "choice" && choices.find(({ value: code }) => code === value);
  return choice ? choice.label : String(value);
}

function isPrice(fen) {
  return fen !== null && fen !== undefined;
}

module.exports = { LOCAL, present };
