// What the discover page shows: what a search has found, as the areas' topics have changed it since.
"use strict";

const { cardView, mapPrice } = require("../../lib/card");
const { boxAround, cellsOf, distanceM } = require("../../lib/geo");
const { dayName, moment } = require("../../lib/time");
const { MOST_CELLS } = require("../../lib/viewport");
const { photoUrl, topics: names } = require("../../services/listings");
const { card: cardWords, categories, discover: words } = require("../../strings");

/** A cell tells of so many listings, the newest: where there are more, one that it does not name may be there all the same. */
const MOST_IN_CELL = 200;

/** The list's news are of what is near; farther away is the map's. */
const NEAR_M = 5000;

/** Pins that a map can show and a person can tell apart. */
const MOST_PINS = 60;

const LOCAL = {
  mode: "list", near: null, mine: null, box: null, picture: null, chosen: "", centerOn: null,
  category: "", typed: "", text: "", sort: "match", radiusM: 5000, leastFen: null, mostFen: null, free: null,
  hits: null, next: null, candidates: 0, loading: false, refusal: null, known: null, open: true, lost: false,
  sheet: null,
}; // prettier-ignore

/** The map has a Viewport for it. */
function topics({ mode, near, radiusM }) {
  const cells = (mode === "list" && near && cellsOf(boxAround(near, Math.min(radiusM, NEAR_M)), MOST_CELLS)) || [];
  const watched = {};
  for (const cell of cells) Object.assign(watched, { [`area ${cell}`]: names.area(cell), [`holds ${cell}`]: names.holds(cell) });
  return watched;
}

/** What the topics of one kind say. */
function valuesOf(views, kind) {
  return Object.keys(views).filter((name) => name.startsWith(kind) && views[name] && views[name].value).map((name) => views[name].value);
}

/** What somebody is about to order. */
function wantedOf(views) {
  const held = valuesOf(views, "holds").map((holds) => holds.map(({ listing_id: id }) => id));
  return new Set([].concat(...held));
}

/** All that the areas know, by listing: the newest of each. That one is gone from a cell says nothing of it where another has it. */
function cardsOf(views) {
  const cards = {};
  for (const found of valuesOf(views, "area")) {
    for (const id of Object.keys(found)) {
      const [known, card] = [cards[id], found[id]];
      if (!known || known.status === "gone" || (card.status !== "gone" && known.version < card.version)) cards[id] = card;
    }
  }
  return cards;
}

function present(views, local, nowMs) {
  const inMap = local.mode === "map";
  const live = inMap ? (local.picture && local.picture.cards) || {} : cardsOf(views);
  const hits = local.hits || [];
  const shown = hits.map((hit) => newest(hit, live)).filter(({ listing }) => !inMap || isThere(listing, live, local.picture));
  const pins = inMap ? pinsOf(shown, live, local) : [];
  const wanted = wantedOf(views);
  const chosen = inMap && local.chosen ? chosenCard(local, shown, live) : null;
  return {
    mode: local.mode,
    typed: local.typed,
    categories: [{ code: "", label: words.all }, ...Object.keys(categories).map((code) => ({ code, label: categories[code] }))].map((one) => ({
      ...one, on: one.code === local.category,
    })), // prettier-ignore
    sorts: Object.keys(words.sorts).map((code) => ({ code, label: words.sorts[code], on: code === local.sort })),
    filters: filterCount(local),
    state: stateOf(local),
    cards: inMap ? [] : shown.map(({ listing, distance_m: distanceM, why }) => cardView(listing, { words: cardWords, photoUrl, distanceM, why, wanted: wanted.has(listing.listing_id) })),
    nothing: nothingOf(local),
    lost: local.lost,
    end: local.loading ? words.loading : local.next ? words.more : words.end,
    isTold: Object.keys(views).length > 0 && Object.keys(views).every((cell) => views[cell] && views[cell].status !== "waiting"),
    fresh: inMap ? 0 : freshCount(hits, live, local),
    center: local.centerOn || local.near || { lat: 31.2304, lng: 121.4737 },
    pins,
    chosen: chosen ? chosen.id : "",
    chosenCard: chosen,
    mapHint: inMap ? mapHint(local, pins) : "",
    sheet: local.sheet && sheetView(local.sheet, nowMs),
  };
}

