// When something can be had: a month of days, and of the chosen days when it begins and ends. Says `change` with a period.
const live = require("../../services/live");
const { STEP_MS, afterDay, afterStart, ends, monthDays, monthStart, starts } = require("../../lib/choosing");
const { DAY_MS, HOUR_MS, clock, dayName, dayStart, parts } = require("../../lib/time");
const { calendar: words } = require("../../strings");

Component({
  properties: {
    /** the payload of `calendar:ID` */
    calendar: { type: Object, value: null },
    seats: { type: Number, value: 1 },
    /** UTC milliseconds; 0: nothing chosen */
    startMs: { type: Number, value: 0 },
    endMs: { type: Number, value: 0 },
    /** how long a use is at first */
    usualMs: { type: Number, value: HOUR_MS },
    /** only to be looked at */
    still: Boolean,
  },
  data: { words, months: 0, title: "", days: [], startTimes: [], endTimes: [], startDay: "", endDay: "", mayBack: false, mayOn: true, startView: "", endView: "" },
  observers: {
    "calendar, seats, startMs, endMs"() {
      this._draw();
    },
  },
  methods: {
    back() {
      if (this.data.mayBack) this._turn(-1);
    },
    on() {
      if (this.data.mayOn) this._turn(1);
    },
    tapDay({ currentTarget }) {
      const { ms } = currentTarget.dataset;
      if (!ms || this.data.still) return;
      const { calendar, seats, startMs, endMs, usualMs } = this.data;
      this._choose(afterDay(calendar, { dayMs: ms, startMs: startMs || null, endMs: endMs || null, seats, nowMs: live.now(), usualMs }));
    },
    tapStart({ currentTarget }) {
      const { calendar, seats, startMs: beforeMs, endMs, usualMs } = this.data;
      this._choose(afterStart(calendar, { startMs: currentTarget.dataset.ms, endMs: endMs || null, beforeMs: beforeMs || null, seats, nowMs: live.now(), usualMs }));
    },
    tapEnd({ currentTarget }) {
      this._choose({ startMs: this.data.startMs, endMs: currentTarget.dataset.ms });
    },
    _choose(period) {
      if (period) this.triggerEvent("change", period);
    },
    _turn(by) {
      this.setData({ months: this.data.months + by });
      this._draw();
    },
    _draw() {
      const { calendar, seats, startMs, endMs, months } = this.data;
      if (!calendar) return;
      const nowMs = live.now();
      const monthMs = monthStart(nowMs, months);
      const { year, month } = parts(monthMs);
      const reachMs = nowMs + calendar.horizon_days * DAY_MS + calendar.longest_minutes * 60000;
      const next = {
        title: words.month(year, month),
        days: monthDays(calendar, { monthMs, seats, nowMs, startMs: startMs || null, endMs: endMs || null }).map((day) => ({ ...day, label: said(day, nowMs) })),
        mayBack: months > 0,
        mayOn: monthStart(nowMs, months + 1) < reachMs,
        startTimes: [], endTimes: [], startDay: "", endDay: "", startView: "", endView: "",
      }; // prettier-ignore
      if (startMs && endMs) {
        const lastDay = dayStart(endMs - 1);
        next.startTimes = chips(starts(calendar, dayStart(startMs), seats, nowMs), startMs);
        next.endTimes = chips(ends(calendar, startMs, lastDay, seats, nowMs), endMs);
        next.startDay = dayName(startMs, nowMs);
        next.endDay = dayName(lastDay, nowMs);
        next.startView = viewId("s", startMs - STEP_MS);
        next.endView = viewId("e", endMs - STEP_MS);
      }
      const { startView, endView } = next;
      // What is to be scrolled to has to be there first.
      this.setData({ ...next, startView: "", endView: "" }, () => startView && this.setData({ startView, endView }));
    },
  },
});

/** What is heard of a day. */
function said({ key, day, free }, nowMs) {
  return day ? `${dayName(key, nowMs)}，${words[free]}` : "";
}

function chips(times, chosenMs) {
  const found = times.map(({ ms, text }) => ({ ms, text, on: ms === chosenMs }));
  return found.some(({ on }) => on) || !chosenMs ? found : [{ ms: chosenMs, text: clock(chosenMs), on: true }, ...found];
}

function viewId(prefix, ms) {
  return `${prefix}${ms}`;
}
