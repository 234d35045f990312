// service-card, listing-photo, map-module: what a search has found, as a list and as a map.
import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { assertGone, assertNamed, from, mount, nameOf, words } from "./mounting.mjs";

const { cardView } = from("./lib/card");
const { price } = from("./lib/money");
const { distanceM, toMap } = from("./lib/geo");

const LISTING = {
  listing_id: "9007199254740993", title: "四人帐篷", category: "outdoor", status: "live", state: "free", photo: "", photos: [], price_hour_fen: null, price_day_fen: 4500,
  price_week_fen: 18000, deposit_fen: 20000, waives_deposit: false, rating_centistars: 467, ratings: 12,
}; // prettier-ignore
const WHY = { is_new: true, price_percent: -20, ratings: 12, rating_centistars: 467 };

const card = (more, { distance = 1234, why = WHY } = {}) =>
  cardView({ ...LISTING, ...more }, { words: words.card, photoUrl: (photo) => photo && `http://127.0.0.1/${photo}`, distanceM: distance, why });

/** A component's own classes are in the document with its scope before them. */
const sign = (shown, name) => shown.mounted.box.querySelector(`[aria-hidden=true][class$="--${name}"]`);

test("service-card: what a search has found", () => {
  const shown = mount("service-card", { card: card({}) });
  for (const part of [LISTING.title, price(4500), price(18000), words.card.deposit(price(20000)), "4.7", "12", "1.2 km", words.card.isNew, words.card.cheaper(20)]) {
    assert.ok(shown.text.includes(part), `${part} in ${shown.text}`);
  }
  assert.equal(shown.mounted.box.querySelector("img"), null, "there is no photo");
  assertNamed(shown);
  shown.clean();
});

test("service-card: a tap says which listing", () => {
  const shown = mount("service-card", { card: card({}) }).listen("open");
  shown.tap(`card-${LISTING.listing_id}`);
  assert.deepEqual(shown.events, [{ type: "open", detail: { id: LISTING.listing_id } }]);
  shown.clean();
});

for (const [more, said] of [
  [{ state: "free" }, null],
  [{ state: "held" }, words.card.states.held],
  [{ state: "in_use" }, words.card.states.in_use],
  [{ status: "paused" }, words.card.states.off],
]) {
  test(`service-card: ${JSON.stringify(more)} is ${said ?? "not worth a word"}`, () => {
    const shown = mount("service-card", { card: card(more) });
    for (const word of Object.values(words.card.states)) assert.equal(shown.text.includes(word), word === said, word);
    shown.clean();
  });
}

test("service-card: what is not known is not said", () => {
  const shown = mount("service-card", {
    card: cardView({ ...LISTING, ratings: 0, price_week_fen: null, deposit_fen: 0 }, { words: words.card, photoUrl: () => "" }),
  });
  assert.ok(shown.text.includes(words.card.noDeposit));
  for (const none of ["(", "km", " m", "0.0", "undefined", "null", "NaN"]) assert.ok(!shown.text.includes(none), `${none} in ${shown.text}`);
  shown.set({ card: card({ waives_deposit: true }) });
  assert.ok(shown.text.includes(words.card.depositMayBeWaived));
  shown.clean();
});

test("service-card: a push changes what is different, and a photo is shown once there is one", () => {
  const shown = mount("service-card", { card: card({}) });
  shown.set({ card: card({ state: "held", photo: "a.jpg", price_day_fen: 5000 }) });
  assert.ok(shown.text.includes(price(5000)) && !shown.text.includes(price(4500)));
  assert.ok(shown.mounted.box.querySelector("img").src.endsWith("/a.jpg"));
  shown.clean();
});

test("service-card: a title as long as titles may be, and a card that has not come", () => {
  const title = "长".repeat(60);
  assert.ok(mount("service-card", { card: card({ title }) }).text.includes(title));
  const empty = mount("service-card");
  assert.ok(!/undefined|null/.test(empty.text));
  empty.set({ card: null });
  empty.clean();
});

test("every category has its sign", () => {
  const drawn = fs.readFileSync(from.resolve("./components/app-icon/app-icon.wxss"), "utf8");
  for (const category of Object.keys(words.categories)) {
    const shown = mount("service-card", { card: card({ category }) });
    assert.ok(sign(shown, category), `a sign for ${category}`);
    assert.ok(drawn.includes(`.${category} {`), `${category} is drawn`);
  }
});

test("listing-photo: the photo; the category's sign without one or when it does not come; the next one again", () => {
  const shown = mount("listing-photo", { src: "http://127.0.0.1/a.jpg", category: "books" });
  const image = () => shown.mounted.box.querySelector("img");
  assert.ok(image());
  image().onerror();
  assert.equal(image(), null);
  assert.ok(sign(shown, "books"));
  shown.set({ src: "http://127.0.0.1/b.jpg" });
  assert.ok(image().src.endsWith("/b.jpg"));
  shown.set({ src: "" });
  assert.equal(image(), null);
  shown.clean();
});

