// When a listing can be booked: what its calendar offers, less what is taken. The same sums as the server's, so that a push of the
// calendar is all that is needed to draw it anew.
"use strict";

const { DAY_MS, MINUTE_MS, dayKey, dayStart, parts } = require("./time");

/** The server forgives a start that is so late: thumbs are slow. */
const LATE_MS = 10 * MINUTE_MS;

/** @typedef {[number, number]} Period  [start_ms, end_ms) */

/**
 * Stretches in which so many seats can be booked now, ascending: any use inside of one that is neither too short nor too long.
 * @param {object} calendar  the payload of `calendar:ID`; its plan is read by the clocks of China
 * @param {Period} within
 * @param {number} seats
 * @param {number} nowMs
 * @returns {Period[]}
 */
function freePeriods(calendar, [fromMs, toMs], seats, nowMs) {
  if (!calendar.live || seats > calendar.capacity) return [];
  const earliestMs = nowMs + calendar.notice_minutes * MINUTE_MS;
  const latestMs = nowMs + calendar.horizon_days * DAY_MS;
  const range = [Math.max(fromMs, earliestMs), Math.min(toMs, latestMs + calendar.longest_minutes * MINUTE_MS)];
  if (range[0] >= range[1]) return [];
  const bufferMs = calendar.buffer_minutes * MINUTE_MS;
  const taken = [
    ...calendar.busy.map(([startMs, endMs]) => [startMs, endMs]),
    ...(calendar.left || []).filter(([, , left]) => left < seats).map(([startMs, endMs]) => [startMs, endMs]),
  ];
  // One's own buffer needs room too: the stretch before something taken ends sooner by it.
  const widened = taken.map(([startMs, endMs]) => [startMs - bufferMs, endMs]);
  return without(openPeriods(calendar.plan, range), widened).filter(
    ([startMs, endMs]) => endMs - startMs >= calendar.shortest_minutes * MINUTE_MS && startMs <= latestMs,
  );
}

/**
 * Why a use cannot be booked, or null. The server has the last word.
 * @returns {null | "past" | "soon" | "far" | "short" | "long" | "closed" | "taken" | "seats" | "paused"}
 */
function objection(calendar, [startMs, endMs], seats, nowMs) {
  if (!calendar.live) return "paused";
  if (seats > calendar.capacity) return "seats";
  if (startMs < nowMs - LATE_MS) return "past";
  if (startMs < nowMs + calendar.notice_minutes * MINUTE_MS - LATE_MS) return "soon";
  if (startMs > nowMs + calendar.horizon_days * DAY_MS) return "far";
  if (endMs - startMs < calendar.shortest_minutes * MINUTE_MS) return "short";
  if (endMs - startMs > calendar.longest_minutes * MINUTE_MS) return "long";
  const open = openPeriods(calendar.plan, [startMs, endMs]);
  if (open.length !== 1 || open[0][0] !== startMs || open[0][1] !== endMs) return "closed";
  const roomMs = endMs + calendar.buffer_minutes * MINUTE_MS;
  const clash = [...calendar.busy, ...(calendar.left || []).filter(([, , left]) => left < seats)];
  return clash.some(([from, to]) => from < roomMs && startMs < to) ? "taken" : null;
}

/** What the plan offers within a range, merged over midnights. */
function openPeriods(plan, [fromMs, toMs]) {
  const replaced = new Map((plan.exceptions || []).map(({ day, windows }) => [day, windows]));
  const found = [];
  for (let midnightMs = dayStart(fromMs); midnightMs < toMs; midnightMs += DAY_MS) {
    const weekly = plan.weekly[(parts(midnightMs).weekday + 6) % 7];
    for (const [from, to] of replaced.get(dayKey(midnightMs)) || weekly) {
      const startMs = Math.max(fromMs, midnightMs + from * MINUTE_MS);
      const endMs = Math.min(toMs, midnightMs + to * MINUTE_MS);
      if (startMs < endMs) found.push([startMs, endMs]);
    }
  }
  return without(merged(found), plan.blocks || []);
}

/** @param {Period[]} periods */
function merged(periods) {
  const whole = [];
  for (const [startMs, endMs] of [...periods].sort((a, b) => a[0] - b[0])) {
    const last = whole[whole.length - 1];
    if (last && startMs <= last[1]) last[1] = Math.max(last[1], endMs);
    else whole.push([startMs, endMs]);
  }
  return whole;
}

/** @param {Period[]} periods ascending and apart */
function without(periods, taken) {
  const holes = merged(taken);
  const rest = [];
  for (const [startMs, endMs] of periods) {
    let atMs = startMs;
    for (const [from, to] of holes) {
      if (to <= atMs || from >= endMs) continue;
      if (from > atMs) rest.push([atMs, from]);
      atMs = Math.max(atMs, to);
    }
    if (atMs < endMs) rest.push([atMs, endMs]);
  }
  return rest;
}

module.exports = { freePeriods, objection, openPeriods, LATE_MS };
