// Who people are, and what they choose: api/users.py.
"use strict";

const live = require("./live");
const session = require("./session");
const { rest } = require("./rest");

/** @returns {Promise<object>} MeView, as of now */
async function me() {
  const user = await rest({ path: "/v1/me" });
  session.changed(user);
  return user;
}

const known = new Map();

/** @returns {Promise<{user_id: string, nickname: string, avatar_url: string}>} what everybody may see of somebody */
function profile(userId) {
  if (!known.has(userId)) {
    const asked = rest({ path: `/v1/users/${userId}` });
    known.set(userId, asked);
    asked.catch(() => known.delete(userId));
  }
  return known.get(userId);
}

/** So many are asked for at once: WeChat allows ten requests, and others want some. */
const AT_ONCE = 4;

/** Those of several who can be had. */
async function several(ids) {
  const met = [];
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const answers = await Promise.all(ids.slice(at, at + AT_ONCE).map((id) => profile(id).catch(() => null)));
    met.push(...answers.filter((one) => one !== null));
  }
  return met;
}

/**
 * Change one's profile or choices. What was changed on another device meanwhile is kept.
 * @param {{nickname?: string, avatar_url?: string, personal?: boolean, agreed?: string}} changes
 */
async function edit(changes) {
  const send = (version) => live.command("users.edit_profile", { version, ...changes }, { lane: "me" });
  const mine = session.user && session.user.version ? session.user : await me();
  let user;
  try {
    user = await send(mine.version);
  } catch (refusal) {
    if (refusal.code !== "version_conflict") throw refusal;
    user = await send(refusal.data.version);
  }
  session.changed(user);
  return user;
}

/** Delete the account, for good. Nothing of it is left on this phone. */
async function forget() {
  const { version } = await me();
  await rest({ method: "POST", path: "/v1/me/forget", body: { version } });
  session.end("forgotten");
}

async function logout() {
  await rest({ method: "POST", path: "/v1/logout", body: { everywhere: false } });
  session.end("logged_out");
}

module.exports = { me, profile, profiles: several, edit, forget, logout };
