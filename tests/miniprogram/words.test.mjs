// People read words for all that the server may say. What it may say is in CODES.
import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const strings = { ...require("../../miniprogram/strings"), ...require("../../miniprogram/deal/strings") };
const life = require("../../miniprogram/lib/life");

const codes = JSON.parse(fs.readFileSync(process.env.CODES, "utf8"));
const CHINESE = /[\u4e00-\u9fff]/;

const reads = (text, what) => assert.match(String(text), CHINESE, what);

test("every refusal has a reason, and so has one that is not known yet", () => {
  for (const code of [...codes.errors, "network", "timeout"]) assert.ok(code in strings.errors, code);
  for (const code of [...codes.errors, "something_new"]) reads(strings.reason({ code, data: {} }), code);
  assert.notEqual(strings.reason({ code: "slot_taken" }), strings.reason({ code: "something_new" }));
});

test("a reason says what its data says", () => {
  assert.match(strings.reason({ code: "held", data: { until_ms: 90000 } }, 60000), /00:30/);
  assert.match(strings.reason({ code: "too_much", data: { limit_fen: 12345 } }), /123\.45/);
  assert.doesNotMatch(strings.reason({ code: "too_much", data: { limit: 40 } }), /undefined|NaN/);
});

test("every state of an order has a title, a word for each side, and a place in the timeline", () => {
  for (const state of codes.states) {
    const [title, about] = strings.order.states[state];
    for (const text of [title, about.buyer, about.owner]) reads(text, state);
    for (const { label } of life.timeline(state, strings.order.steps)) reads(label, state);
  }
});

test("everything that a party may do is a button, and is asked for in some way", () => {
  for (const action of codes.actions) {
    reads(strings.order.actions[action], action);
    const { first, second, more } = life.buttons([action]);
    assert.deepEqual([first, second, ...more].filter(Boolean), [action]);
    const form = life.FORMS[action];
    if (form === "ask") reads(strings.order.ask[action][0], action);
    if (["code", "reason", "case", "claim"].includes(form)) reads(strings.order.sheets[action].title, action);
  }
});

test("of all that a party may do in a state nothing is lost among the buttons", () => {
  for (const actions of codes.offers) {
    const { first, second, more } = life.buttons(actions);
    assert.deepEqual([first, second, ...more].filter(Boolean).sort(), [...actions].sort());
  }
});

test("what happens by itself is told, and so is every line of a bill, policy and category", () => {
  for (const name of codes.timers) reads(strings.order.dues[name], name);
  for (const code of codes.lines) reads(strings.bill.lines[code], code);
  for (const policy of codes.policies) reads(strings.policies[policy].about, policy);
  assert.deepEqual(strings.categories, codes.categories);
});
