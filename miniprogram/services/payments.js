// What is owed: paying, and where every fen of an order is.
"use strict";

const wechat = require("../platform/wechat");
const live = require("./live");
const { rest } = require("./rest");

/**
 * Pay for an order at WeChat. What the order then is comes by its topic.
 * @param {string} orderId
 * @param {object} [more]  what else is to be paid, as an extension
 * @returns {Promise<"paid" | "cancelled" | "failed">}
 */
async function pay(orderId, more = {}) {
  const { status, params } = await live.command("payments.prepay", { order_id: orderId, ...more }, { deadlineMs: 20000 });
  return status === "paid" || params === null ? "paid" : wechat.pay(params);
}

/** Each party's own side: what was paid and came back, or what is due. */
function ofOrder(orderId) {
  return rest({ path: `/v1/payments/orders/${orderId}` });
}

/** Every fen, for both parties. */
function statement(orderId) {
  return rest({ path: `/v1/payments/orders/${orderId}/statement` });
}

module.exports = { pay, ofOrder, statement };
