// How a conversation is shown, from the log and from what this phone has said.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";

const require = createRequire(import.meta.url);
const { rows, unreadUpTo, fold, joined } = require("../../miniprogram/lib/talk.js");
const { Outgoing } = require("../../miniprogram/lib/outgoing.js");

const NOON = Date.UTC(2026, 10, 23, 4);
const ME = "1";
const OTHER = "2";

function line(seq, sender_id, text, more = {}) {
  return { seq, sender_id, kind: "text", text, preset: "", object_key: "", image_url: "", up_to: 0, erased: false, at_ms: NOON + seq * 1000, ...more };
}

function mark(seq, sender_id, up_to) {
  return line(seq, sender_id, "", { kind: "read", up_to });
}

function shown(entries, outgoing = []) {
  return rows({ entries, outgoing, me: ME, nowMs: NOON });
}

function waiting(key, text, more = {}) {
  return { key, kind: "text", text, preset: "", object_key: "", path: "", state: "sending", seq: null, since: 0, at_ms: NOON, ...more };
}

test("one's own lines are sent until the other's mark covers them", () => {
  const entries = [line(1, ME, "在吗"), line(2, OTHER, "在"), line(3, ME, "好"), mark(4, OTHER, 2), mark(5, ME, 2)];
  assert.deepEqual(shown(entries).map(({ text, state }) => [text, state]), [["在吗", "read"], ["在", ""], ["好", "sent"]]);
});

test("a state is said once, below the last of the lines that share it; what was not sent says so each", () => {
  const entries = [line(1, ME, "在吗"), line(2, ME, "喂"), line(3, OTHER, "在"), mark(4, OTHER, 2), line(5, ME, "好"), line(6, ME, "来了")];
  const unsent = [waiting("a", "一", { state: "failed", since: 6 }), waiting("b", "二", { state: "failed", since: 6 })];
  const says = shown(entries, unsent).map(({ text, says: told }) => [text, told]);
  assert.deepEqual(says, [["在吗", false], ["喂", true], ["在", false], ["好", false], ["来了", true], ["一", true], ["二", true]]);
});

test("a line that is under way shows once, whether the push or the answer comes first", () => {
  const item = waiting("k", "好", { since: 1 });
  const before = [line(1, OTHER, "几点")];
  assert.deepEqual(shown(before, [item]).map(({ state }) => state), ["", "sending"]);
  const pushed = [...before, line(2, ME, "好")];
  assert.deepEqual(shown(pushed, [item]).map(({ state }) => state), ["", "sent"]);
  assert.deepEqual(shown(before, [{ ...item, state: "sent", seq: 2 }]).map(({ state }) => state), ["", "sent"]);
  assert.deepEqual(shown(pushed, [{ ...item, state: "sent", seq: 2 }]).map(({ state }) => state), ["", "sent"]);
});

test("the same words said twice are two lines", () => {
  const entries = [line(1, ME, "好")];
  const twice = [waiting("a", "好", { since: 0 }), waiting("b", "好", { since: 0 })];
  assert.equal(shown(entries, twice).length, 2);
  const earlier = waiting("c", "好", { since: 1 });
  assert.equal(shown(entries, [earlier]).length, 2, "what was said before is not what is said now");
});

test("the time is told at the start and after a pause", () => {
  const entries = [line(1, ME, "早"), line(2, ME, "又"), line(3, OTHER, "好", { at_ms: NOON + 6 * 60000 })];
  assert.deepEqual(shown(entries).map(({ time }) => time !== ""), [true, false, true]);
});

test("what was erased says so and nothing else", () => {
  const [row] = shown([line(1, OTHER, "", { erased: true })]);
  assert.deepEqual([row.kind, row.text], ["erased", ""]);
});

test("reading is told up to the other's last line, once", () => {
  assert.equal(unreadUpTo([line(1, OTHER, "a"), line(2, ME, "b")], ME), 1);
  assert.equal(unreadUpTo([line(1, OTHER, "a"), mark(2, ME, 1)], ME), 0);
  assert.equal(unreadUpTo([line(1, ME, "a")], ME), 0);
});

test("a list's row follows the log", () => {
  const view = { last_seq: 4, last_ms: NOON, last_line: line(4, OTHER, "在吗"), unread: 2, read_up_to: 1, other_read_up_to: 0 };
  assert.equal(fold(view, [], ME).unread, 2);
  const more = fold(view, [line(5, OTHER, "？")], ME);
  assert.deepEqual([more.unread, more.last_line.text], [3, "？"]);
  assert.equal(fold(view, [mark(5, ME, 4)], ME).unread, 0);
  assert.equal(fold(view, [mark(5, ME, 4), line(6, OTHER, "好")], ME).unread, 1);
  assert.equal(fold(view, [line(5, ME, "在")], ME).unread, 2, "an answer alone is no read mark");
});

test("older lines and the log are one list without doubles", () => {
  const older = [line(1, ME, "a"), line(2, ME, "b"), line(3, ME, "c")];
  const log = [3, 4].map((version) => ({ version, payload: line(version, OTHER, "x") }));
  assert.deepEqual(joined(older, log).map(({ seq }) => seq), [1, 2, 3, 4]);
  assert.deepEqual(joined(older, null), older);
});

function phone(answers) {
  const kept = { items: null };
  const sent = [];
  let keys = 0;
  const outgoing = () =>
    new Outgoing({
      send: (body, { key }) => {
        sent.push([key, body]);
        return answers.shift()();
      },
      upload: async (conversation, path) => `chat/${conversation}/${path}`,
      load: () => kept.items,
      save: (items) => (kept.items = JSON.parse(JSON.stringify(items))),
      now: () => NOON,
      newKey: () => `k${(keys += 1)}`,
    });
  return { kept, sent, outgoing };
}

test("an unsent line outlives the app, and is said again under its key", async () => {
  const refuse = () => Promise.reject(Object.assign(new Error("x"), { code: "timeout" }));
  const { kept, sent, outgoing } = phone([refuse, () => Promise.resolve({ seq: 7 })]);
  await outgoing().say("9", { kind: "text", text: "你好" }, 3);
  const later = outgoing();
  const [item] = later.of("9");
  assert.deepEqual([item.state, item.text], ["failed", "你好"]);
  await later.retry(item.key);
  assert.equal(sent[0][0], sent[1][0]);
  assert.deepEqual(sent[0][1], { conversation_id: "9", kind: "text", text: "你好" });
  assert.deepEqual([later.of("9")[0].state, kept.items.length], ["sent", 0]);
  later.settle("9", 7);
  assert.equal(later.of("9").length, 0);
});

test("an image is uploaded once, however often it is said", async () => {
  const refuse = () => Promise.reject(Object.assign(new Error("x"), { code: "timeout" }));
  const { sent, outgoing } = phone([refuse, () => Promise.resolve({ seq: 1 })]);
  const talk = outgoing();
  await talk.say("9", { kind: "image", path: "a.jpg" }, 0);
  await talk.retry(talk.of("9")[0].key);
  assert.deepEqual(sent.map(([, body]) => body.object_key), ["chat/9/a.jpg", "chat/9/a.jpg"]);
});
