// What is set on a page: only what differs, once per turn, and nothing while nobody looks.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { Binding, diff } = require("../../miniprogram/lib/bind");

/** What WeChat does with paths, for plain keys and indexes. */
function applied(data, changes) {
  const next = structuredClone(data);
  for (const [path, value] of Object.entries(changes)) {
    const steps = path.replace(/\[(\d+)\]/g, ".$1").split(".");
    const last = steps.pop();
    steps.reduce((at, step) => at[step], next)[last] = value;
  }
  return next;
}

test("what is set makes the one into the other, whatever they are", () => {
  const random = randomFrom(7);
  for (let round = 0; round < 500; round += 1) {
    const before = { a: value(random, 3), b: value(random, 3), kept: 1 };
    const after = { a: value(random, 3), b: random() < 0.5 ? structuredClone(before.b) : value(random, 3) };
    const changes = diff(before, after);
    assert.deepEqual(applied(before, changes), { ...after, kept: 1 });
    assert.deepEqual(diff(applied(before, changes), after), {});
  }
});

test("one price in a list is one path", () => {
  const list = (price) => ({ cards: [{ id: "1", price: "¥3" }, { id: "2", price }] });
  assert.deepEqual(diff(list("¥5"), list("¥6")), { "cards[1].price": "¥6" });
});

test("of a list that has grown at its end, only what is new is set", () => {
  const lines = (...texts) => ({ lines: texts.map((text) => ({ text, tags: ["a", "b"] })) });
  assert.deepEqual(diff(lines("a", "b"), lines("a", "b", "c")), { "lines[2]": lines("c").lines[0] });
});

test("nothing undefined is ever set, and undefined after null is no change", () => {
  assert.deepEqual(diff({ a: 1 }, { a: undefined, b: { c: undefined, d: [undefined] } }), { a: null, b: { c: null, d: [null] } });
  assert.deepEqual(diff({ a: null }, { a: undefined }), {});
});

test("a key that setData would read as a path is set with what holds it", () => {
  assert.deepEqual(diff({ a: { "x.y": 1 } }, { a: { "x.y": 2 } }), { a: { "x.y": 2 } });
});

test("changes of two topics in one turn are drawn once, and only what is shown of them is set", async () => {
  const { store, screen, binding } = bound(({ one, two }) => ({ sum: one.value + two.value, fixed: "x" }));
  binding.see({ one: "t:1", two: "t:2" });
  await turn();
  assert.deepEqual(screen.set, [{ sum: 0, fixed: "x" }]);
  store.push("t:1", 3);
  store.push("t:2", 4);
  await turn();
  assert.deepEqual(screen.set.slice(1), [{ sum: 7 }]);
  store.push("t:1", 4);
  store.push("t:2", 3);
  await turn();
  assert.equal(screen.set.length, 2);
});

test("a hidden page is drawn when it is shown again, as it is then", async () => {
  const { store, screen, binding } = bound(({ one }) => ({ n: one.value }));
  binding.see({ one: "t:1" });
  await turn();
  binding.hide();
  store.push("t:1", 1);
  store.push("t:1", 2);
  await turn();
  assert.equal(screen.set.length, 1);
  binding.show();
  assert.deepEqual(screen.set.slice(1), [{ n: 2 }]);
});

test("what a turn sends goes out before the screen is drawn", async () => {
  const { store, screen, binding } = bound(({ one }) => ({ n: one.value }));
  binding.see({ one: "t:1" });
  await turn();
  store.push("t:1", 1);
  const drawn = await Promise.resolve().then(() => screen.set.length); // as lib/link.js puts a turn's frames into one message
  assert.equal(drawn, 1);
  await turn();
  assert.equal(screen.set.length, 2);
});

test("what is watched already goes on without a question, the rest is let go", () => {
  const { store, binding } = bound(() => ({}));
  binding.see({ one: "t:1", two: "t:2" });
  binding.see({ one: "t:1", two: null, three: "t:3" });
  assert.deepEqual(store.log, ["+t:1", "+t:2", "-t:2", "+t:3"]);
  binding.see({ one: "t:9", three: "t:3" });
  assert.deepEqual(store.log.slice(4), ["-t:1", "+t:9"]);
  binding.end();
  assert.deepEqual(store.log.slice(6).sort(), ["-t:3", "-t:9"]);
});

test("nothing is drawn after the end", async () => {
  const { screen, binding } = bound(() => ({ a: 1 }));
  binding.see({ one: "t:1" });
  binding.end();
  await turn();
  assert.deepEqual(screen.set, []);
});

const turn = () => new Promise((go) => setImmediate(go));

function bound(present) {
  const watchers = new Map();
  const store = {
    log: [],
    watch(topic, watcher) {
      store.log.push(`+${topic}`);
      watchers.set(topic, watcher);
      watcher({ topic, value: 0 });
      return () => store.log.push(`-${topic}`);
    },
    push: (topic, value) => watchers.get(topic)({ topic, value }),
  };
  const screen = {
    data: {},
    set: [],
    setData(changes) {
      screen.set.push(changes);
      screen.data = applied(screen.data, changes);
    },
  };
  return { store, screen, binding: new Binding({ store, present, screen }) };
}

function value(random, depth) {
  const kind = Math.floor(random() * (depth ? 6 : 4));
  if (kind === 0) return null;
  if (kind === 1) return Math.floor(random() * 3);
  if (kind === 2) return ["", "x", "名"][Math.floor(random() * 3)];
  if (kind === 3) return random() < 0.5;
  if (kind === 4) return Array.from({ length: Math.floor(random() * 3) }, () => value(random, depth - 1));
  const names = ["p", "q", "r.s"].filter(() => random() < 0.7);
  return Object.fromEntries(names.map((name) => [name, value(random, depth - 1)]));
}

function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 2 ** 32;
    return state / 2 ** 32;
  };
}
