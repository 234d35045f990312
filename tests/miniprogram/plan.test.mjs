// When something is offered, as people choose it and as the server knows it.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";

const require = createRequire(import.meta.url);
const { planOf, hoursOf, said } = require("../../miniprogram/lib/plan.js");

const EVERY = Array(7).fill(true);
const WEEKDAYS = [true, true, true, true, true, false, false];
const hours = (more) => ({ days: EVERY, allDay: false, from: "08:00", to: "22:00", closed: [], ...more });

test("each chosen day has one window of minutes", () => {
  const { weekly, exceptions } = planOf(hours({ days: WEEKDAYS, closed: ["2026-12-25"] }));
  assert.deepEqual(weekly[0], [[480, 1320]]);
  assert.deepEqual(weekly[6], []);
  assert.deepEqual(exceptions, [{ day: "2026-12-25", windows: [] }]);
});

test("a night reaches into the next day", () => {
  const { weekly } = planOf(hours({ days: [false, false, false, false, true, false, false], from: "20:00", to: "02:00" }));
  assert.deepEqual([weekly[4], weekly[5]], [[[1200, 1440]], [[0, 120]]]);
});

for (const one of [
  hours(), hours({ allDay: true }), hours({ days: WEEKDAYS, from: "09:30", to: "18:00" }), hours({ from: "20:00", to: "02:00", days: WEEKDAYS }),
  hours({ from: "08:00", to: "00:00" }), hours({ closed: ["2026-12-25", "2027-01-01"] }),
]) {
  test(`what was chosen is found again: ${said(one)}`, () => {
    const back = hoursOf(planOf(one));
    assert.deepEqual(planOf(back), planOf(one));
    assert.equal(said(back).replace("24:00", "次日00:00"), said(one));
  });
}

test("a plan that was made elsewhere is not mistaken", () => {
  const weekly = [[[0, 60], [120, 180]], [], [], [], [], [], []];
  assert.equal(hoursOf({ weekly, exceptions: [] }), null);
});

test("it is said as people say it", () => {
  assert.equal(said(hours({ days: WEEKDAYS, allDay: true })), "周一至周五 全天");
  assert.equal(said(hours({ days: [false, false, false, false, false, true, true], to: "02:00" })), "周六、周日 08:00–次日02:00");
  assert.equal(said(hours({ days: Array(7).fill(false) })), "");
});
