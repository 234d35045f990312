// When something is offered: the few choices that people make, and the plan that the server knows (minutes of each weekday, Monday first).
"use strict";

const DAY_MINUTES = 1440;
const WEEK = [0, 1, 2, 3, 4, 5, 6];

/**
 * @typedef {object} Hours
 * @property {boolean[]} days  Monday first
 * @property {boolean} allDay
 * @property {string} from  "08:00"
 * @property {string} to  "22:00"; before or at `from`: on the next day
 * @property {string[]} closed  days on which it is not offered, "2026-11-23"
 */

/** @returns {number} minutes of the day */
function minutes(text) {
  const [hour, minute] = text.split(":").map(Number);
  return hour * 60 + minute;
}

/** "22:30"; a day's end is "24:00" */
function clock(of) {
  return `${String(Math.floor(of / 60)).padStart(2, "0")}:${String(of % 60).padStart(2, "0")}`;
}

/** @param {Hours} hours @returns {object} Plan, as the wire has it */
function planOf({ days, allDay, from, to, closed = [] }) {
  const [start, end] = allDay ? [0, DAY_MINUTES] : [minutes(from), minutes(to)];
  const over = !allDay && end <= start;
  const weekly = WEEK.map((day) => {
    const windows = [];
    if (over && days[(day + 6) % 7] && end > 0) windows.push([0, end]);
    if (days[day]) windows.push([start, over ? DAY_MINUTES : end]);
    return windows;
  });
  return { weekly, exceptions: closed.map((day) => ({ day, windows: [] })), time_zone: "Asia/Shanghai", blocks: [] };
}

/**
 * The choices behind a plan; null when it is none that these choices can make.
 * @param {object} plan
 * @returns {Hours | null}
 */
function hoursOf(plan) {
  const closed = plan.exceptions.filter(({ windows }) => !windows.length).map(({ day }) => day);
  for (const hours of candidates(plan.weekly)) {
    if (JSON.stringify(planOf(hours).weekly) === JSON.stringify(plan.weekly)) return { ...hours, closed };
  }
  return null;
}

function candidates(weekly) {
  const flat = weekly.flat();
  const starts = [...new Set(flat.map(([start]) => start))];
  const ends = [...new Set(flat.map(([, end]) => end))];
  const found = [{ days: weekly.map((windows) => windows.length > 0), allDay: true, from: "08:00", to: "22:00" }];
  for (const start of starts) {
    for (const end of ends) {
      const days = weekly.map((windows) => windows.some(([from]) => from === start));
      found.push({ days, allDay: false, from: clock(start), to: clock(end) });
    }
  }
  return found;
}

const NAMES = ["周一", "周二", "周三", "周四", "周五", "周六", "周日"];

/** "每天 08:00–22:00", "周一至周五 全天", "周六、周日 09:00–次日02:00" @param {Hours} hours */
function said({ days, allDay, from, to }) {
  const on = WEEK.filter((day) => days[day]);
  if (!on.length) return "";
  const row = on.length > 2 && on.every((day, index) => day === on[0] + index);
  const which = on.length === 7 ? "每天" : row ? `${NAMES[on[0]]}至${NAMES[on[on.length - 1]]}` : on.map((day) => NAMES[day]).join("、");
  return `${which} ${allDay ? "全天" : `${from}–${minutes(to) <= minutes(from) ? "次日" : ""}${to}`}`;
}

module.exports = { planOf, hoursOf, said, NAMES };
