// Times are UTC milliseconds; people read the listing's time of day. All pure: "now" is an argument.
"use strict";

const MINUTE_MS = 60000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const WEEKDAYS = ["日", "一", "二", "三", "四", "五", "六"];

/** China has one time zone and no summer time; a phone may be set to any. */
const ZONE_MS = 8 * HOUR_MS;

/**
 * The parts of a moment on a clock in China. `weekday` is 0 on Sunday.
 * @param {number} ms
 */
function parts(ms) {
  const date = new Date(ms + ZONE_MS);
  return {
    year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate(), weekday: date.getUTCDay(),
    hour: date.getUTCHours(), minute: date.getUTCMinutes(),
  };
}

/** The moment at which the day of `ms` begins. */
function dayStart(ms) {
  return Math.floor((ms + ZONE_MS) / DAY_MS) * DAY_MS - ZONE_MS;
}

/** "2026-11-23" */
function dayKey(ms) {
  const { year, month, day } = parts(ms);
  return `${year}-${two(month)}-${two(day)}`;
}

/** The moment at which "2026-11-23" begins. */
function fromDayKey(key) {
  const [year, month, day] = key.split("-").map(Number);
  return Date.UTC(year, month - 1, day) - ZONE_MS;
}

/** "09:05" */
function clock(ms) {
  const { hour, minute } = parts(ms);
  return `${two(hour)}:${two(minute)}`;
}

/** "今天", "明天", "昨天", "11月23日 周一", and with the year when it is another one. */
function dayName(ms, nowMs) {
  const days = Math.round((dayStart(ms) - dayStart(nowMs)) / DAY_MS);
  if (days === 0) return "今天";
  if (days === 1) return "明天";
  if (days === -1) return "昨天";
  const { year, month, day, weekday } = parts(ms);
  const prefix = year === parts(nowMs).year ? "" : `${year}年`;
  return `${prefix}${month}月${day}日 周${WEEKDAYS[weekday]}`;
}

/** "今天 14:30" */
function moment(ms, nowMs) {
  return `${dayName(ms, nowMs)} ${clock(ms)}`;
}

/** "今天 14:30 – 18:00", "11月23日 周一 14:30 – 18:00", "11月23日 14:30 – 11月24日 09:00" */
function period(startMs, endMs, nowMs) {
  const sameDay = dayStart(startMs) === dayStart(endMs) || endMs === dayStart(startMs) + DAY_MS;
  const short = (ms) => moment(ms, nowMs).replace(/ 周./, "");
  if (!sameDay) return `${short(startMs)} – ${short(endMs)}`;
  return `${moment(startMs, nowMs)} – ${endMs === dayStart(startMs) + DAY_MS ? "24:00" : clock(endMs)}`;
}

/** How long: "45分钟", "2小时30分钟", "3天", "1天4小时". */
function duration(ms) {
  const minutes = Math.round(ms / MINUTE_MS);
  const [days, hours, rest] = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60), minutes % 60];
  const text = `${days ? `${days}天` : ""}${hours ? `${hours}小时` : ""}${rest ? `${rest}分钟` : ""}`;
  return text || "0分钟";
}

/** How long ago, as in a list: "刚刚", "5分钟前", "14:30", "昨天 14:30", "11月3日". */
function ago(ms, nowMs) {
  const past = nowMs - ms;
  if (past < MINUTE_MS) return "刚刚";
  if (past < HOUR_MS) return `${Math.floor(past / MINUTE_MS)}分钟前`;
  const days = Math.round((dayStart(nowMs) - dayStart(ms)) / DAY_MS);
  if (days === 0) return clock(ms);
  if (days === 1) return `昨天 ${clock(ms)}`;
  const { year, month, day } = parts(ms);
  return year === parts(nowMs).year ? `${month}月${day}日` : `${year}年${month}月${day}日`;
}

/** What is left: "14:59", "1:02:03", "3天2小时". Never negative. */
function left(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  if (seconds >= 86400) return duration(Math.floor(seconds / 3600) * HOUR_MS);
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), seconds % 60];
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${two(minutes)}:${two(rest)}`;
}

function two(number) {
  return String(number).padStart(2, "0");
}

module.exports = {
  MINUTE_MS, HOUR_MS, DAY_MS, WEEKDAYS, parts, dayStart, dayKey, fromDayKey, clock, dayName, moment, period, duration, ago, left,
};
