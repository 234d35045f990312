// order-timeline and countdown: how far an order has come, and what time is left.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertGone, from, mount, phone, server, words } from "./mounting.mjs";

const { FAILED, timeline } = from("./lib/life");
const { left, DAY_MS, HOUR_MS } = from("./lib/time");
const labels = from("./deal/strings").order.steps;

const isOver = (state) => FAILED.includes(state);
const stepsOf = (shown) => [...shown.mounted.box.querySelectorAll("[data-testid^=step-]")].map(({ dataset, textContent }) => [dataset.state, textContent.trim()]);

for (const state of Object.keys(words.orders.states)) {
  test(`order-timeline: ${state}`, () => {
    const steps = timeline(state, labels);
    const shown = mount("order-timeline", { steps });
    assert.deepEqual(stepsOf(shown), steps.map((step) => [step.state, step.label]));
    const states = stepsOf(shown).map(([is]) => is);
    if (isOver(state)) assert.equal(states.at(-1), "failed");
    else assert.deepEqual(states, [...states].sort((a, b) => ["done", "now", "next"].indexOf(a) - ["done", "now", "next"].indexOf(b)), "done, then now, then next");
    assert.ok(states.filter((is) => is === "now").length <= 1);
    const current = [...shown.mounted.box.querySelectorAll("[aria-current=step]")];
    assert.deepEqual(current.map(({ dataset }) => dataset.state), states.filter((is) => is === "now"));
    shown.clean();
  });
}

test("order-timeline: a push moves it on, also to an end", () => {
  const shown = mount("order-timeline", { steps: timeline("ready", labels) });
  shown.set({ steps: timeline("in_use", labels) });
  assert.equal(shown.at("step-using").dataset.state, "done");
  shown.set({ steps: timeline("cancelled", labels) });
  assert.equal(shown.at("step-cancelled").dataset.state, "failed");
  assert.equal(shown.at("step-using"), null);
  shown.set({ steps: [] });
  assert.deepEqual(stepsOf(shown), []);
  shown.clean();
});

// --- what is left ---

const reads = (shown) => shown.at("countdown").textContent.trim();

test("countdown: what is left, second by second, between its words; then it is over, and says so once", async () => {
  const there = phone();
  const shown = mount("countdown", { untilMs: there.clock.now + 3000, prefix: "还剩 ", suffix: " 后关闭" }, there).listen("end");
  const seen = [];
  for (let second = 3; second >= 0; second -= 1) {
    seen.push(reads(shown));
    await there.clock.pass(second ? 1000 : 60_000);
  }
  assert.deepEqual(seen, [3, 2, 1, 0].map((seconds) => `还剩 ${left(seconds * 1000)} 后关闭`));
  assert.deepEqual(shown.events.map(({ type }) => type), ["end"]);
  assert.equal(there.clock.pending, 0, "nothing ticks for what is over");
  shown.clean();
});

test("countdown: it is the server's clock that counts, however wrong the phone's is", async () => {
  const there = phone();
  const hub = server(there, { aheadMs: 7 * HOUR_MS });
  hub.open();
  await hub.accept();
  const shown = mount("countdown", { untilMs: there.clock.now + 7 * HOUR_MS + 90_000 }, there);
  assert.equal(reads(shown), left(90_000));
});

test("countdown: what is over already ends at once; another moment begins anew", async () => {
  const there = phone();
  const shown = mount("countdown", {}, there).listen("end");
  assert.equal(reads(shown), "", "no moment, no time");
  shown.set({ untilMs: there.clock.now - 5000 });
  await there.clock.pass(0);
  assert.equal(reads(shown), left(0));
  assert.equal(shown.events.length, 1);
  shown.set({ untilMs: there.clock.now + 2000 });
  assert.equal(reads(shown), left(2000));
  await there.clock.pass(5000);
  assert.equal(shown.events.length, 2);
  shown.set({ untilMs: 0 });
  assert.equal(reads(shown), "", "nothing is left of what is no more");
  shown.clean();
});

test("countdown: days are told in days, and drawn when they change", async () => {
  const there = phone();
  const shown = mount("countdown", { untilMs: there.clock.now + 3 * DAY_MS + 2 * HOUR_MS + 30_000 }, there);
  assert.equal(reads(shown), left(3 * DAY_MS + 2 * HOUR_MS + 30_000));
  const { drawn } = shown;
  await there.clock.pass(20_000);
  assert.equal(shown.drawn, drawn);
  shown.unmount();
});

test("countdown: two to one moment change together, whenever they were begun", async () => {
  const there = phone();
  const untilMs = there.clock.now + 60_000;
  const first = mount("countdown", { untilMs }, there);
  await there.clock.pass(340);
  const second = mount("countdown", { untilMs }, there);
  for (let turn = 0; turn < 8; turn += 1) {
    await there.clock.pass(250);
    assert.equal(reads(first), reads(second));
  }
});

test("countdown: a hidden page does not tick; shown again it is right at once, and what ended meanwhile is told", async () => {
  const there = phone();
  const shown = mount("countdown", { untilMs: there.clock.now + 60_000 }, there).listen("end");
  shown.hide();
  const { drawn } = shown;
  await there.clock.pass(20_000);
  assert.equal(shown.drawn, drawn);
  shown.show();
  assert.equal(reads(shown), left(40_000));
  shown.hide();
  await there.clock.pass(50_000);
  assert.equal(shown.events.length, 0);
  shown.show();
  shown.hide();
  shown.show();
  assert.equal(shown.events.length, 1);
  shown.clean();
});

test("countdown: a moment that comes while the page is hidden waits for it to be shown", async () => {
  const there = phone();
  const shown = mount("countdown", { untilMs: there.clock.now + 60_000 }, there);
  shown.hide();
  shown.set({ untilMs: there.clock.now + 30_000 });
  const { drawn } = shown;
  await there.clock.pass(10_000);
  assert.equal(shown.drawn, drawn);
  shown.show();
  assert.equal(reads(shown), left(20_000));
});

test("countdown: gone with its page, it neither ticks nor ends", async () => {
  const there = phone();
  const shown = mount("countdown", { untilMs: there.clock.now + 2000 }, there).listen("end");
  await assertGone(shown);
  assert.equal(there.clock.pending, 0);
  shown.clean();
});
