// availability-calendar and price-breakdown: when something can be had, and for how much.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertNamed, from, mount, phone, words } from "./mounting.mjs";

const { clock, dayName, dayStart, parts, DAY_MS, HOUR_MS } = from("./lib/time");
const { objection } = from("./lib/free");
const { billView } = from("./lib/bill");

const OPEN = { weekly: Array.from({ length: 7 }, () => [[0, 1440]]), exceptions: [], time_zone: "Asia/Shanghai", blocks: [] };
const calendarOf = (more) => ({
  live: true, plan: OPEN, busy: [], left: [], capacity: 1, buffer_minutes: 0, notice_minutes: 0, horizon_days: 90, shortest_minutes: 60, longest_minutes: 1440,
  booking: "instant", ...more,
}); // prettier-ignore

/** A calendar in a phone, with a day three days from now. */
function open(more = {}, properties = {}) {
  const there = phone();
  const dayMs = dayStart(there.clock.now) + 3 * DAY_MS;
  const calendar = calendarOf(typeof more === "function" ? more(dayMs) : more);
  const given = typeof properties === "function" ? properties(dayMs) : properties;
  const shown = mount("availability-calendar", { calendar, ...given }, there).listen("change");
  return { shown, calendar, dayMs, nowMs: there.clock.now };
}

const dayOf = (shown, ms) => shown.at(`day-${parts(ms).day}`);
const offered = (shown, which) => [...shown.mounted.box.querySelectorAll(`[data-testid^=${which}-]`)].map((one) => one.textContent.trim());
const last = (shown) => shown.events.at(-1)?.detail;

test("availability-calendar: a tap on a day chooses a period that can be booked, as does each start and end that is offered", () => {
  const { shown, calendar, dayMs, nowMs } = open((day) => ({ busy: [[day + 9 * HOUR_MS, day + 11 * HOUR_MS], [day + 15 * HOUR_MS, day + 24 * HOUR_MS]] }));
  shown.tap(dayOf(shown, dayMs));
  const first = last(shown);
  assert.equal(objection(calendar, [first.startMs, first.endMs], 1, nowMs), null);
  shown.set(first);
  const starts = offered(shown, "start");
  assert.ok(starts.includes(clock(first.startMs)));
  for (const taken of ["09:00", "10:30", "15:00", "20:00"]) assert.ok(!starts.includes(taken), taken);
  for (const start of starts) {
    shown.tap(`start-${start}`);
    const { startMs, endMs } = last(shown);
    assert.equal(clock(startMs), start);
    assert.equal(objection(calendar, [startMs, endMs], 1, nowMs), null, start);
  }
  for (const end of offered(shown, "end")) {
    shown.tap(`end-${end}`);
    const { startMs, endMs } = last(shown);
    assert.equal(startMs, first.startMs);
    assert.equal(objection(calendar, [startMs, endMs], 1, nowMs), null, end);
  }
  shown.clean();
});

test("availability-calendar: a later day prolongs to it, an earlier one begins anew", () => {
  const { shown, dayMs } = open({ longest_minutes: 14 * 1440 });
  shown.tap(dayOf(shown, dayMs));
  shown.set(last(shown));
  const { startMs } = last(shown);
  shown.tap(dayOf(shown, dayMs + 2 * DAY_MS));
  assert.equal(last(shown).startMs, startMs);
  assert.equal(dayStart(last(shown).endMs - 1), dayMs + 2 * DAY_MS);
  shown.set(last(shown));
  shown.tap(dayOf(shown, dayMs - DAY_MS));
  assert.equal(dayStart(last(shown).startMs), dayMs - DAY_MS);
  shown.clean();
});

test("availability-calendar: a start keeps its length", () => {
  const { shown, dayMs } = open({}, (day) => ({ startMs: day + 9 * HOUR_MS, endMs: day + 12 * HOUR_MS }));
  shown.tap("start-14:00");
  assert.deepEqual(last(shown), { startMs: dayMs + 14 * HOUR_MS, endMs: dayMs + 17 * HOUR_MS });
});

