// What is offered: searching, looking.
"use strict";

const config = require("../platform/config");
const live = require("./live");
const session = require("./session");
const { rest } = require("./rest");

/** The topics of a listing, of what is around, and of what around is about to be ordered. */
const topics = {
  listing: (id) => `listing:${id}`,
  area: (cell) => `area:${cell}`,
  holds: (cell) => `holds:${cell}`,
};

/**
 * @typedef {object} Search
 * @property {{lat: number, lng: number}} [near]
 * @property {number} [radiusM]
 * @property {{south: number, west: number, north: number, east: number}} [box]
 * @property {string} [category]
 * @property {string} [text]
 * @property {number} [leastFen]  of a day's price
 * @property {number} [mostFen]
 * @property {{startMs: number, endMs: number, seats: number}} [free]  only what can be booked then
 * @property {"match" | "distance" | "price" | "rating"} [sort]
 * @property {string} [cursor]  `next` of the page before
 * @property {number} [limit]
 */

/**
 * @param {Search} wanted
 * @returns {Promise<{hits: object[], next: string | null, candidates: number, region_live: boolean}>}  not live: the city is not open yet
 */
function search({ near, radiusM, box, category, text, leastFen, mostFen, free, sort, cursor, limit = 20 }) {
  return rest({
    path: "/v1/listings",
    query: {
      ...(near && { lat: near.lat.toFixed(6), lng: near.lng.toFixed(6) }),
      ...(box && { south: box.south.toFixed(6), west: box.west.toFixed(6), north: box.north.toFixed(6), east: box.east.toFixed(6) }),
      ...(free && { start_ms: free.startMs, end_ms: free.endMs, seats: free.seats }),
      radius_m: box ? null : radiusM,
      personal: session.user && session.user.personal === false ? false : null, category, text, sort, cursor, limit,
      min_price_day_fen: leastFen, max_price_day_fen: mostFen,
    }, // prettier-ignore
  });
}

/** Somebody looks at it: for its owner's numbers, so that no harm is done when it gets lost. */
function opened(id) {
  live.command("listings.open", { listing_id: id }, { lane: null, deadlineMs: 10000, retry: false }).catch(() => {});
}

/** A photo's address; listings have keys of our own store, or addresses. */
function photoUrl(photo) {
  if (!photo) return "";
  return /^https?:/.test(photo) ? photo : `${config.api}/v1/objects/${photo}`;
}

module.exports = { topics, search, opened, photoUrl };
