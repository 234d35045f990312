// Every page, full, empty and in error, at two widths: kept as pictures, and clean: nothing cut, nothing wider than the screen, nothing
// that is hard to read or to tap, no word that is none.
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { inspectScreen } from "../../sandbox/phone/checks/screen.mjs";
import { begin, choosesTime, Desk, end, enter, putAway, somebody } from "./neighbours.mjs";

const WIDTHS = [{ width: 375, height: 812 }, { width: 430, height: 932 }];
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

/** Looks at one page after another, and says at the end what was wrong with any of them. */
class Gallery {
  constructor(phone, width) {
    Object.assign(this, { phone, width, complaints: [] });
  }

  async look(name, ready) {
    const { phone } = this;
    if (ready) await phone.sees(ready);
    await phone.screen.locator("[data-testid=loading]").first().waitFor({ state: "hidden" });
    await phone.page.waitForTimeout(120); // pictures and the map
    await phone.shoot(`${name}-${this.width}`);
    for (const complaint of await phone.page.evaluate(inspectScreen)) this.complaints.push(`${name}: ${complaint}`);
  }

  async visit(name, url, ready) {
    await this.phone.go(url);
    await this.look(name, ready);
    await this.phone.back();
  }

  async tab(name, ready, called = name) {
    await this.phone.tap(`tab-${name}`);
    await this.look(called, ready);
  }

  /** The same page while the server has a fault. */
  async inError(name, open) {
    await this.phone.answer("request", { statusCode: 500, data: { error: { code: "internal", message: "", retryable: false, data: {} } }, header: {} });
    await open();
    await this.look(`${name}-error`, "error");
    await this.phone.page.evaluate(() => window.__phone.calls.unscript("request"));
  }

  isClean() {
    assert.deepEqual(this.complaints, []);
  }
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
    await gallery.visit("chat", `/deal/chat/chat?id=${order.order_id}`, "line-text");
    await gallery.visit("mine", "/account/mine/mine", "mine-row");
    await gallery.visit("credit", "/account/credit/credit");
    await gallery.visit("privacy", "/account/privacy/privacy", "personal");
    await gallery.visit("settings", "/account/settings/settings", "nickname");
    await gallery.visit("onboarding", "/account/onboarding/onboarding", "onboarding-state");
    await gallery.tab("orders", "order-row");
    await gallery.tab("messages", "chat-row");
    await phone.tap("tab-notices");
    await gallery.look("notices", "notice-row");
    await gallery.tab("me", "me-name");
    await gallery.tab("publish", "publish-step");
    gallery.isClean();
  });

  test(`empty and in error, ${screen.width} wide`, async () => {
    const phone = await enter(somebody("newcomer"), { screen });
    const gallery = new Gallery(phone, screen.width);
    await phone.type("search", "没有这样的东西");
    await phone.on("search").locator("input").press("Enter");
    await gallery.look("discover-empty", "empty");
    await gallery.tab("orders", "empty", "orders-empty");
    await gallery.tab("messages", "empty", "messages-empty");
    await gallery.visit("mine-empty", "/account/mine/mine", "empty");
    await gallery.visit("credit-empty", "/account/credit/credit");
    await gallery.visit("onboarding-empty", "/account/onboarding/onboarding", "onboarding-begin");
    await gallery.visit("listing-error", "/deal/listing/listing?id=1", "error");
    await gallery.visit("order-error", "/deal/order/order?id=1", "error");
    await gallery.inError("mine", () => phone.go("/account/mine/mine"));
    await phone.back();
    await gallery.inError("credit", () => phone.go("/account/credit/credit"));
    await phone.back();
    await phone.tap("tab-discover");
    await gallery.inError("discover", () => phone.tap("search-clear"));
    gallery.isClean();
  });
}

test("the first screen of all", async () => {
  for (const screen of WIDTHS) {
    const phone = await enter(somebody("first"), { screen, stay: true });
    const gallery = new Gallery(phone, screen.width);
    await gallery.look("consent", "agree");
    gallery.isClean();
  }
});
