// REST: one request until it is answered, under one key, with the token that is good at the moment.
"use strict";

const config = require("../platform/config");
const { request } = require("../platform/request");
const { Backoff } = require("../lib/backoff");
const { newKey } = require("../lib/key");
const { Refusal } = require("../lib/protocol");

/** How long a request is repeated before its caller is told. Milliseconds. */
const PATIENCE_MS = 12000;

/**
 * @typedef {object} Question
 * @property {"GET" | "POST" | "PATCH"} [method]
 * @property {string} path
 * @property {object} [query]  what is null or undefined is left out; a list is repeated by commas
 * @property {object | ArrayBuffer} [body]  JSON, or bytes as they are
 * @property {string} [key]  idempotency key; left out: a new one
 * @property {number} [patienceMs]
 */

/**
 * Ask, and ask again while it may help. The promise is the answer's body, or a Refusal.
 * @param {Question & {token: (how: {fresh: boolean}) => Promise<string | null>}} question  `token` null: ask as nobody
 * @returns {Promise<any>}
 */
async function ask({ method = "GET", path, query, body, key = newKey(), patienceMs = PATIENCE_MS, token }) {
  const untilMs = Date.now() + patienceMs;
  const backoff = new Backoff({ first: 200, most: 3000, least: 0.5, random: Math.random });
  const url = `${config.api}${path}${queryText(query)}`;
  let fresh = false;
  for (;;) {
    const bearer = await token({ fresh });
    const refusal = await once({ url, method, body, key, bearer });
    if (!(refusal instanceof Refusal)) return refusal;
    const mayRenew = refusal.code === "token_expired" && bearer !== null && !fresh;
    if (!mayRenew && (!refusal.retryable || Date.now() > untilMs)) throw refusal;
    fresh = mayRenew;
    if (!mayRenew) await pause(backoff.next());
  }
}

async function once({ url, method, body, key, bearer }) {
  const header = { "Idempotency-Key": key };
  if (body !== undefined) header["Content-Type"] = body.byteLength === undefined ? "application/json" : "application/octet-stream";
  if (bearer !== null) header.Authorization = `Bearer ${bearer}`;
  let answer;
  try {
    answer = await request({ url, method, data: body, header });
  } catch (error) {
    return new Refusal({ code: "network", message: String(error.message), retryable: true, unknown: true });
  }
  if (answer.status < 400) return answer.body;
  const error = answer.body && answer.body.error;
  return new Refusal(error && error.code ? error : { code: answer.status >= 500 ? "unavailable" : "invalid", retryable: answer.status >= 500 });
}

function queryText(query = {}) {
  const pairs = Object.keys(query)
    .filter((name) => query[name] !== null && query[name] !== undefined && query[name] !== "")
    .map((name) => `${name}=${encodeURIComponent(query[name])}`);
  return pairs.length ? `?${pairs.join("&")}` : "";
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

module.exports = { ask };