function newest(hit, live) {
  const card = live[hit.listing.listing_id];
  return card && card.version >= hit.listing.version ? { ...hit, listing: { ...hit.listing, ...card } } : hit;
}

/** Whether something that was found is still on the map, as far as the map's cells can tell. */
function isThere({ listing_id: id }, live, picture) {
  return !picture || !picture.settled || picture.wide || id in live || Object.keys(live).length >= MOST_IN_CELL;
}

function stateOf({ hits, refusal }) {
  if (hits === null) return refusal ? "error" : "loading";
  return hits.length ? "ready" : "empty";
}

/** What is said where there is nothing, and what may be done about it. */
function nothingOf(local) {
  if (local.hits === null) return { icon: "", title: "", hint: local.refusal || "", action: words.retry, does: "find" };
  if (!local.open) return { icon: "pin", title: words.closedTitle, hint: words.closedHint, action: words.closedAction, does: "choosePlace" };
  const narrowed = Boolean(local.category || local.text || filterCount(local));
  const way = narrowed ? { hint: words.emptyHint, action: words.emptyAction, does: "clearAll" } : { hint: words.emptyNear, action: words.widen, does: "widen" };
  return { icon: "search", title: words.emptyTitle, ...way };
}

/** Whether a card that a topic brought is one of those that are looked for; what only the server can tell is left to it. */
function isWanted(card, { category, text, free, leastFen, mostFen }) {
  if (text || free) return false;
  if (category && card.category !== category) return false;
  const day = card.price_day_fen;
  if (leastFen !== null && !(day >= leastFen)) return false;
  return mostFen === null || (day !== null && day !== undefined && day <= mostFen);
}

/** What was found, and what the areas have beside it. */
function pinsOf(shown, live, local) {
  const found = new Map(shown.map(({ listing }) => [listing.listing_id, listing]));
  for (const id of Object.keys(live)) if (!found.has(id) && isWanted(live[id], local)) found.set(id, live[id]);
  const { box } = local;
  return [...found.values()]
    .filter((card) => card.status === "live" && (!box || isWithin(card, box)))
    .slice(0, MOST_PINS)
    .map((card) => ({ id: card.listing_id, lat: card.lat, lng: card.lng, text: mapPrice(card), state: card.state || "free" }));
}

function isWithin({ lat, lng }, { south, west, north, east }) {
  return lat >= south && lat <= north && lng >= west && lng <= east;
}

function chosenCard(local, shown, live) {
  const hit = shown.find(({ listing }) => listing.listing_id === local.chosen);
  const card = live[local.chosen] || (hit && hit.listing);
  if (!card || card.status !== "live") return null;
  const metres = hit ? hit.distance_m : local.mine ? distanceM(local.mine, card) : undefined;
  return cardView(hit ? { ...hit.listing, ...card } : card, { words: cardWords, photoUrl, distanceM: metres, why: hit && hit.why });
}

/** Those that have come since what was `known` at the search, and would have been among its results. */
function freshCount(hits, live, local) {
  if (!local.hits || !local.near || !local.known || !local.open) return 0;
  const known = new Set(hits.map(({ listing }) => listing.listing_id));
  return Object.keys(live).filter((id) => {
    const card = live[id];
    return (
      card.status === "live" && !known.has(id) && !local.known.includes(id) && isWanted(card, local) && distanceM(local.near, card) <= local.radiusM
    );
  }).length;
}

function mapHint(local, pins) {
  if (local.picture && local.picture.wide) return words.far;
  if (local.hits === null) return "";
  if (!local.open) return words.closedTitle;
  return pins.length ? words.count(pins.length) : words.noneHere;
}

function filterCount({ leastFen, mostFen, free, radiusM }) {
  return Number(leastFen !== null || mostFen !== null) + Number(free !== null) + Number(radiusM !== LOCAL.radiusM);
}

function sheetView(sheet, nowMs) {
  return {
    ...sheet,
    dayText: sheet.day ? dayName(sheet.dayMs, nowMs) : words.sheet.anyTime,
    lengths: words.sheet.lengths.map(([label, hours]) => ({ label, hours, on: hours === sheet.hours })),
    radii: words.sheet.radii.map(([label, metres]) => ({ label, metres, on: metres === sheet.radiusM })),
    summary: sheet.day ? moment(sheet.dayMs + sheet.hour * 3600000, nowMs) : "",
  };
}

module.exports = { LOCAL, topics, present, cardsOf, isWanted };