test("availability-calendar: what is taken while one looks vanishes from what is offered, the chosen time stays in sight", () => {
  const { shown, dayMs } = open({}, (day) => ({ startMs: day + 9 * HOUR_MS, endMs: day + 10 * HOUR_MS }));
  assert.ok(offered(shown, "start").includes("14:00"));
  shown.set({ calendar: calendarOf({ busy: [[dayMs + 8 * HOUR_MS, dayMs + 16 * HOUR_MS]] }) });
  assert.ok(!offered(shown, "start").includes("14:00"));
  assert.ok(offered(shown, "start").includes("09:00"), "what was chosen, so that one sees what is meant");
  shown.clean();
});

for (const [why, more, properties = {}] of [
  ["while it is not offered", { live: false }],
  ["on days that are closed", { plan: { ...OPEN, weekly: OPEN.weekly.map(() => []) } }],
  ["for more seats than there are", { capacity: 2 }, { seats: 3 }],
  ["beyond how far ahead one may book", { horizon_days: 1 }],
  ["sooner than the owner wants to know", { notice_minutes: 10 * 1440 }],
]) {
  test(`availability-calendar: nothing can be chosen ${why}`, () => {
    const { shown, dayMs } = open(more, properties);
    const day = dayOf(shown, dayMs);
    assert.equal(day.getAttribute("aria-disabled"), "true");
    shown.tap(day);
    assert.deepEqual(shown.events, []);
    shown.clean();
  });
}

test("availability-calendar: the day before and the weeks before are over", () => {
  const { shown, nowMs } = open();
  const yesterday = dayOf(shown, nowMs - DAY_MS);
  assert.equal(yesterday.getAttribute("aria-disabled"), "true");
  shown.tap(yesterday);
  assert.deepEqual(shown.events, []);
  assert.equal(dayOf(shown, nowMs).getAttribute("aria-disabled"), "false");
});

test("availability-calendar: seats that are left count, and one's own buffer", () => {
  const busySeat = (day) => ({ capacity: 2, left: [[day, day + DAY_MS, 1]], horizon_days: 3 });
  const { shown, dayMs } = open(busySeat, { seats: 1 });
  shown.tap(dayOf(shown, dayMs));
  assert.equal(shown.events.length, 1);
  shown.set({ seats: 2 });
  shown.tap(dayOf(shown, dayMs));
  assert.equal(shown.events.length, 1, "the other seat is taken");
});

test("availability-calendar: months are turned as far as one may book, and not into the past", () => {
  const { shown, nowMs } = open({ horizon_days: 40 });
  const title = (ms) => words.calendar.month(parts(ms).year, parts(ms).month);
  assert.ok(shown.text.includes(title(nowMs)));
  shown.tap("month-back");
  assert.ok(shown.text.includes(title(nowMs)));
  shown.tap("month-on");
  assert.ok(shown.text.includes(title(nowMs + 30 * DAY_MS)));
  for (let turn = 0; turn < 5; turn += 1) shown.tap("month-on");
  assert.ok(shown.text.includes(title(nowMs + 41 * DAY_MS)));
  assert.equal(shown.at("month-on").getAttribute("aria-disabled"), "true");
  for (let turn = 0; turn < 9; turn += 1) shown.tap("month-back");
  assert.ok(shown.text.includes(title(nowMs)));
  assert.equal(shown.at("month-back").getAttribute("aria-disabled"), "true");
  shown.clean();
});

test("availability-calendar: one to look at offers no times and takes no taps", () => {
  const { shown, dayMs } = open({}, (day) => ({ still: true, startMs: day + 9 * HOUR_MS, endMs: day + 10 * HOUR_MS }));
  assert.deepEqual(offered(shown, "start"), []);
  shown.tap(dayOf(shown, dayMs));
  assert.deepEqual(shown.events, []);
});

