// Finding, booking, an order, rating it, full, empty and in error, at two widths (gallery.mjs).
import { after, afterEach, before, test } from "node:test";
import { Gallery, WIDTHS } from "./gallery.mjs";
import { begin, choosesTime, Desk, end, enter, putAway, somebody } from "./neighbours.mjs";

const LONG = "一把名字特别特别长的冲击钻，带全套十二支钻头和一只结实的手提箱，还有说明书";
const desks = [];
let owner, buyer, listing, order, theirs;

before(async () => {
  await begin();
  owner = await desk(somebody("owner"));
  buyer = await desk(somebody("buyer"));
  listing = await owner.publishes(LONG, { description: "九成新。\n请轻拿轻放，用完擦干净。".repeat(4), capacity: 3 });
  order = await buyer.orders(listing);
  theirs = await buyer.publishes(`自行车 ${somebody("t")}`, { category: "bicycles" });
  for (const [who, text] of [[buyer, "你好，请问可以早一点来取吗？我大概九点到。"], [owner, "可以的，到了打我电话"], [buyer, "好"]]) {
    await who.command("chat.send", { conversation_id: order.order_id, kind: "text", text });
  }
});
after(async () => {
  for (const one of desks) one.close();
  await end();
});
afterEach(putAway);

async function desk(openid) {
  const one = await Desk.of(openid);
  one.openid = openid;
  desks.push(one);
  return one;
}

for (const screen of WIDTHS) {
  test(`full, ${screen.width} wide`, async () => {
    const phone = await enter(buyer.openid, { screen });
    const gallery = new Gallery(phone, screen.width);
    await gallery.look("discover");
    await phone.tap("filter");
    await gallery.look("discover-filter", "filter-sheet");
    await phone.tap("filter-done");
    await phone.tap("turn");
    await gallery.look("discover-map", "map");
    await phone.go(`/deal/listing/listing?id=${listing.listing_id}`);
    await gallery.look("listing", "calendar");
    await choosesTime(phone);
    await gallery.look("listing-chosen", "bill");
    await phone.tap("book");
    await gallery.look("booking", "submit");
    await phone.back();
    await phone.back();
    await gallery.visit("order-buyer", `/deal/order/order?id=${order.order_id}&role=buyer`, "hero");
    await gallery.tab("orders", "order-row");
    gallery.isClean();
  });

  test(`empty and in error, ${screen.width} wide`, async () => {
    const phone = await enter(somebody("newcomer"), { screen });
    const gallery = new Gallery(phone, screen.width);
    await phone.type("search", "没有这样的东西");
    await phone.on("search").locator("input").press("Enter");
    await gallery.look("discover-empty", "empty");
    await gallery.tab("orders", "empty", "orders-empty");
    await gallery.visit("listing-error", "/deal/listing/listing?id=1", "error");
    await gallery.visit("order-error", "/deal/order/order?id=1", "error");
    await phone.tap("tab-discover");
    await gallery.inError("discover", () => phone.tap("search-clear"));
    gallery.isClean();
  });
}
