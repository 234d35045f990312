// Money, time and places: what people read of what the wire carries.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const money = require("../../miniprogram/lib/money");
const time = require("../../miniprogram/lib/time");
const geo = require("../../miniprogram/lib/geo");

/** Monday, 2026-11-23 10:30 in China. */
const NOW = Date.UTC(2026, 10, 23, 2, 30);

test("money is read in yuan, to the fen, and back again", () => {
  const pairs = [[0, "0"], [5, "0.05"], [1200, "12"], [1234567, "12,345.67"], [100000000, "1,000,000"]];
  for (const [fen, text] of pairs) {
    assert.equal(money.yuan(fen), text);
    assert.equal(money.parseYuan(money.yuan(fen)), fen);
  }
  assert.equal(money.price(-250), "-¥2.50");
});

test("what is no amount is none", () => {
  for (const text of ["", " ", "a", "1.234", "-1", "1e3", ".5", "99999999", "1.2.3"]) assert.equal(money.parseYuan(text), null, text);
  assert.equal(money.parseYuan("１２．５"), 1250);
  assert.equal(money.parseYuan("¥ 3,000.1"), 300010);
});

test("a short price never says more than it is", () => {
  assert.equal(money.shortPrice(1234599), "¥1.2万");
  assert.equal(money.shortPrice(999999), "¥9999");
  assert.equal(money.shortPrice(1999), "¥19.99");
});

test("a day begins at midnight in China, wherever the phone is", () => {
  const start = time.dayStart(NOW);
  assert.equal(new Date(start).toISOString(), "2026-11-22T16:00:00.000Z");
  assert.equal(time.fromDayKey(time.dayKey(NOW)), start);
  assert.equal(time.clock(start), "00:00");
});

test("moments are told from today", () => {
  assert.equal(time.moment(NOW, NOW), "今天 10:30");
  assert.equal(time.dayName(NOW + time.DAY_MS, NOW), "明天");
  assert.equal(time.dayName(NOW + 3 * time.DAY_MS, NOW), "11月26日 周四");
  assert.equal(time.dayName(Date.UTC(2027, 0, 1, 4), NOW), "2027年1月1日 周五");
  assert.equal(time.period(NOW, NOW + 2 * time.HOUR_MS, NOW), "今天 10:30 – 12:30");
  assert.equal(time.period(NOW, time.dayStart(NOW) + time.DAY_MS, NOW), "今天 10:30 – 24:00");
  assert.equal(time.period(NOW, NOW + time.DAY_MS, NOW), "今天 10:30 – 明天 10:30");
});

test("what is left counts down to nothing, and no further", () => {
  assert.equal(time.left(899001), "15:00");
  assert.equal(time.left(59000), "00:59");
  assert.equal(time.left(3723000), "1:02:03");
  assert.equal(time.left(2 * time.DAY_MS + 5 * time.HOUR_MS + 1), "2天5小时");
  assert.equal(time.left(-5), "00:00");
});

test("how long ago is told in fewer words the longer it is", () => {
  assert.equal(time.ago(NOW - 20000, NOW), "刚刚");
  assert.equal(time.ago(NOW - 5 * time.MINUTE_MS, NOW), "5分钟前");
  assert.equal(time.ago(NOW - 2 * time.HOUR_MS, NOW), "08:30");
  assert.equal(time.ago(NOW - time.DAY_MS, NOW), "昨天 10:30");
  assert.equal(time.ago(NOW - 400 * time.DAY_MS, NOW), "2025年10月19日");
});

test("a place's cell is its geohash", () => {
  assert.equal(geo.cellOf({ lat: 57.64911, lng: 10.40744 }), "u4pru"); // Wikipedia's example
  assert.equal(geo.cellOf({ lat: -90, lng: -180 }), "00000");
});

test("the cells of a box hold every point of it, and nothing else is among them", () => {
  const box = geo.boxAround({ lat: 31.2304, lng: 121.4737 }, 5000);
  const cells = geo.cellsOf(box, 16);
  for (let step = 0; step <= 50; step += 1) {
    for (let other = 0; other <= 50; other += 1) {
      const point = { lat: box.south + ((box.north - box.south) * step) / 50, lng: box.west + ((box.east - box.west) * other) / 50 };
      assert.ok(cells.includes(geo.cellOf(point)));
    }
  }
  assert.equal(new Set(cells).size, cells.length);
  assert.equal(geo.cellsOf(geo.boxAround({ lat: 31.2304, lng: 121.4737 }, 50000), 16), null);
});

test("distances are those of a sphere", () => {
  const quarter = geo.distanceM({ lat: 0, lng: 0 }, { lat: 0, lng: 90 });
  assert.ok(Math.abs(quarter - (Math.PI / 2) * 6371008.8) < 1);
  assert.equal(geo.distanceText(4), "10 m");
  assert.equal(geo.distanceText(1234), "1.2 km");
  assert.equal(geo.distanceText(45678), "46 km");
});

test("to a map of China and back is the same place; elsewhere maps are not shifted", () => {
  const shanghai = { lat: 31.2304, lng: 121.4737 };
  const shown = geo.toMap(shanghai);
  assert.ok(geo.distanceM(shanghai, shown) > 300 && geo.distanceM(shanghai, shown) < 800);
  assert.ok(geo.distanceM(geo.fromMap(shown), shanghai) < 0.01);
  assert.deepEqual(geo.toMap({ lat: 48.2, lng: 16.37 }), { lat: 48.2, lng: 16.37 });
});
