// Offering something, as its owner: api/listings.py. A draft lies on this phone, and on the server as soon as it can.
"use strict";

const { load, save, drop } = require("../platform/storage");
const { newKey } = require("../lib/key");
const form = require("../lib/publish-form");
const { photoUrl } = require("./listings");
const live = require("./live");
const session = require("./session");
const { rest } = require("./rest");

const KEPT = "publish";
const PAGE = 20;

/** So many of one's own that have changed on the way are tried again: a review may end while one writes. */
const TRIES = 3;

session.onUser((user, before) => {
  if (before && before.user_id !== user.user_id) drop(KEPT);
});

let categories = null;

/** @returns {Promise<Array<{category: string, label: string, attributes: object[]}>>} */
async function kinds() {
  if (!categories) categories = (await rest({ path: "/v1/listings/categories" })).categories;
  return categories;
}

/** What others ask hereabouts. */
function prices(category, { lat, lng }) {
  return rest({ path: "/v1/listings/prices", query: { category, lat, lng } });
}

/** @returns {Promise<{listings: object[], next: string | null}>} one's own, newest first */
function mine(before) {
  return rest({ path: "/v1/listings/mine", query: { before, limit: PAGE } });
}

/** @param {"pause" | "resume" | "close" | "withdraw"} what */
function move(listing, what) {
  return live.command(`listings.${what}`, { listing_id: listing.listing_id, version: listing.version });
}

// --- the draft ---

/** @returns {import("../lib/publish-form").Form} as it was left */
function draft() {
  const kept = load(KEPT);
  return kept ? { ...form.blank(), ...kept } : form.blank();
}

function keep(state) {
  save(KEPT, state);
}

function forget() {
  drop(KEPT);
}

/** @returns {Promise<object>} ListingView, one's own */
function one(listingId) {
  return rest({ path: `/v1/listings/${listingId}` });
}

/** Go on with one that is on the server: a draft, or something that is offered. */
function reopen(listing) {
  const state = form.fromListing(listing, photoUrl);
  keep(state);
  return state;
}

/** Offer anew what is no longer offered: another listing, filled in alike. */
function copy(listing) {
  keep({ ...form.fromListing(listing, photoUrl), listing_id: "", version: 0, status: "", note: "", key: newKey() });
}

/**
 * Put it on the server as far as it is known.
 * @returns {Promise<{listing_id: string, version: number}>} what the next saving needs
 */
async function store(state) {
  const body = form.body(state);
  if (!state.listing_id) {
    const made = await live.command("listings.draft", body, { key: state.key || newKey(), lane: "publish" });
    return { listing_id: made.listing_id, version: made.version };
  }
  for (let left = TRIES, { version } = state; ; left -= 1) {
    try {
      const edited = await live.command("listings.edit", { ...body, drop_prices: form.dropped(state), listing_id: state.listing_id, version });
      return { listing_id: edited.listing_id, version: edited.version };
    } catch (refusal) {
      if (refusal.code !== "version_conflict" || left === 1) throw refusal;
      version = refusal.data.version;
    }
  }
}

/**
 * Save, and have people see it. What the server has no draft of goes there in one step.
 * @returns {Promise<object>} ListingView
 */
async function submit(state) {
  if (!state.listing_id) return live.command("listings.publish", form.body(state), { key: `${state.key}-p`, lane: "publish" });
  const { listing_id, version } = await store(state);
  if (!["", "draft", "rejected"].includes(state.status)) return rest({ path: `/v1/listings/${listing_id}`, query: { seen: version } });
  return live.command("listings.submit", { listing_id, version });
}

module.exports = { kinds, prices, mine, one, move, draft, keep, forget, reopen, copy, store, submit };
