// Which part of a long conversation is drawn.
"use strict";

/** How many numbers of the log one piece spans: a long list of siblings makes a phone slow. */
const PIECE = 15;

/** Rows that are drawn at first, and at most: a phone draws no thousand nodes well. */
const FIRST = 30;
const MOST = 90;

/**
 * Rows in pieces, which stay as they are while lines come. Those that have no number yet are in none.
 * @param {Array<{seq: number}>} all
 * @returns {Array<{id: string, number: number, rows: object[]}>}
 */
function pieces(all) {
  const out = [];
  for (const row of all) {
    if (!row.seq) continue;
    const number = Math.floor(row.seq / PIECE);
    if (!out.length || out[out.length - 1].number !== number) out.push({ id: `p${number}`, number, rows: [] });
    out[out.length - 1].rows.push(row);
  }
  return out;
}

/**
 * Which pieces are drawn.
 * @typedef {object} Window
 * @property {number | null} from  null: not known yet
 * @property {number | null} to  null: to the end, whatever comes
 */

function within(all, { from, to }) {
  return all.filter(({ number }) => from !== null && number >= from && (to === null || number <= to));
}

/**
 * The window as it is to be now that the lines are these. It moves by many rows at once and seldom: all that it moves over is drawn anew.
 * @param {boolean} follows  the reader is at the end
 * @returns {Window}
 */
function settled(all, window, follows) {
  const count = rowsIn(within(all, window));
  if (window.to !== null || (count >= FIRST && count <= MOST)) return window;
  if (count > MOST && !follows) return { from: window.from, to: reach(all, window.from, MOST) };
  return { from: reachBack(all, null, FIRST), to: null };
}

/** The window, some rows up. */
function earlier(all, { from, to }) {
  const before = reachBack(all, from, FIRST);
  const wide = { from: before, to };
  return rowsIn(within(all, wide)) > MOST ? { from: before, to: reach(all, before, MOST) } : wide;
}

/** The window, some rows down. */
function later(all, { from, to }) {
  const last = reach(all, to + 1, FIRST);
  const end = all.length && all[all.length - 1].number <= last ? null : last;
  const wide = { from, to: end };
  return rowsIn(within(all, wide)) > MOST ? { from: reachBack(all, end === null ? null : end + 1, MOST - PIECE), to: end } : wide;
}

function rowsIn(some) {
  return some.reduce((sum, { rows: own }) => sum + own.length, 0);
}

/** The last piece from `from` on, so that there are about so many rows. */
function reach(all, from, most) {
  let count = 0;
  let last = from;
  for (const { number, rows: own } of all) {
    if (number < from) continue;
    count += own.length;
    if (count > most && last !== from) break;
    last = number;
  }
  return last;
}

/** The first piece before `end` (null: the end), so that there are at least so many rows, as far as there are. */
function reachBack(all, end, least) {
  let count = 0;
  let first = end;
  for (const { number, rows: own } of [...all].reverse()) {
    if (end !== null && number >= end) continue;
    if (count >= least) break;
    count += own.length;
    first = number;
  }
  return first;
}

module.exports = { pieces, within, settled, earlier, later };
