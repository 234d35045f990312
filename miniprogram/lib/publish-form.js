// What somebody fills in to offer something, and what of it goes to the server.
"use strict";

const { parseYuan, yuan } = require("./money");
const { planOf, hoursOf, said } = require("./plan");

const STEPS = ["what", "photos", "place", "times", "price", "review"];

/** Minutes; by the names of the choices. */
const NOTICES = [0, 60, 720, 1440, 2880];
const BUFFERS = [0, 30, 60, 240, 1440];

/**
 * @typedef {object} Form  Texts as typed.
 * @property {string} listing_id  "" until the server has it
 * @property {string} status  of the listing on the server
 * @property {string} note  why it was rejected
 */

/** @returns {Form} */
function blank() {
  return {
    listing_id: "", version: 0, status: "", note: "", key: "", step: 0,
    category: "", title: "", description: "", attributes: {},
    photos: [],
    lat: null, lng: null, place: "", address: "",
    days: [true, true, true, true, true, true, true], allDay: false, from: "08:00", to: "22:00", closed: [], plan: null,
    hour: "", day: "", week: "", weekend: false, deposit: "", waives: true, policy: "flexible", booking: "instant", capacity: 1, notice: 0, buffer: 0,
  }; // prettier-ignore
}

/** The step at which something is missing first, and what: name -> a word for what. */
function faults(form, step, attributes = []) {
  const found = {};
  const need = (name, right, what) => {
    if (!right) found[name] = what;
  };
  const amounts = ["hour", "day", "week"].filter((unit) => form[unit].trim());
  switch (STEPS[step]) {
    case "what":
      need("category", form.category, "category");
      need("title", form.title.trim().length >= 2, "title");
      for (const { name, required } of attributes) need(`attribute ${name}`, !required || form.attributes[name] !== undefined, "attribute");
      break;
    case "place":
      need("place", form.lat !== null, "place");
      break;
    case "times":
      need("days", form.plan || form.days.some(Boolean), "days");
      break;
    case "price":
      need("price", amounts.length, "price");
      for (const unit of amounts) need(unit, parseYuan(form[unit]) > 0, "amount");
      need("deposit", !form.deposit.trim() || parseYuan(form.deposit) !== null, "amount");
      break;
    default:
  }
  return found;
}

/** The first step with a fault; STEPS.length when there is none. */
function firstFault(form, attributes) {
  const at = STEPS.findIndex((_, step) => Object.keys(faults(form, step, attributes)).length > 0);
  return at < 0 ? STEPS.length : at;
}

/** Whether the server can have a draft of it. */
function storable(form) {
  return Boolean(form.category) && form.lat !== null;
}

function fen(text) {
  const amount = text.trim() ? parseYuan(text) : null;
  return amount === null || amount === 0 ? undefined : amount;
}

/** What the server is told: fields of listings.draft and listings.edit. */
function body(form) {
  const weekend = form.weekend ? 2000 : 0;
  const prices = { price_hour_fen: fen(form.hour), price_day_fen: fen(form.day), price_week_fen: fen(form.week) };
  return {
    category: form.category, title: form.title.trim(), description: form.description.trim(), attributes: form.attributes,
    photos: form.photos.map(({ key }) => key), lat: form.lat, lng: form.lng, address: form.address.trim(),
    plan: form.plan || planOf(form), ...prices, surcharge_bp: [0, 0, 0, 0, 0, weekend, weekend],
    deposit_fen: fen(form.deposit) || 0, waives_deposit: form.waives, policy: form.policy, booking: form.booking, capacity: form.capacity,
    notice_minutes: form.notice, buffer_minutes: form.buffer,
  }; // prettier-ignore
}

/** Prices that are no longer asked: what the form leaves out of its body would stay as it was. */
function dropped(form) {
  return ["hour", "day", "week"].filter((unit) => fen(form[unit]) === undefined);
}

/** Whether anything has been filled in that is worth going on with. */
function begun(form) {
  return Boolean(form.category || form.title.trim() || form.description.trim() || form.photos.length);
}

/**
 * The form of something that the server has, at the first step that lacks something, or at the last: there everything can be changed. A wording that waits to be looked at is what its owner wrote last.
 * @param {object} listing  ListingView, its owner's
 * @param {(key: string) => string} url  of a photo
 */
function fromListing(listing, url = (key) => key) {
  const wording = listing.pending || listing;
  const hours = hoursOf(listing.plan);
  const form = {
    ...blank(),
    listing_id: listing.listing_id, version: listing.version, status: listing.status, note: listing.review_note,
    category: wording.category, title: wording.title, description: wording.description, attributes: wording.attributes || {},
    photos: wording.photos.map((key) => ({ key, url: url(key) })),
    lat: listing.lat, lng: listing.lng, address: listing.address, place: listing.address,
    ...(hours || {}), plan: hours ? null : listing.plan,
    hour: text(listing.price_hour_fen), day: text(listing.price_day_fen), week: text(listing.price_week_fen),
    weekend: listing.surcharge_bp[5] > 0, deposit: listing.deposit_fen ? text(listing.deposit_fen) : "", waives: listing.waives_deposit,
    policy: listing.policy, booking: listing.booking, capacity: listing.capacity, notice: listing.notice_minutes, buffer: listing.buffer_minutes,
  }; // prettier-ignore
  return { ...form, step: Math.min(firstFault(form), STEPS.length - 1) };
}

function text(amount) {
  return amount === null ? "" : yuan(amount).replace(/,/g, "");
}

/** When it can be had, in words. */
function when(form) {
  return form.plan ? "" : said(form);
}

module.exports = { STEPS, NOTICES, BUFFERS, blank, begun, faults, firstFault, storable, body, dropped, fromListing, when };
