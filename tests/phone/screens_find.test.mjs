// Finding something, looking at it and booking it, full, empty, refused and in error (gallery.mjs).
import { after, test } from "node:test";
import { Gallery } from "./gallery.mjs";
import { choosesTime, Desk, enter, LONG, neighbourhood, somebody } from "./neighbours.mjs";

const HOUR_MS = 3_600_000;
/** Out of the other tests' sight, and of an earlier run's: a full neighbourhood, an empty one, and a city that is not open. */
const TOWN = { latitude: 30.6 + 0.4 * Math.random(), longitude: 121 + 0.7 * Math.random() };
const SEA = { latitude: 31.3, longitude: 122.2 };
const CLOSED = { latitude: 43.8171, longitude: 125.3235 };
const SOLD_OUT = "今天订满了的自行车";
const people = { owner: somebody("owner"), buyer: somebody("buyer"), rival: somebody("rival") };
let owner, buyer, rival, things;

neighbourhood(async () => {
  [owner, buyer, rival] = await Promise.all(Object.values(people).map((openid) => Desk.of(openid)));
  await opens(["shanghai"]);
  const photos = await Promise.all([20, 200, 120].map((hue) => owner.photo(hue)));
  let number = 0;
  const around = () => ({ lat: TOWN.latitude + 0.0025 * Math.sin(++number), lng: TOWN.longitude + 0.005 * Math.cos(number) });
  const publish = (title, terms) => owner.publishes(title, { ...around(), ...terms });
  const named = {
    full: publish(LONG, {
      photos, price_day_fen: 3000, price_week_fen: 15000, capacity: 3, waives_deposit: true, description: "九成新。\n请轻拿轻放，用完擦干净。".repeat(4),
      surcharge_bp: [0, 0, 0, 0, 0, 2000, 2000], notice_minutes: 60, shortest_minutes: 60, policy: "moderate",
    }),
    single: publish("露营帐篷", { category: "outdoor", photos: photos.slice(1, 2) }),
    taken: publish(SOLD_OUT, { category: "bicycles" }),
    asked: publish("烘焙课，一对一", { category: "skills", booking: "request", deposit_fen: 0, price_hour_fen: 12000, attributes: { mode: "here" } }),
    dear: publish("全画幅相机套装", { category: "cameras", policy: "strict" }),
    cheap: publish("登山杖", { category: "outdoor" }),
    paused: publish("投影仪"),
    closed: publish("旧自行车", { category: "bicycles" }),
  }; // prettier-ignore
  const farther = () => ({ lat: TOWN.latitude + 0.02 });
  const rest = Array.from({ length: 16 }, (_, index) => publish(`工具 ${index + 1} 号`, { ...farther(), category: ["tools", "books", "spaces", "other"][index % 4] }));
  const made = await Promise.all([...Object.values(named), ...rest]);
  things = Object.fromEntries(Object.keys(named).map((name, index) => [name, made[index]]));
  things.review = await owner.ask("POST", "/v1/listings", {
    title: "可疑的箱子", description: "看一眼再说", category: "other", ...around(), plan: { weekly: Array.from({ length: 7 }, () => [[0, 1440]]) }, price_day_fen: 900,
  }); // prettier-ignore
  await rival.orders(things.taken, { paid: false, hours: 20 });
  for (const act of ["paused", "closed"]) await owner.ask("POST", `/v1/listings/${things[act].listing_id}/${act === "paused" ? "pause" : "close"}`, { version: things[act].version });
});
after(() => opens([]));

/** Where the market is open; nowhere named: everywhere. */
async function opens(regions) {
  const operator = await Desk.of("operator");
  const { flags } = await operator.ask("GET", "/v1/flags");
  const known = flags.find(({ name }) => name === "region_live");
  const version = known ? known.version : 0;
  await operator.ask("POST", "/v1/flags", { name: "region_live", version, on: true, regions, reason: "the others are not ready" });
}

const page = (name) => `/deal/listing/listing?id=${things[name].listing_id}`;

/** Booking it the day after tomorrow at that hour; each look takes another, so that nobody is in the way. */
function booking(name, hour) {
  const start = Math.floor(Date.now() / (24 * HOUR_MS)) * 24 * HOUR_MS + (40 + hour) * HOUR_MS;
  const end = start + HOUR_MS;
  return { start, end, url: `/deal/booking/booking?listing=${things[name].listing_id}&start=${start}&end=${end}&seats=1` };
}

/** A phone that is somewhere, at the first page. */
async function there(openid, place) {
  const phone = await enter(openid, { stay: true });
  if (place) await phone.answer("getFuzzyLocation", place);
  else await phone.failNext("getFuzzyLocation", "auth deny");
  await phone.tap("agree");
  await phone.at("pages/discover/discover");
  return { phone, gallery: new Gallery(phone) };
}

