// Which part of a long conversation is drawn, while lines come and the reader goes up and down in it.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";

const require = createRequire(import.meta.url);
const { pieces, within, settled, earlier, later } = require("../../miniprogram/deal/chat/window.js");

const START = { from: null, to: null };
/** A phone draws no more nodes than a thousand, and a line takes ten. */
const DRAWABLE = 95;

/** Lines of these numbers; each third number is a read mark, which is no line. */
function lines(first, last) {
  const all = [];
  for (let seq = first; seq <= last; seq++) if (seq % 3) all.push({ id: `s${seq}`, seq });
  return all;
}

const drawn = (all, window) => within(pieces(all), window).flatMap(({ rows }) => rows.map(({ seq }) => seq));

test("a piece's lines stay in it, whatever comes before or after", () => {
  const some = pieces(lines(40, 80));
  const more = pieces(lines(1, 120));
  for (const piece of some.slice(1, -1)) assert.deepEqual(more.find(({ id }) => id === piece.id), piece);
  assert.ok(more.every(({ rows }) => rows.length <= 15));
});

test("what has no number yet is in no piece", () => {
  assert.deepEqual(pieces([{ id: "o1", seq: 0 }]), []);
});

test("the newest lines are drawn; older ones that come to know fill a screen that had few", () => {
  const few = lines(70, 80);
  const window = settled(pieces(few), START, true);
  assert.deepEqual(drawn(few, window), few.map(({ seq }) => seq));
  const all = lines(1, 80);
  const wider = drawn(all, settled(pieces(all), window, true));
  assert.ok(wider.length >= 30 && wider.at(-1) === 80, wider.join());
});

test("a long talk: the start of what is drawn moves seldom, and never is too much drawn", () => {
  let window = START;
  let moves = 0;
  for (let last = 1; last <= 600; last++) {
    const all = lines(1, last);
    const next = settled(pieces(all), window, true);
    if (next.from !== window.from) moves += 1;
    window = next;
    const seqs = drawn(all, window);
    assert.equal(seqs.at(-1), all.at(-1).seq);
    assert.ok(seqs.length <= DRAWABLE);
  }
  assert.ok(moves < 600 / 40, `${moves} moves`);
});

test("up to the first line and down to the last: all are seen, in order, never too many at once", () => {
  const all = lines(1, 600);
  const known = pieces(all);
  let window = settled(known, START, true);
  const seen = new Set(drawn(all, window));
  for (let step = 0; step < 40; step++) {
    window = earlier(known, window);
    const seqs = drawn(all, window);
    assert.ok(seqs.length <= DRAWABLE, `${seqs.length}`);
    for (const seq of seqs) seen.add(seq);
  }
  assert.equal(seen.size, all.length);
  assert.equal(drawn(all, window)[0], 1);
  assert.notEqual(window.to, null);
  const down = new Set();
  while (window.to !== null) {
    const before = drawn(all, window).at(-1);
    window = later(known, window);
    assert.ok(drawn(all, window).at(-1) > before);
    for (const seq of drawn(all, window)) down.add(seq);
  }
  assert.ok(drawn(all, window).length <= DRAWABLE + 15);
  assert.ok(down.has(600 - 1));
});

test("who reads older lines stays where they are when new ones come", () => {
  let window = settled(pieces(lines(1, 200)), START, true);
  window = earlier(pieces(lines(1, 200)), window);
  const top = drawn(lines(1, 200), window)[0];
  for (let last = 201; last <= 400; last++) {
    window = settled(pieces(lines(1, last)), window, false);
    assert.equal(drawn(lines(1, last), window)[0], top);
    assert.ok(drawn(lines(1, last), window).length <= DRAWABLE);
  }
  assert.notEqual(window.to, null, "what is new is below");
});
