// A view that moves over the map: no cell is left before those entered are known, and the picture is what the cells say together.
import assert from "node:assert/strict";
import { test } from "node:test";
import { cellOf } from "../../miniprogram/lib/geo.js";
import { Viewport, onOffer } from "../../miniprogram/lib/viewport.js";
import { Bench, settled } from "./fakes.mjs";
import { answer, push } from "./shown.mjs";

const HERE = { lat: 31.23, lng: 121.47 };
const STEP = 360 / 2 ** 13; // a cell's width
const A = cellOf(HERE);
const B = cellOf({ ...HERE, lng: HERE.lng + STEP });
const C = cellOf({ ...HERE, lng: HERE.lng + 2 * STEP });

/** A view inside of one cell, so many cells to the east. */
const box = (cells, wide = 0) => ({
  south: HERE.lat, north: HERE.lat + 1e-6, west: HERE.lng + cells * STEP, east: HERE.lng + (cells + wide) * STEP + 1e-6,
}); // prettier-ignore
const card = (version, status = "live", more = {}) => ({ version, status, state: "free", ...more });
const area = (cell, cards) => ({
  topic: `area:${cell}`, kind: "keyed", version: 100, entries: Object.keys(cards).map((key) => ({ key, version: cards[key].version, payload: cards[key] })),
}); // prettier-ignore
const asked = (bench, op) => bench.socket.got(op).map((frame) => frame.topics.map((topic) => (Array.isArray(topic) ? topic[0] : topic)));

async function looking(bench, first = box(0)) {
  const pictures = [];
  const viewport = new Viewport({ store: bench.hub.store, tell: (picture) => pictures.push(picture) });
  viewport.look(first);
  await settled();
  return { viewport, pictures, get last() { return pictures[pictures.length - 1]; } }; // prettier-ignore
}

test("what is in view is watched, and shown as it changes", async () => {
  const bench = new Bench();
  await bench.live();
  const map = await looking(bench);
  assert.deepEqual(asked(bench, "subscribe"), [[`area:${A}`]]);
  assert.deepEqual(map.last, { cards: {}, settled: false, wide: false });
  await answer(bench, [area(A, { 1: card(1), 2: card(1) })]);
  assert.deepEqual(Object.keys(map.last.cards), ["1", "2"]);
  assert.equal(map.last.settled, true);
  const told = map.pictures.length;
  await bench.socket.say(
    push(`area:${A}`, "keyed", 2, card(1, "live", { state: "in_use" }), { key: "1" }),
    push(`area:${A}`, "keyed", 2, card(2, "paused"), { key: "2" }),
    push(`area:${A}`, "keyed", 1, card(1), { key: "3" }),
  );
  assert.deepEqual(Object.keys(map.last.cards), ["1", "3"]);
  assert.equal(map.last.cards[1].state, "in_use");
  assert.equal(map.pictures.length, told + 1, "once per turn");
});

test("a cell is left only when all that are entered have been answered for", async () => {
  const bench = new Bench();
  await bench.live();
  const map = await looking(bench);
  await answer(bench, [area(A, { 1: card(1) })]);
  map.viewport.look(box(1, 1));
  await settled();
  assert.deepEqual(asked(bench, "subscribe")[1].sort(), [`area:${B}`, `area:${C}`].sort());
  assert.deepEqual(asked(bench, "unsubscribe"), []);
  assert.deepEqual(Object.keys(map.last.cards), ["1"], "what was known is shown still");
  await bench.socket.say(push(`area:${A}`, "keyed", 2, card(1, "live", { state: "held" }), { key: "1" }));
  assert.equal(map.last.cards[1].state, "held", "and lives on");
  await answer(bench, [area(B, { 2: card(1) }), area(C, { 3: card(1) })]);
  await settled();
  assert.deepEqual(asked(bench, "unsubscribe"), [[`area:${A}`]]);
  assert.deepEqual(Object.keys(map.last.cards), ["2", "3"]);
});

test("back before the answer: nothing is left, and nothing asked twice", async () => {
  const bench = new Bench();
  await bench.live();
  const map = await looking(bench);
  await answer(bench, [area(A, { 1: card(1) })]);
  map.viewport.look(box(1));
  await settled();
  map.viewport.look(box(0));
  await settled();
  assert.deepEqual(asked(bench, "subscribe"), [[`area:${A}`], [`area:${B}`]]);
  assert.deepEqual(asked(bench, "unsubscribe"), [[`area:${B}`]]);
  assert.deepEqual(Object.keys(map.last.cards), ["1"]);
});

test("a listing that moves while the view does is shown once, wherever it is heard of first", () => {
  const left = card(9, "gone"); // a cell's own count, which may be above the listing's
  const there = card(4, "live", { lat: 2 });
  const stale = card(3, "live", { lat: 1 });
  const view = (cards) => ({ value: cards });
  for (const views of [[view({ 1: left }), view({ 1: there })], [view({ 1: there }), view({ 1: left })], [view({ 1: stale }), view({ 1: there })]]) {
    assert.deepEqual(onOffer(views), { 1: there });
    assert.deepEqual(onOffer([...views].reverse()), { 1: there });
  }
  assert.deepEqual(onOffer([view({ 1: left }), null, view(null)]), {});
  assert.deepEqual(onOffer([view({ 1: stale }), view({ 1: card(5, "closed") })]), {});
});

test("a cell that is refused keeps nobody waiting; one that cannot be read does", async () => {
  const bench = new Bench();
  await bench.live();
  const map = await looking(bench);
  await answer(bench, [area(A, { 1: card(1) })]);
  map.viewport.look(box(1));
  await settled();
  await answer(bench, [], [{ topic: `area:${B}`, code: "unavailable" }]);
  assert.deepEqual([map.last.settled, Object.keys(map.last.cards)], [false, ["1"]]);
  await bench.time.pass(300);
  await answer(bench, [], [{ topic: `area:${B}`, code: "too_many_topics" }]);
  await settled();
  assert.deepEqual(asked(bench, "unsubscribe"), [[`area:${A}`]]);
});

test("however fast the view moves, no more than twice the cells in view are watched", async () => {
  const bench = new Bench();
  await bench.live();
  const map = await looking(bench);
  for (let cells = 1; cells < 100; cells += 1) map.viewport.look(box(cells));
  await settled();
  const watched = new Set(asked(bench, "subscribe").flat());
  for (const topic of asked(bench, "unsubscribe").flat()) watched.delete(topic);
  assert.ok(watched.size <= 32, `${watched.size}`);
  map.viewport.look(null);
  await settled();
  assert.deepEqual(map.last, { cards: {}, settled: true, wide: false });
});

test("a view that is too wide is not watched, and says so", async () => {
  const bench = new Bench();
  await bench.live();
  const map = await looking(bench);
  await answer(bench, [area(A, { 1: card(1) })]);
  map.viewport.look({ south: 20, north: 40, west: 100, east: 130 });
  await settled();
  assert.deepEqual(map.last, { cards: {}, settled: true, wide: true });
  assert.deepEqual(asked(bench, "unsubscribe"), [[`area:${A}`]]);
  map.viewport.end();
  map.viewport.look(box(0));
  await settled();
  assert.equal(asked(bench, "subscribe").length, 1);
});
