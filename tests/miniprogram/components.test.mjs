// The components of the way to an order, each by itself: what it shows of what it is given, and what a finger brings about.
import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { createRequire } from "node:module";
import { assertClean, prepare } from "../../sandbox/phone/testing.mjs";

const require = createRequire(import.meta.url);
const { dayStart, clock, DAY_MS, HOUR_MS } = require("../../miniprogram/lib/time");
const { objection } = require("../../miniprogram/lib/free");

const load = await prepare({ src: path.join(path.dirname(fileURLToPath(import.meta.url)), "../../miniprogram") });

function mount(name, properties, window = load()) {
  const mounted = window.__phone.mount(`components/${name}/${name}`, properties);
  const at = (id) => mounted.box.querySelector(`[data-testid="${id}"]`);
  return { mounted, at, window };
}

/** What was raised, as this test's own values: the phone's are of another realm. */
const raised = ({ events }) => JSON.parse(JSON.stringify(events));

test("a card shows what a search has found, and says which one was tapped", () => {
  const card = {
    id: "7", title: "四人帐篷", category: "outdoor", photo: "", amount: "¥45", unit: "/天", also: "¥180/周", deposit: "押金 ¥200", waives: false,
    stars: "4.7", ratings: 12, distance: "1.2 km", state: "in_use", stateText: "使用中", reasons: ["新发布"],
  }; // prettier-ignore
  const { mounted, window } = mount("service-card", { card });
  const text = mounted.text.replace(/\s+/g, " ");
  for (const word of ["四人帐篷", "¥45/天", "¥180/周", "押金 ¥200", "4.7", "(12)", "1.2 km", "使用中", "新发布"]) assert.ok(text.includes(word), `${word} in ${text}`);
  mounted.listen("open");
  mounted.fire(".sc-service", "tap");
  assert.deepEqual(raised(mounted), [{ type: "open", detail: { id: "7" } }]);
  assertClean(window);
});

test("a state is one of loading, nothing, an error with a way out, or what it is all about", () => {
  const { mounted, at, window } = mount("state-view", { state: "loading", count: 2 });
  assert.equal(mounted.box.querySelectorAll(".sv-bone-row, [class*='sv-bone-row']").length, 2);
  mounted.instance.setData({ state: "error", title: "加载失败", hint: "网络不太好", action: "重试" });
  assert.ok(at("error"));
  mounted.listen("action");
  mounted.fire(".sv-nothing-action", "tap");
  assert.deepEqual(raised(mounted).map(({ type }) => type), ["action"]);
  mounted.instance.setData({ state: "ready" });
  assert.equal(at("error"), null);
  assertClean(window);
});

test("a bill has a line for each part, and its total", () => {
  const bill = {
    lines: [
      { key: 0, code: "rent_day", label: "租金（按天）", detail: "¥60 × 3 天", amount: "¥180", back: false },
      { key: 1, code: "deposit", label: "押金", detail: "", amount: "¥300", back: true },
    ],
    total: "¥480", notes: ["长租优惠已省 ¥12"],
  }; // prettier-ignore
  const { at, mounted, window } = mount("price-breakdown", { bill });
  assert.ok(at("bill-rent_day").textContent.includes("¥60 × 3 天"));
  assert.ok(at("bill-deposit").textContent.includes("可退"));
  assert.equal(at("bill-total").textContent, "¥480");
  assert.ok(mounted.text.includes("长租优惠已省 ¥12"));
  assertClean(window);
});

test("a timeline says which step is under way, and where an order came to nothing", () => {
  const steps = [
    { code: "placed", label: "下单", state: "done" },
    { code: "paid", label: "付款", state: "now" },
    { code: "using", label: "交接", state: "next" },
  ];
  const { at, mounted, window } = mount("order-timeline", { steps });
  assert.equal(at("step-paid").dataset.state, "now");
  mounted.instance.setData({ steps: [steps[0], { code: "expired", label: "已关闭", state: "failed" }] });
  assert.equal(at("step-expired").dataset.state, "failed");
  assert.equal(at("step-paid"), null);
  assertClean(window);
});

test("a countdown shows what is left, and says once that it is over", async () => {
  const { mounted, window } = mount("countdown", { untilMs: Date.now() + 60000, prefix: "还剩 " });
  assert.match(mounted.text.trim(), /^还剩 (01:00|00:59)$/);
  mounted.listen("end");
  const over = new Promise((resolve) => mounted.instance._$.addListener("end", resolve));
  mounted.instance.setData({ untilMs: Date.now() + 30 });
  await over;
  assert.match(mounted.text.trim(), /00:00$/);
  assert.equal(mounted.events.length, 1);
  mounted.unmount();
  assertClean(window);
});

