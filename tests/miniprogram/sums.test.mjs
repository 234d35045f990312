// The client's sums are the server's: what is free, what cancelling costs, and what being late. The cases, with the server's answers, are in CASES.
import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { freePeriods, objection } = require("../../miniprogram/lib/free");
const { keptFen } = require("../../miniprogram/lib/cancelling");
const { lateFen } = require("../../miniprogram/lib/late");
const choosing = require("../../miniprogram/lib/choosing");
const { DAY_MS, dayStart } = require("../../miniprogram/lib/time");

const cases = JSON.parse(fs.readFileSync(process.env.CASES, "utf8"));

test("what is free is what the server says is free", () => {
  for (const { calendar, within, seats, now_ms: nowMs, free } of cases.free) {
    assert.deepEqual(freePeriods(calendar, within, seats, nowMs), free, JSON.stringify({ calendar, within, seats, nowMs }));
  }
});

test("what the server would refuse is objected to, and nothing else", () => {
  for (const { calendar, period, seats, now_ms: nowMs, bookable } of cases.uses) {
    const why = objection(calendar, period, seats, nowMs);
    assert.equal(why === null, bookable, `${why}: ${JSON.stringify({ calendar, period, seats, nowMs })}`);
  }
});

test("cancelling costs what the server will keep", () => {
  for (const { order, now_ms: nowMs, kept_fen: keptFen_ } of cases.cancelling) assert.equal(keptFen(order, nowMs), keptFen_, JSON.stringify({ order, nowMs }));
});

test("being late costs what the server will keep", () => {
  for (const { order, now_ms: nowMs, late_fen: lateFen_ } of cases.late) assert.equal(lateFen(order, nowMs), lateFen_, JSON.stringify({ order, nowMs }));
});

test("every period that can be chosen by taps can be booked", () => {
  let chosen = 0;
  for (const { calendar, seats, now_ms: nowMs } of cases.free) {
    for (let days = 0; days < 12; days += 1) {
      const dayMs = dayStart(nowMs) + days * DAY_MS;
      const first = choosing.afterDay(calendar, { dayMs, startMs: null, endMs: null, seats, nowMs, usualMs: DAY_MS / 24 });
      const starts = choosing.starts(calendar, dayMs, seats, nowMs);
      assert.equal(first === null, starts.length === 0);
      if (!first) continue;
      const second = choosing.afterDay(calendar, { ...first, dayMs: dayMs + DAY_MS, seats, nowMs, usualMs: DAY_MS / 24 });
      const ends = choosing.ends(calendar, first.startMs, dayMs, seats, nowMs).map(({ ms }) => [first.startMs, ms]);
      const periods = [first, second].filter(Boolean).map(({ startMs, endMs }) => [startMs, endMs]);
      for (const period of [...periods, ...ends]) {
        assert.equal(objection(calendar, period, seats, nowMs), null, JSON.stringify({ calendar, period, seats, nowMs }));
        chosen += 1;
      }
    }
  }
  assert.ok(chosen > 1000, `${chosen}`);
});
