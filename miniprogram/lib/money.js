// Money is integer fen everywhere; people read yuan.
"use strict";

/**
 * 1234567 -> "12,345.67"; whole yuan have no decimals: 1200 -> "12".
 * @param {number} fen
 * @returns {string}
 */
function yuan(fen) {
  const sign = fen < 0 ? "-" : "";
  const whole = Math.floor(Math.abs(fen) / 100);
  const rest = Math.abs(fen) % 100;
  const grouped = String(whole).replace(/\B(?=(\d{3})+$)/g, ",");
  return `${sign}${grouped}${rest ? `.${String(rest).padStart(2, "0")}` : ""}`;
}

/**
 * With the sign of the currency: -5 -> "-¥0.05".
 * @param {number} fen
 */
function price(fen) {
  return fen < 0 ? `-¥${yuan(-fen)}` : `¥${yuan(fen)}`;
}

/**
 * For small places, as on a map: 1234567 -> "¥1.2万". Never more than it is.
 * @param {number} fen
 */
function shortPrice(fen) {
  const yuans = Math.floor(fen / 100);
  if (yuans < 10000) return `¥${yuans}${fen % 100 && yuans < 100 ? `.${String(fen % 100).padStart(2, "0")}` : ""}`;
  return `¥${(Math.floor(yuans / 1000) / 10).toString()}万`;
}

/**
 * What somebody typed, in fen; null when it is no amount. "12.5" -> 1250. Full-width digits are digits.
 * @param {string} text
 * @returns {number | null}
 */
function parseYuan(text) {
  const plain = text.trim().replace(/[０-９．]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0)).replace(/[,，¥￥\s]/g, "");
  const match = /^(\d{1,7})(?:\.(\d{0,2}))?$/.exec(plain);
  return match ? Number(match[1]) * 100 + Number((match[2] || "").padEnd(2, "0")) : null;
}

module.exports = { yuan, price, shortPrice, parseYuan };
