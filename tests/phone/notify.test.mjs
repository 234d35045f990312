// Subscribe messages, from the sheet that asks for them to the banner that opens the order.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Gallery } from "./gallery.mjs";
import { choosesTime, Desk, enter, finds, neighbourhood, somebody } from "./neighbours.mjs";

let owner, ownerId, listing, title;

neighbourhood(async () => {
  ownerId = somebody("owner");
  owner = await Desk.of(ownerId);
  title = `帐篷 ${somebody("t")}`;
  listing = await owner.publishes(title, { capacity: 9 });
});

const CHOICES = "/account/subscriptions/subscriptions";
/** Whoever has just closed the app is left alone for a moment: a hub keeps a topic for ten seconds. */
const AWAY_MS = 45_000;
const banner = (phone) => phone.page.locator("[data-testid=notification]");
const sheet = (phone) => phone.page.locator(".mp-subscribe");
/** From now on the phone shows WeChat's sheet, instead of saying yes to it. */
const asks = (phone) => phone.page.evaluate(() => (window.__phone.settings.asks = true));
const left = async (who) => Object.fromEntries((await who.ask("GET", "/v1/notices/subscriptions")).subscriptions.map(({ kind, remaining }) => [kind, remaining]));

async function toPayment(phone) {
  await finds(phone, title);
  await choosesTime(phone);
  await phone.tap("book");
  await phone.at("deal/booking/booking");
  await asks(phone);
  await phone.tap("submit");
  await phone.tap("pay-confirm");
}

test("an owner who is away gets the banner, and a tap on it opens the order", async () => {
  const phone = await enter(ownerId);
  await phone.tap("tab-me");
  await phone.tap("link-subscriptions");
  await phone.sees("left-booking", "没有剩余次数");
  await phone.tap("again-booking");
  await phone.sees("left-booking", "1");
  phone.expects(/status of 401/); // its token may be over when it is back
  await phone.background();
  const buyer = await Desk.of(somebody("buyer"));
  await buyer.orders(listing);
  await banner(phone).waitFor({ timeout: AWAY_MS });
  assert.match(await banner(phone).innerText(), /新预订提醒[\s\S]*帐篷[\s\S]*已支付/);
  await phone.shoot("notification-away");
  await banner(phone).click();
  await phone.at("deal/order/order");
  await phone.page.locator("[data-testid=hero][data-state=ready]").waitFor();
  assert.ok(await phone.page.evaluate(() => window.__phone.life.shown));
  assert.equal(await banner(phone).count(), 0);
  await phone.back().catch(() => {}); // there is nothing to go back to
  await phone.go(CHOICES);
  await phone.sees("left-booking", "没有剩余次数");
});

test("who looks at the app gets no banner, and keeps what was allowed", async () => {
  const openid = somebody("reader");
  const reader = await Desk.of(openid);
  const order = await reader.orders(listing);
  const phone = await enter(openid);
  await phone.go(CHOICES);
  await phone.tap("again-chat");
  await phone.sees("left-chat", "1");
  await phone.go(`/deal/chat/chat?id=${order.order_id}`);
  await phone.sees("chat-text");
  await owner.command("chat.send", { conversation_id: order.order_id, kind: "text", text: "在门口等你" });
  await phone.reads("在门口等你");
  await phone.page.waitForTimeout(4_000);
  assert.equal(await banner(phone).count(), 0);
  assert.equal((await left(reader)).chat, 1);
});

test("after paying WeChat asks for three, and counts what was allowed", async () => {
  const openid = somebody("buyer");
  const phone = await enter(openid);
  await toPayment(phone);
  await sheet(phone).waitFor();
  await phone.page.waitForTimeout(400); // it rises
  await phone.shoot("subscribe-sheet");
  assert.deepEqual(await sheet(phone).locator(".mp-items label").allInnerTexts(), ["订单进度提醒", "租期提醒", "新消息提醒"]);
  await sheet(phone).locator(".mp-items label").nth(1).click(); // not this one
  await sheet(phone).locator(".mp-confirm").click();
  await phone.at("deal/order/order");
  await phone.go(CHOICES);
  await phone.sees("left-progress", "1");
  await phone.sees("left-reminder", "没有剩余次数");
  await phone.sees("left-chat", "1");
  assert.deepEqual(await left(await Desk.of(openid)), { booking: 0, progress: 1, reminder: 0, money: 0, chat: 1 });
});

test("a no for ever is kept: WeChat's sheet does not come again, and the choices say why", async () => {
  const openid = somebody("buyer");
  const phone = await enter(openid);
  await toPayment(phone);
  await sheet(phone).waitFor();
  await phone.tap("subscribe-always");
  await sheet(phone).locator(".mp-cancel").click();
  await phone.at("deal/order/order");
  await phone.go(CHOICES);
  await phone.sees("left-progress", "不再接收");
  await phone.sees("settings-progress");
  await phone.sees("again-booking");
  await phone.tap("again-booking");
  await sheet(phone).waitFor(); // this one was never asked about
  await sheet(phone).locator(".mp-cancel").click();
  await phone.sees("left-booking", "没有剩余次数");
  await sheet(phone).waitFor({ state: "detached" });
});

test("the choices: switched off, kept, in error and at two widths", async () => {
  const openid = somebody("chooser");
  const phone = await enter(openid);
  const gallery = new Gallery(phone);
  await phone.go(CHOICES);
  await phone.tap("again-money");
  await phone.sees("left-money", "1");
  await phone.on("want-money").locator("input").click();
  await phone.sees("left-money", "已关闭");
  await gallery.look("subscriptions", "subscription-booking");
  await phone.back();
  await phone.go(CHOICES);
  await phone.sees("left-money", "已关闭");
  await phone.on("want-money").locator("input").click();
  await phone.sees("left-money", "1");
  await phone.back();
  await gallery.inError("subscriptions", () => phone.go(CHOICES));
  gallery.isClean();
});
