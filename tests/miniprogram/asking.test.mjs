// Which subscribe messages are asked for, and what is told of the answers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { answersOf, mayAsk, merged, toAsk } = require("../../miniprogram/lib/asking");

const NOW = 1_800_000_000_000;
const DAY = 86_400_000;
const OPEN = { on: true, kept: {} };
const KINDS = ["progress", "reminder", "chat", "booking"];
const kind = (name, more = {}) => ({ kind: name, template_id: `T-${name}`, remaining: 0, wanted: true, declined_ms: 0, ...more });
const all = KINDS.map((name) => kind(name));
const asked = (list, settings = OPEN, kinds = KINDS) => toAsk(kinds, list, settings, NOW).map((one) => one.kind);
const but = (name, more) => all.map((one) => (one.kind === name ? { ...one, ...more } : one));

test("three at most, the most useful first, and only those that there are", () => {
  assert.deepEqual(asked(all), ["progress", "reminder", "chat"]);
  assert.deepEqual(asked(all, OPEN, ["chat", "money", "progress"]), ["chat", "progress"]);
  assert.deepEqual(asked([]), []);
});

test("not what is switched off, allowed often enough, or refused of late", () => {
  const rest = ["reminder", "chat", "booking"];
  assert.deepEqual(asked(but("progress", { wanted: false })), rest);
  assert.deepEqual(asked(but("progress", { remaining: 5 })), rest);
  assert.deepEqual(asked(but("progress", { declined_ms: NOW - 6 * DAY })), rest);
  assert.deepEqual(asked(but("progress", { declined_ms: NOW - 8 * DAY, remaining: 4 })), ["progress", "reminder", "chat"]);
});

test("not what was refused for good in WeChat; what is always allowed costs no sheet, and is counted", () => {
  for (const said of ["reject", "ban"]) assert.deepEqual(asked(all, { on: true, kept: { "T-progress": said } }), ["reminder", "chat", "booking"]);
  assert.deepEqual(asked(all, { on: true, kept: { "T-progress": "accept" } }), ["progress", "reminder", "chat"]);
  assert.deepEqual(asked(all, { on: false, kept: {} }), []);
  assert.ok(mayAsk(kind("chat"), OPEN));
});

test("each answer goes to its kind; of what WeChat left out nothing is said", () => {
  const said = { "T-progress": "accept", "T-chat": "reject" };
  assert.deepEqual(answersOf(all, said), [
    { kind: "progress", answer: "accept" },
    { kind: "chat", answer: "reject" },
  ]);
  assert.deepEqual(answersOf(all, {}), []);
  const after = merged(all, [kind("chat", { remaining: 7 })]);
  assert.deepEqual(after.map(({ remaining }) => remaining), [0, 0, 7, 0]); // prettier-ignore
});
