// Publishing, messages and chat, one's own pages, the first start, full, empty and in error, at two widths (gallery.mjs).
import { after, afterEach, before, test } from "node:test";
import { Gallery, WIDTHS } from "./gallery.mjs";
import { begin, Desk, end, enter, putAway, somebody } from "./neighbours.mjs";

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
    await gallery.visit("chat", `/deal/chat/chat?id=${order.order_id}`, "line-text");
    await gallery.visit("mine", "/account/mine/mine", "mine-row");
    await gallery.visit("credit", "/account/credit/credit");
    await gallery.visit("privacy", "/account/privacy/privacy", "personal");
    await gallery.visit("settings", "/account/settings/settings", "nickname");
    await gallery.visit("onboarding", "/account/onboarding/onboarding", "onboarding-state");
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
    await gallery.tab("messages", "empty", "messages-empty");
    await gallery.visit("mine-empty", "/account/mine/mine", "empty");
    await gallery.visit("credit-empty", "/account/credit/credit");
    await gallery.visit("onboarding-empty", "/account/onboarding/onboarding", "onboarding-begin");
    await gallery.inError("mine", () => phone.go("/account/mine/mine"));
    await phone.back();
    await gallery.inError("credit", () => phone.go("/account/credit/credit"));
    await phone.back();
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
