// credit-bar, rating-stars, user-avatar, chat-bubble: who somebody is, and what they say.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertNamed, from, mount, nameOf, words } from "./mounting.mjs";

const { level, stars } = from("./lib/stars");
const { rows } = from("./lib/talk");

for (const [centistars, ratings] of [[500, 50], [480, 20], [455, 6], [455, 1], [400, 3], [349, 9], [100, 1]]) {
  test(`credit-bar: ${centistars} of ${ratings}`, () => {
    const shown = mount("credit-bar", { centistars, ratings });
    const said = nameOf(shown.at("credit-bar"));
    for (const word of [stars(centistars), words.credit.levels[level(centistars, ratings)], words.credit.count(ratings)]) {
      assert.ok(shown.text.includes(word), word);
      assert.ok(said.includes(word), `${word} is heard`);
    }
    const width = Number.parseFloat(shown.mounted.box.querySelector("[data-testid=credit-fill]").style.width);
    assert.equal(width, (centistars - 100) / 4 > 0 ? Math.round((centistars - 100) / 4) : 0);
    shown.clean();
  });
}

test("credit-bar: nobody has judged somebody new; the first rating changes that; in one line there is no bar", () => {
  const shown = mount("credit-bar");
  assert.ok(shown.text.includes(words.credit.levels.new) && shown.text.includes(words.credit.noRatings));
  shown.set({ centistars: 417, ratings: 1 });
  assert.ok(shown.text.includes(words.credit.count(1)) && !shown.text.includes(words.credit.noRatings));
  shown.set({ compact: true });
  assert.equal(shown.at("credit-fill"), null);
  shown.clean();
});

test("credit-bar: what is not known is nothing bad, and no number that is none", () => {
  const shown = mount("credit-bar", { centistars: null, ratings: null });
  assert.ok(shown.text.includes(words.credit.levels.new));
  assert.ok(!/NaN|null|undefined/.test(shown.text));
  shown.clean();
});

// --- stars ---

const filled = (shown) => [...shown.mounted.box.querySelectorAll("[style*='%']")].map(({ style }) => Number.parseFloat(style.width));

for (const value of [0, 1, 100, 250, 467, 500]) {
  test(`rating-stars: ${value} hundredths`, () => {
    const shown = mount("rating-stars", { value });
    assert.equal(filled(shown).reduce((sum, percent) => sum + percent, 0), value);
    const said = nameOf(shown.at("stars"));
    assert.ok(value ? said.includes(`${value / 100}${words.ratingStars.unit}`) : said.includes(words.ratingStars.none));
    shown.clean();
  });
}

test("rating-stars: a tap gives so many, where they may be given; the same number again is nothing new", () => {
  const given = mount("rating-stars", { value: 0, editable: true, testid: "mine", label: "守时" }).listen("change");
  given.tap("mine-4");
  given.set({ value: 400 });
  given.tap("mine-4");
  given.tap("mine-1");
  assert.deepEqual(given.events, [400, 100].map((value) => ({ type: "change", detail: { value } })));
  assert.ok(nameOf(given.at("mine")).startsWith("守时"));
  assertNamed(given);
  assert.deepEqual([1, 2, 3, 4, 5].map((star) => given.at(`mine-${star}`).getAttribute("aria-checked")), ["false", "false", "false", "true", "false"]);
  given.clean();
});

test("rating-stars: to be looked at, they take no tap and are one picture", () => {
  const shown = mount("rating-stars", { value: 467 }).listen("change");
  shown.tap("stars-2");
  assert.deepEqual(shown.events, []);
  assertNamed(shown);
});

// --- a face ---

test("user-avatar: the picture; without one, or when it does not come, the first letter; nobody's is a sign", () => {
  const shown = mount("user-avatar", { name: "🚲老王", url: "http://127.0.0.1/a.jpg" });
  const image = () => shown.mounted.box.querySelector("img");
  assert.equal(shown.text, "");
  image().onerror();
  assert.equal(image(), null);
  assert.equal(shown.text, "🚲");
  shown.set({ url: "http://127.0.0.1/b.jpg" });
  assert.ok(image(), "another picture is tried");
  shown.set({ url: "", name: "陈建国" });
  assert.equal(shown.text, "陈");
  shown.set({ name: "" });
  assert.equal(shown.text, "");
  assert.ok(shown.mounted.box.querySelector("app-icon"));
  shown.set({ name: null, url: null });
  shown.clean();
});

