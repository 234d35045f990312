// A price, line by line, as it is drawn: of a quote, of an order, of an extension.
"use strict";

const { price } = require("./money");

/**
 * @param {{lines: object[], rent_fen: number, deposit_fen: number, total_fen: number, discount_fen?: number, waived_fen?: number}} bill
 * @param {object} words  strings.bill
 * @returns {{lines: object[], total: string, notes: string[]}}
 */
function billView(bill, words) {
  const lines = bill.lines.map(({ code, quantity, unit_fen: unitFen, total_fen: totalFen }, index) => ({
    key: index,
    code,
    label: words.lines[code] || words.lines.other,
    detail: words.units[code] ? `${price(unitFen)} × ${quantity} ${words.units[code]}` : "",
    amount: price(totalFen),
    back: code === "deposit",
  }));
  const notes = [];
  if (bill.discount_fen > 0) notes.push(words.saved(price(bill.discount_fen)));
  if (bill.waived_fen > 0) notes.push(words.waived(price(bill.waived_fen)));
  return { lines, total: price(bill.total_fen), notes };
}

/**
 * What cancelling costs, as a staircase: "11月23日 14:00 前 · 全额退款".
 * @param {Array<{until_ms: number | null, kept_fen: number}>} steps
 * @param {(ms: number) => string} moment
 */
function cancellingView(steps, words, moment) {
  return steps.map(({ until_ms: untilMs, kept_fen: keptFen }, index) => ({
    when: untilMs === null ? (index ? words.later : words.always) : words.before(moment(untilMs)),
    cost: keptFen ? words.kept(price(keptFen)) : words.free,
    free: keptFen === 0,
  }));
}

module.exports = { billView, cancellingView };
