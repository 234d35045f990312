// A listing's card as it is drawn: from the wire's card and, if it was found by a search, why it is there.
"use strict";

const { distanceText } = require("./geo");
const { price, shortPrice } = require("./money");

const UNITS = [
  ["price_day_fen", "天"],
  ["price_hour_fen", "小时"],
  ["price_week_fen", "周"],
];

/** Stars of fewer ratings say little. */
const FEW = 3;

/** All prices of a listing, the one to be shown first in front: [{amount, unit}]. */
function prices(listing) {
  return UNITS.filter(([field]) => isPrice(listing[field])).map(([field, unit]) => ({ amount: price(listing[field]), unit }));
}

/** "4.7", or "" while there are none. */
function stars(centistars, ratings) {
  return ratings > 0 ? (centistars / 100).toFixed(1) : "";
}

/**
 * @param {object} card  ListingCard or ListingView
 * @param {{words: object, photoUrl: (photo: string) => string, distanceM?: number, why?: object, wanted?: boolean}} options
 *   `words`: strings.card; `wanted`: somebody is about to order it
 */
function cardView(card, { words, photoUrl, distanceM, why, wanted = false }) {
  const [first, second] = prices(card);
  const known = card.status !== "live" ? "off" : card.state || "free";
  const state = known === "free" && wanted ? "wanted" : known;
  return {
    id: card.listing_id,
    title: card.title,
    category: card.category,
    photo: photoUrl(card.photo || (card.photos && card.photos[0]) || ""),
    amount: first ? first.amount : "",
    unit: first ? `/${first.unit}` : "",
    also: second ? `${second.amount}/${second.unit}` : "",
    deposit: card.deposit_fen ? (card.waives_deposit ? words.depositMayBeWaived : words.deposit(price(card.deposit_fen))) : words.noDeposit,
    waives: Boolean(card.deposit_fen && card.waives_deposit),
    stars: stars(card.rating_centistars, card.ratings),
    ratings: card.ratings,
    distance: distanceM === undefined ? "" : distanceText(distanceM),
    state,
    stateText: state === "free" ? "" : words.states[state] || "",
    reasons: why ? reasons(why, words) : [],
  };
}

/** What speaks for a result, at most two short words. */
function reasons(why, words) {
  const found = [];
  if (why.is_new) found.push(words.isNew);
  if (why.price_percent !== null && why.price_percent !== undefined && why.price_percent <= -5) found.push(words.cheaper(-why.price_percent));
  if (why.ratings >= FEW && why.rating_centistars >= 460) found.push(words.liked);
  return found.slice(0, 2);
}

/** The one price that fits on a map. */
function mapPrice(card) {
  const found = UNITS.find(([field]) => isPrice(card[field]));
  return found ? `${shortPrice(card[found[0]])}/${found[1] === "小时" ? "时" : found[1]}` : "";
}

function isPrice(fen) {
  return fen !== null && fen !== undefined;
}

module.exports = { cardView, mapPrice, prices, stars };
