// Choosing a period on a calendar: days of a month, then when it begins, then when it ends. Pure.
"use strict";

const { freePeriods } = require("./free");
const { DAY_MS, HOUR_MS, MINUTE_MS, clock, dayStart, parts } = require("./time");

/** Uses begin and end on these. */
const STEP_MS = 30 * MINUTE_MS;

/** Less of a day than this is shown as partly free, if it is free at all. */
const NEARLY_ALL = 0.9;

/** The day that begins a month, so many months after that of `nowMs`. */
function monthStart(nowMs, months) {
  const { year, month } = parts(nowMs);
  return Date.UTC(year, month - 1 + months, 1) - 8 * HOUR_MS;
}

/**
 * The days of a month in weeks that begin on Monday; before the first some without a number.
 * @param {object} calendar  the payload of `calendar:ID`
 * @param {{monthMs: number, seats: number, nowMs: number, startMs: number | null, endMs: number | null}} what  a chosen period is marked
 * @returns {Array<{key: number, day: number, free: "" | "all" | "part" | "none" | "past", mark: "" | "start" | "end" | "only" | "within", today: boolean}>}
 */
function monthDays(calendar, { monthMs, seats, nowMs, startMs, endMs }) {
  const { year, month } = parts(monthMs);
  const count = new Date(Date.UTC(year, month, 0)).getUTCDate();
  const periods = freePeriods(calendar, [monthMs, monthMs + count * DAY_MS], seats, nowMs);
  const today = dayStart(nowMs);
  const first = startMs === null ? null : dayStart(startMs);
  const last = endMs === null ? first : dayStart(endMs - 1);
  const days = [];
  for (let index = (parts(monthMs).weekday + 6) % 7; index > 0; index -= 1) days.push({ key: -index, day: 0, free: "", mark: "", today: false });
  for (let index = 0; index < count; index += 1) {
    const atMs = monthMs + index * DAY_MS;
    days.push({ key: atMs, day: index + 1, free: atMs < today ? "past" : howFree(periods, atMs, nowMs), mark: markOf(atMs, first, last), today: atMs === today });
  }
  return days;
}

function howFree(periods, atMs, nowMs) {
  const freeMs = periods.reduce((sum, [from, to]) => sum + Math.max(0, Math.min(to, atMs + DAY_MS) - Math.max(from, atMs)), 0);
  if (freeMs === 0) return "none";
  const wholeMs = atMs + DAY_MS - Math.max(atMs, nowMs);
  return freeMs >= wholeMs * NEARLY_ALL ? "all" : "part";
}

function markOf(atMs, first, last) {
  if (first === null || atMs < first || atMs > last) return "";
  if (first === last) return "only";
  if (atMs === first) return "start";
  return atMs === last ? "end" : "within";
}

/**
 * When a use may begin on a day.
 * @returns {Array<{ms: number, text: string}>}
 */
function starts(calendar, dayMs, seats, nowMs) {
  const shortestMs = calendar.shortest_minutes * MINUTE_MS;
  const latestMs = Math.min(dayMs + DAY_MS - 1, nowMs + calendar.horizon_days * DAY_MS);
  const found = [];
  for (const [from, to] of freePeriods(calendar, [dayMs, dayMs + DAY_MS + calendar.longest_minutes * MINUTE_MS], seats, nowMs)) {
    for (let ms = Math.ceil(from / STEP_MS) * STEP_MS; ms + shortestMs <= to && ms <= latestMs; ms += STEP_MS) {
      if (ms >= dayMs) found.push({ ms, text: clock(ms) });
    }
  }
  return found;
}

/**
 * When a use that begins then may end on a day. The last moment of a day is its 24:00.
 * @returns {Array<{ms: number, text: string}>}
 */
function ends(calendar, startMs, dayMs, seats, nowMs) {
  const room = roomFrom(calendar, startMs, seats, nowMs);
  if (room === null) return [];
  const earliestMs = Math.max(startMs + calendar.shortest_minutes * MINUTE_MS, dayMs + STEP_MS);
  const latestMs = Math.min(room, dayMs + DAY_MS);
  const found = [];
  for (let ms = Math.ceil(earliestMs / STEP_MS) * STEP_MS; ms <= latestMs; ms += STEP_MS) {
    found.push({ ms, text: ms === dayMs + DAY_MS ? "24:00" : clock(ms) });
  }
  return found;
}

/** Until when a use that begins then may last; null when it cannot begin then. */
function roomFrom(calendar, startMs, seats, nowMs) {
  const longestMs = calendar.longest_minutes * MINUTE_MS;
  const stretch = freePeriods(calendar, [startMs, startMs + longestMs], seats, nowMs)[0];
  return stretch && stretch[0] === startMs ? Math.min(stretch[1], startMs + longestMs) : null;
}

/**
 * A day was tapped: the period that follows. A later day than that of a chosen start prolongs to it, if all between is free;
 * any other begins anew, as soon as it can on that day, for `usualMs` or as long as there is room.
 * @returns {{startMs: number, endMs: number} | null}  null: nothing can be had on that day
 */
function afterDay(calendar, { dayMs, startMs, endMs, seats, nowMs, usualMs }) {
  if (startMs !== null && endMs !== null && dayMs > dayStart(startMs) && dayStart(endMs - 1) === dayStart(startMs)) {
    const same = dayMs + (endMs - dayStart(startMs));
    const possible = ends(calendar, startMs, dayMs, seats, nowMs).map(({ ms }) => ms);
    if (possible.length) return { startMs, endMs: nearest(possible, same) };
  }
  const first = starts(calendar, dayMs, seats, nowMs);
  const usual = first.find(({ ms }) => ms >= dayMs + 9 * HOUR_MS) || first[first.length - 1];
  return usual ? afterStart(calendar, { startMs: usual.ms, endMs: null, seats, nowMs, usualMs }) : null;
}

/** A start was tapped: it keeps its length if that is free, else gets the usual one, else what there is. */
function afterStart(calendar, { startMs, endMs, seats, nowMs, usualMs, beforeMs = null }) {
  const room = roomFrom(calendar, startMs, seats, nowMs);
  if (room === null) return null;
  const wantedMs = endMs !== null && beforeMs !== null ? endMs - beforeMs : usualMs;
  const lengthMs = Math.max(wantedMs, calendar.shortest_minutes * MINUTE_MS);
  const end = Math.min(startMs + lengthMs, Math.floor(room / STEP_MS) * STEP_MS);
  return { startMs, endMs: Math.max(end, startMs + calendar.shortest_minutes * MINUTE_MS) };
}

function nearest(values, wanted) {
  return values.reduce((best, value) => (Math.abs(value - wanted) < Math.abs(best - wanted) ? value : best));
}

module.exports = { STEP_MS, monthStart, monthDays, starts, ends, afterDay, afterStart };
