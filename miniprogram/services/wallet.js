// What one has earned, and where it goes: api/payments.py.
"use strict";

const { readFile } = require("../platform/files");
const { pictureType } = require("../lib/picture");
const { Refusal } = require("../lib/protocol");
const live = require("./live");
const { rest } = require("./rest");

const PAGE = 30;

/** @returns {Promise<{due_fen: number, earned_fen: number, released_fen: number, lines: object[], before: string | null}>} */
function balance(before) {
  return rest({ path: "/v1/payments/balance", query: { before, limit: PAGE } });
}

/** @returns {Promise<{status: "none" | "sending" | "applied" | "finished" | "rejected", sign_url: string, reason: string}>} */
function onboarding() {
  return rest({ path: "/v1/payments/onboarding" });
}

/** WeChat takes no larger ones for an application. Bytes. */
const MOST_BYTES = 2 * 1024 * 1024;

/** A picture for the application goes through the server to WeChat. @returns {Promise<string>} its id there */
async function picture(path) {
  const data = await readFile(path).catch(() => {
    throw new Refusal({ code: "photo_gone" });
  });
  if (!["image/jpeg", "image/png"].includes(pictureType(data))) throw new Refusal({ code: "photo_type" });
  if (data.byteLength > MOST_BYTES) throw new Refusal({ code: "picture_large" });
  return (await rest({ method: "POST", path: "/v1/payments/pictures", body: data })).media_id;
}

/**
 * Apply at WeChat to be paid. What is applied with is passed on and kept nowhere, on this phone neither.
 * @param {object} application  payments.onboard
 */
function onboard(application) {
  return live.command("payments.onboard", application, { lane: "onboarding" });
}

module.exports = { picture, balance, onboarding, onboard };
