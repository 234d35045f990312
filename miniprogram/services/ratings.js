// What people think of one another: api/ratings.py.
"use strict";

const live = require("./live");
const { rest } = require("./rest");

const PAGE = 20;

/** @returns {Promise<object>} OrderRatingsView: one's own rating, and the other's once it is revealed */
function ofOrder(orderId) {
  return rest({ path: `/v1/ratings/orders/${orderId}` });
}

/** @returns {Promise<{ratings: object[], next: string | null}>} what has been revealed about somebody, newest first */
function ofUser(userId, before) {
  return rest({ path: `/v1/ratings/users/${userId}`, query: { before, limit: PAGE } });
}

/** @returns {Promise<{credit_centistars: number, ratings: number}>} */
function credit(userId) {
  return rest({ path: `/v1/ratings/users/${userId}/credit` });
}

/**
 * @param {string} orderId
 * @param {{punctuality: number, condition: number, communication: number, comment: string}} rating
 */
function rate(orderId, rating) {
  return live.command("ratings.rate", { order_id: orderId, ...rating });
}

module.exports = { ofOrder, ofUser, credit, rate };