test("finding", async () => {
  const { phone, gallery } = await there(people.buyer, TOWN);
  await gallery.look("discover", "turn");
  const holding = await rival.command("orders.hold", { listing_id: things.single.listing_id, start_ms: booking("single", 0).start, end_ms: booking("single", 0).end });
  await phone.sees(`card-${things.single.listing_id}`, "有人正在预订");
  await gallery.look("discover-wanted");
  await phone.page.locator(".mp-page:not([hidden]) .mp-scroll").evaluate((scroll) => scroll.scrollTo(0, scroll.scrollHeight));
  await phone.sees("end", "到底");
  await gallery.lookWhole("discover-end", "end");
  await rival.command("orders.release_hold", { listing_id: things.single.listing_id, lease_id: holding.lease_id });
  await phone.tap("filter");
  await phone.tap("filter-day");
  await phone.confirm();
  await gallery.look("discover-filter", "filter-sheet");
  await phone.tap("filter-done");
  await gallery.look("discover-filtered", "turn");
  await phone.tap("turn");
  await gallery.look("discover-map", "map");
  await phone.screen.locator(".mp-callout").last().dispatchEvent("click"); // whatever lies over it
  await gallery.look("discover-pin", "chosen");
  gallery.isClean();
});

test("finding nothing", async () => {
  const sea = await there(somebody("newcomer"), SEA);
  await sea.gallery.look("discover-empty", "empty");
  await sea.phone.type("search", "没有这样的东西");
  await sea.phone.on("search").locator("input").press("Enter");
  await sea.phone.reads("清除条件");
  await sea.gallery.look("discover-unfound", "empty");
  await sea.gallery.inError("discover", () => sea.phone.tap("search-clear"));
  sea.gallery.isClean();

  const closed = await there(somebody("newcomer"), CLOSED);
  await closed.phone.reads("还没有开放");
  await closed.gallery.look("discover-closed", "empty");
  closed.gallery.isClean();

  const lost = await there(somebody("newcomer"), null);
  await lost.gallery.look("discover-lost", "lost");
  await lost.phone.tap("choose-place");
  await lost.phone.press(lost.phone.page.locator(".mp-layer").getByText("人民广场"));
  await lost.phone.on("lost").waitFor({ state: "detached" });
  lost.gallery.isClean();
});

test("looking at it", async () => {
  const phone = await enter(people.buyer);
  const gallery = new Gallery(phone);
  await phone.go(page("full"));
  await gallery.lookWhole("listing", "calendar");
  await choosesTime(phone);
  await gallery.lookWhole("listing-chosen", "bill");
  await phone.back();
  const { start, end } = booking("single", 2);
  await phone.go(page("single"));
  await phone.sees("calendar");
  const held = await rival.command("orders.hold", { listing_id: things.single.listing_id, start_ms: start, end_ms: end });
  await gallery.look("listing-held", "hold");
  await rival.command("orders.release_hold", { listing_id: things.single.listing_id, lease_id: held.lease_id });
  await phone.back();
  for (const name of ["taken", "asked", "paused"]) await gallery.visit(`listing-${name}`, page(name), "title");
  await gallery.visit("listing-closed", page("closed"));
  await gallery.visit("listing-error", "/deal/listing/listing?id=1", "error");
  await gallery.visit("booking-error", "/deal/booking/booking?listing=1&start=9&end=8", "error");
  gallery.isClean();

  const other = await enter(people.owner);
  const own = new Gallery(other);
  for (const name of ["full", "paused", "closed", "review"]) await own.visit(`listing-own-${name}`, page(name), "title");
  own.isClean();
});

test("booking it", async () => {
  const phone = await enter(people.buyer);
  const gallery = new Gallery(phone);
  await gallery.visit("booking-request", booking("asked", 0).url, "submit");

  await phone.go(booking("full", 0).url);
  await phone.sees("hold-mine");
  await gallery.lookWhole("booking", "bill");
  await phone.tap("submit");
  await phone.tap("pay-cancel");
  await phone.sees("trouble", "取消了付款");
  await gallery.look("booking-cancelled", "pay");
  await phone.failNext("requestPayment", "total_fee_error");
  await phone.tap("pay");
  await phone.sees("trouble", "没有成功");
  await gallery.look("booking-failed", "pay");
  await phone.back();

  const held = booking("single", 4);
  const holding = await rival.command("orders.hold", { listing_id: things.single.listing_id, start_ms: held.start, end_ms: held.end });
  await phone.go(held.url);
  await gallery.look("booking-held", "hold-other");
  const order = await rival.ask("POST", "/v1/orders", {
    listing_id: things.single.listing_id, start_ms: held.start, end_ms: held.end, terms_version: things.single.terms_version, lease_id: holding.lease_id,
  }); // prettier-ignore
  await gallery.look("booking-taken", "objection");
  await rival.does("cancel", order);
  await phone.back();

  await phone.go(booking("dear", 0).url);
  await phone.sees("bill");
  const now = await owner.ask("GET", `/v1/listings/${things.dear.listing_id}`);
  await owner.ask("PATCH", `/v1/listings/${things.dear.listing_id}`, { version: now.version, price_hour_fen: now.price_hour_fen + 300 });
  await gallery.look("booking-changed", "changed");
  await phone.back();
  gallery.isClean();
});