// --- a line of a conversation ---

const ME = "7";
const OTHER = "9";
const NOW = Date.UTC(2026, 10, 23, 2, 30);
const said = (more) => ({ seq: 1, kind: "text", sender_id: ME, text: "在吗", image_url: "", at_ms: NOW, ...more });
const row = (line, { readBy = [], outgoing = [] } = {}) => rows({ entries: [...(line ? [line] : []), ...readBy], outgoing, me: ME, nowMs: NOW })[0];

test("chat-bubble: the words, the time above, and how far one's own line has come", () => {
  const shown = mount("chat-bubble", { row: row(said()) });
  assert.equal(shown.at("line-text").textContent, "在吗");
  assert.ok(shown.text.includes("10:30"));
  assert.equal(shown.at("line-state").textContent, words.chat.states.sent);
  shown.set({ row: row(said(), { readBy: [{ seq: 2, kind: "read", sender_id: OTHER, up_to: 1, at_ms: NOW }] }) });
  assert.equal(shown.at("line-state").textContent, words.chat.states.read);
  shown.clean();
});

test("chat-bubble: the other's line has their face and no mark", () => {
  const shown = mount("chat-bubble", { row: row(said({ sender_id: OTHER })), initial: "陈建国" });
  assert.equal(shown.at("line-state"), null);
  assert.ok(shown.text.includes("陈"));
  const mine = mount("chat-bubble", { row: row(said()), initial: "陈建国" });
  assert.ok(!mine.text.includes("陈"), "one's own has none");
});

const unsent = (state) => row(null, { outgoing: [{ key: "k7", kind: "text", text: "在吗", path: "", seq: null, since: 0, at_ms: NOW, state }] });

test("chat-bubble: on its way it says so; unsent, it offers to be dealt with, under its key", () => {
  const shown = mount("chat-bubble", { row: unsent("sending") }).listen("retry");
  assert.equal(shown.at("line-state").textContent, words.chat.states.sending);
  assert.equal(shown.at("line-retry"), null);
  shown.set({ row: unsent("failed") });
  assert.equal(shown.at("line-state"), null);
  assertNamed(shown);
  shown.tap("line-retry");
  assert.deepEqual(shown.events, [{ type: "retry", detail: { key: "k7" } }]);
  shown.clean();
});

test("chat-bubble: an image is looked at; one whose address is too old asks for another, unless it is still on its way", () => {
  const image = (more) => ({ ...row(said({ kind: "image", text: "", image_url: "http://127.0.0.1/a.jpg" })), ...more });
  const shown = mount("chat-bubble", { row: image({}) }).listen("look", "broken");
  assertNamed(shown);
  shown.tap("line-image");
  shown.mounted.box.querySelector("img").onerror();
  shown.set({ row: image({ seq: 0, image: "wxfile://tmp/a.jpg" }) });
  shown.mounted.box.querySelector("img").onerror();
  assert.deepEqual(shown.events, [{ type: "look", detail: { url: "http://127.0.0.1/a.jpg" } }, { type: "broken", detail: { seq: 1 } }]);
  shown.clean();
});

test("chat-bubble: what was erased is said to be, and cannot be copied; words can, for as long as a finger rests", () => {
  const shown = mount("chat-bubble", { row: row(said({ erased: true, text: "" })) }).listen("hold");
  assert.equal(shown.at("line-text"), null);
  assert.ok(shown.text.includes(words.chat.erased));
  shown.set({ row: row(said()) });
  shown.mounted.fire(".bubble", "longpress");
  assert.deepEqual(shown.events, [{ type: "hold", detail: { text: "在吗" } }]);
  shown.clean();
});

test("chat-bubble: long words stay whole, those of a stranger stay words, and none is no error", () => {
  const text = `${"长".repeat(2000)}<b>{{1}}</b>`;
  const shown = mount("chat-bubble", { row: row(said({ text })) });
  assert.equal(shown.at("line-text").textContent, text);
  shown.set({ row: null });
  assert.ok(!/undefined|null/.test(shown.text));
  shown.clean();
});