const calendar = (more) => ({
  live: true, plan: { weekly: Array.from({ length: 7 }, () => [[0, 1440]]), exceptions: [], time_zone: "Asia/Shanghai", blocks: [] }, busy: [], left: [],
  capacity: 1, buffer_minutes: 0, notice_minutes: 0, horizon_days: 90, shortest_minutes: 60, longest_minutes: 1440, booking: "instant", ...more,
}); // prettier-ignore

/** Taps a day; the month is turned when it is in the next one. */
function tapDay(mounted, dayMs) {
  const isDay = ({ key, day }) => day > 0 && key === dayMs;
  if (!mounted.instance.data.days.some(isDay)) mounted.fire(mounted.findAll(".ac-turn")[1], "tap");
  const weekdays = mounted.instance.data.words.weekdays.length;
  mounted.fire(mounted.findAll(".ac-cell")[weekdays + mounted.instance.data.days.findIndex(isDay)], "tap");
}

test("a tap on a day chooses a period that can be booked, as does each start and end that is offered", () => {
  const dayMs = dayStart(Date.now()) + 3 * DAY_MS;
  const busy = [[dayMs + 9 * HOUR_MS, dayMs + 11 * HOUR_MS], [dayMs + 15 * HOUR_MS, dayMs + 24 * HOUR_MS]];
  const what = calendar({ busy });
  const { mounted, window } = mount("availability-calendar", { calendar: what });
  mounted.listen("change");
  tapDay(mounted, dayMs);
  const first = mounted.events[0].detail;
  assert.equal(objection(what, [first.startMs, first.endMs], 1, Date.now()), null);
  mounted.instance.setData({ startMs: first.startMs, endMs: first.endMs });
  const { startTimes, endTimes } = mounted.instance.data;
  assert.ok(startTimes.some(({ text }) => text === clock(first.startMs)));
  assert.ok(!startTimes.some(({ text }) => ["09:00", "10:30", "15:00", "20:00"].includes(text)));
  for (const { ms } of endTimes) assert.equal(objection(what, [first.startMs, ms], 1, Date.now()), null);
  assertClean(window);
});

test("what is taken while one looks vanishes from what is offered", () => {
  const dayMs = dayStart(Date.now()) + 3 * DAY_MS;
  const startMs = dayMs + 9 * HOUR_MS;
  const { mounted, window } = mount("availability-calendar", { calendar: calendar(), startMs, endMs: startMs + HOUR_MS });
  assert.ok(mounted.instance.data.startTimes.some(({ text }) => text === "14:00"));
  mounted.instance.setData({ calendar: calendar({ busy: [[dayMs + 12 * HOUR_MS, dayMs + 16 * HOUR_MS]] }) });
  assert.ok(!mounted.instance.data.startTimes.some(({ text }) => text === "14:00"));
  assert.ok(mounted.instance.data.endTimes.every(({ ms }) => ms <= dayMs + 12 * HOUR_MS));
  assertClean(window);
});

test("a map has a pin with its price where each place is, and says which was tapped", () => {
  const pins = [
    { id: "9007199254740993", lat: 31.23, lng: 121.47, text: "¥60/天", state: "free" },
    { id: "118047659043466353", lat: 31.24, lng: 121.48, text: "¥8/时", state: "held" },
  ];
  const { mounted, window } = mount("map-module", { pins, center: { lat: 31.23, lng: 121.47 } });
  const { markers, latitude, longitude } = mounted.instance.data;
  assert.deepEqual(Array.from(markers, ({ callout }) => callout.content), ["¥60/天", "¥8/时"]);
  assert.ok(Math.abs(markers[0].latitude - latitude) < 1e-9 && Math.abs(markers[0].longitude - longitude) < 1e-9);
  assert.ok(markers[1].latitude > markers[0].latitude && markers[1].longitude > markers[0].longitude);
  assert.notEqual(markers[0].iconPath, markers[1].iconPath);
  mounted.listen("choose");
  mounted.fire(".mm-map", "markertap", { markerId: markers[1].id });
  assert.deepEqual(raised(mounted).at(-1), { type: "choose", detail: { id: pins[1].id } });
  mounted.unmount();
  assertClean(window);
});

test("the banner says nothing while all is well, and at once when the network is gone", async () => {
  const window = load();
  const { mounted, at } = mount("connection-banner", {}, window);
  assert.equal(at("connection"), null);
  window.__phone.network("none");
  assert.equal(at("connection").dataset.state, "offline");
  mounted.unmount();
});
