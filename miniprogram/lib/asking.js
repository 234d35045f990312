// Which subscribe messages to ask for: WeChat shows its sheet for three at most, and each yes is good for one message.
"use strict";

const MOST = 3;

/** Who still has so many is not asked for more. */
const ENOUGH = 5;

/** A no holds so long; whoever changes their mind says so on the page of the choices. */
const QUIET_MS = 7 * 24 * 3600 * 1000;

/**
 * @typedef {object} Subscription  as the server has it
 * @property {string} kind
 * @property {string} template_id
 * @property {number} remaining
 * @property {boolean} wanted
 * @property {number} declined_ms
 */

/**
 * The templates to ask for in passing, after something was done: none that are switched off, refused of late, refused for good in WeChat, or
 * allowed often enough.
 * @param {string[]} kinds  what would be of use, the most useful first
 * @param {Subscription[]} subscriptions
 * @param {{on: boolean, kept: {[template: string]: string}}} settings  WeChat's own: see platform/wechat
 * @returns {Subscription[]}
 */
function toAsk(kinds, subscriptions, settings, nowMs) {
  return kinds
    .map((kind) => subscriptions.find((one) => one.kind === kind))
    .filter((one) => one && one.wanted && one.remaining < ENOUGH && one.declined_ms + QUIET_MS < nowMs && mayAsk(one, settings))
    .slice(0, MOST);
}

/** Whether WeChat would ask at all. */
function mayAsk({ template_id: template }, { on, kept }) {
  return on && (kept[template] === undefined || kept[template] === "accept");
}

/** What WeChat says of the templates, by kind. Those that it does not name were not asked about. */
function answersOf(asked, said) {
  return asked.filter(({ template_id: id }) => said[id]).map(({ kind, template_id: id }) => ({ kind, answer: said[id] }));
}

/** The list with some of it as it is now. */
function merged(subscriptions, changed) {
  return subscriptions.map((one) => changed.find(({ kind }) => kind === one.kind) || one);
}

module.exports = { toAsk, mayAsk, answersOf, merged };