// --- the map ---

const CENTER = { lat: 31.23, lng: 121.47 };
const PINS = [
  { id: "9007199254740993", lat: 31.23, lng: 121.47, text: "¥60/天", state: "free" },
  { id: "118047659043466353", lat: 31.24, lng: 121.48, text: "¥8/时", state: "held" },
  { id: "3", lat: 31.22, lng: 121.46, text: "¥1.2万/周", state: "in_use" },
];
const markers = (shown) => JSON.parse(JSON.stringify(shown.mounted.instance.data.markers));
const raise = (shown, name, detail) => shown.mounted.fire(".mm-map", name, detail);

test("map-module: a pin with its price where each place is; the states look different", () => {
  const shown = mount("map-module", { pins: PINS, center: CENTER });
  assert.deepEqual(markers(shown).map(({ callout }) => callout.content), PINS.map(({ text }) => text));
  for (const [index, { lat, lng }] of PINS.entries()) {
    const { latitude, longitude } = markers(shown)[index];
    assert.deepEqual({ lat: latitude, lng: longitude }, toMap({ lat, lng }));
  }
  assert.equal(new Set(markers(shown).map(({ iconPath }) => iconPath)).size, PINS.length);
  for (const { iconPath } of markers(shown)) assert.ok(fs.existsSync(from.resolve(`.${iconPath}`)), iconPath);
  shown.clean();
});

test("map-module: a state that is new to it is a pin all the same", () => {
  const shown = mount("map-module", { pins: [{ ...PINS[0], state: "someday" }], center: CENTER });
  assert.equal(markers(shown)[0].callout.content, PINS[0].text);
  shown.clean();
});

test("map-module: a tapped pin or its price is chosen by its id, the ground is nobody; the chosen one stands out", () => {
  const shown = mount("map-module", { pins: PINS, center: CENTER }).listen("choose");
  raise(shown, "markertap", { markerId: markers(shown)[1].id });
  raise(shown, "callouttap", { markerId: markers(shown)[2].id });
  raise(shown, "tap");
  raise(shown, "markertap", { markerId: 99 });
  assert.deepEqual(shown.events.map(({ detail }) => detail.id), [PINS[1].id, PINS[2].id, ""]);
  shown.set({ chosen: PINS[1].id });
  const [first, second] = markers(shown);
  assert.ok(second.zIndex > first.zIndex && second.width > first.width);
  shown.set({ chosen: "", pins: [] });
  assert.deepEqual(markers(shown), []);
  shown.clean();
});

test("map-module: it tells what it shows when it is drawn and after each move, in the wire's places", async () => {
  const shown = mount("map-module", { pins: PINS, center: CENTER }).listen("move");
  await shown.clock.pass(1000);
  assert.equal(shown.events.length, 1);
  const { south, west, north, east } = shown.events[0].detail.box;
  assert.ok(distanceM(CENTER, { lat: (south + north) / 2, lng: (west + east) / 2 }) < 1, "around its centre");
  raise(shown, "regionchange", { type: "begin", causedBy: undefined });
  await shown.clock.pass(1000);
  assert.equal(shown.events.length, 1, "not while it is moved");
  raise(shown, "regionchange", { type: "end", causedBy: "drag" });
  await shown.clock.pass(1000);
  assert.equal(shown.events.length, 2);
  shown.clean();
});

test("map-module: one to look at has no button, moves nowhere and tells nothing; where it is only about right it is a circle", async () => {
  const shown = mount("map-module", { still: true, center: CENTER, blurM: 300 }).listen("move", "locate");
  await shown.clock.pass(1000);
  assert.equal(shown.at("locate"), null);
  assert.deepEqual(shown.events, []);
  const [circle] = shown.mounted.instance.data.circles;
  assert.equal(circle.radius, 300);
  assert.deepEqual({ lat: circle.latitude, lng: circle.longitude }, toMap(CENTER));
  shown.set({ blurM: 0 });
  assert.equal(shown.mounted.instance.data.circles.length, 0);
  shown.clean();
});

test("map-module: the way back to oneself is a button with a name", () => {
  const shown = mount("map-module", { center: CENTER }).listen("locate");
  assertNamed(shown);
  assert.ok(nameOf(shown.at("locate")));
  shown.tap("locate");
  assert.deepEqual(shown.events.map(({ type }) => type), ["locate"]);
});

test("map-module: the same place again is not set again, and no place is no place", () => {
  const shown = mount("map-module", { center: CENTER });
  const { latitude } = shown.mounted.instance.data;
  const { drawn } = shown;
  shown.set({ center: { ...CENTER } });
  assert.equal(shown.drawn, drawn + 1, "only what the test has set");
  shown.set({ center: null, pins: null });
  assert.equal(shown.mounted.instance.data.latitude, latitude);
  shown.clean();
});

test("map-module: gone before it was drawn, it tells nothing", async () => {
  const shown = mount("map-module", { center: CENTER }).listen("move");
  await assertGone(shown);
  shown.clean();
});
