// Asking for subscribe messages: prepared while a page opens, since WeChat shows its sheet only in a tap's own turn or right after a payment.
"use strict";

const wechat = require("../platform/wechat");
const live = require("./live");
const notices = require("./notices");
const session = require("./session");
const { answersOf, merged, toAsk } = require("../lib/asking");

/** What is of use to whom, the most useful first. */
const RENTING = ["progress", "reminder", "chat"];
const OFFERING = ["booking", "chat", "reminder"];

const nothing = { whose: "", subscriptions: [], settings: { on: true, kept: {} } };
let known = nothing;

/** The last answer that the server is being told of. */
let telling = Promise.resolve();

/** Know what to ask for. Nobody waits for it: whoever cannot be asked is not. */
function prepare() {
  load().catch(() => {});
}

/** @returns {Promise<{subscriptions: object[], settings: object}>} or a Refusal */
async function load() {
  const last = telling;
  await last;
  const [{ subscriptions }, settings] = await Promise.all([notices.subscriptions(), wechat.notifySettings()]);
  if (telling !== last) return load(); // the list is from before what was said meanwhile
  known = { whose: session.user ? session.user.user_id : "", subscriptions, settings };
  return known;
}

/** Ask for what is of use and may be asked for; to be called in a tap's turn, or right after a payment. Never fails. */
function offer(kinds) {
  if (!session.user || known.whose !== session.user.user_id) return Promise.resolve();
  return ask(toAsk(kinds, known.subscriptions, known.settings, live.now())).catch(() => {});
}

/**
 * Ask for these, and tell the server what was said.
 * @param {object[]} wanted  of the list
 * @returns {Promise<object[]>} the list as it is then, or a Refusal
 */
async function ask(wanted) {
  if (!wanted.length) return known.subscriptions;
  const answers = answersOf(wanted, await wechat.askToNotify(wanted.map(({ template_id: id }) => id)));
  if (answers.length) await told(answers);
  known = { ...known, settings: await wechat.notifySettings() };
  return known.subscriptions;
}

function told(answers) {
  const outcome = notices.allow(answers).then(({ subscriptions }) => take(subscriptions));
  telling = outcome.catch(() => {});
  return outcome;
}

/** @returns {Promise<object[]>} the list as it is then, or a Refusal */
async function want(kind, wanted) {
  take([await notices.want(kind, wanted)]);
  return known.subscriptions;
}

function take(changed) {
  known = { ...known, subscriptions: merged(known.subscriptions, changed) };
}

module.exports = { RENTING, OFFERING, prepare, load, offer, ask, want, settings: () => known.settings };