test("availability-calendar: before the calendar is there, and when it has come", () => {
  const there = phone();
  const shown = mount("availability-calendar", { calendar: null, startMs: 0, endMs: 0 }, there);
  shown.tap("month-on");
  shown.tap("month-back");
  assert.equal(offered(shown, "day").length, 0);
  shown.set({ calendar: calendarOf() });
  assert.ok(offered(shown, "day").length >= 28);
  shown.clean();
});

test("availability-calendar: who hears it hears the date and whether it is free, and which time is chosen", () => {
  const { shown, dayMs, nowMs } = open((day) => ({ busy: [[day, day + DAY_MS]] }), (day) => ({ startMs: day + DAY_MS + 9 * HOUR_MS, endMs: day + DAY_MS + 10 * HOUR_MS }));
  assertNamed(shown);
  assert.ok(dayOf(shown, dayMs).getAttribute("aria-label").includes(words.calendar.none));
  assert.ok(dayOf(shown, dayMs).getAttribute("aria-label").startsWith(dayName(dayMs, nowMs)));
  assert.ok(dayOf(shown, nowMs + 2 * DAY_MS).getAttribute("aria-label").includes(words.calendar.all));
  const chosen = [...shown.mounted.box.querySelectorAll("[aria-selected=true]")].map((one) => one.dataset.testid);
  assert.deepEqual(chosen, [`day-${parts(dayMs + DAY_MS).day}`, "start-09:00", "end-10:00"]);
  shown.clean();
});

// --- the bill ---

const view = (lines, more = {}) => billView({ lines, total_fen: lines.reduce((sum, { total_fen }) => sum + total_fen, 0), ...more }, words.bill);
const DAYS = { code: "rent_day", quantity: 3, unit_fen: 6000, total_fen: 18_000 };
const DEPOSIT = { code: "deposit", quantity: 1, unit_fen: 30_000, total_fen: 30_000 };

test("price-breakdown: a line for each part, what comes back, and the total", () => {
  const bill = view([DAYS, DEPOSIT]);
  const shown = mount("price-breakdown", { bill });
  assert.deepEqual(shown.all("bill-rent_day").length, 1);
  for (const { code, label, amount } of bill.lines) {
    assert.ok(shown.at(`bill-${code}`).textContent.includes(label));
    assert.ok(shown.at(`bill-${code}`).textContent.includes(amount));
  }
  assert.ok(shown.at("bill-deposit").textContent.includes(words.bill.back));
  assert.ok(!shown.at("bill-rent_day").textContent.includes(words.bill.back));
  assert.equal(shown.at("bill-total").textContent, bill.total);
  assert.ok(shown.text.includes(words.bill.total));
  shown.clean();
});

test("price-breakdown: notes, another word for the total, and every kind of line", () => {
  const codes = Object.keys(words.bill.lines);
  const bill = view(codes.map((code, index) => ({ code, quantity: 1, unit_fen: 100, total_fen: 100 + index })), { discount_fen: 1200, waived_fen: 500 });
  const shown = mount("price-breakdown", { bill, totalLabel: "到手" });
  for (const { code, label, amount } of bill.lines) for (const part of [label, amount]) assert.ok(shown.at(`bill-${code}`).textContent.includes(part), code);
  assert.equal(bill.notes.length, 2);
  for (const word of [...bill.notes, "到手"]) assert.ok(shown.text.includes(word));
  shown.clean();
});

test("price-breakdown: before there is a price, and while a new one is on its way", () => {
  const shown = mount("price-breakdown");
  assert.equal(shown.at("bill-total").textContent, "");
  const bill = view([DAYS]);
  shown.set({ bill, busy: true });
  assert.equal(shown.at("bill").getAttribute("aria-busy"), "true");
  assert.equal(shown.at("bill-total").textContent, bill.total, "the old one stays in sight");
  shown.set({ bill: null, busy: false });
  assert.equal(shown.at("bill").getAttribute("aria-busy"), "false");
  assert.ok(!/undefined|null|NaN/.test(shown.text));
  shown.clean();
});
