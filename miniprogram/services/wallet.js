// What one has earned, and where it goes: api/payments.py.
"use strict";

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

/**
 * Apply at WeChat to be paid. What is applied with is passed on and kept nowhere, on this phone neither.
 * @param {object} application  payments.onboard
 */
function onboard(application) {
  return live.command("payments.onboard", application, { lane: "onboarding" });
}

module.exports = { balance, onboarding, onboard };
