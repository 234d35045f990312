// What goes wrong on a phone: no network, the background, servers that restart, second thoughts, two fingers, two phones.
import assert from "node:assert/strict";
import { test } from "node:test";
import { control } from "../miniprogram/people.mjs";
import { choosesTime, Desk, enter, finds, house, neighbourhood, somebody } from "./neighbours.mjs";

let owner, listing, title;

neighbourhood(async () => {
  owner = await Desk.of(somebody("owner"));
  title = `梯子 ${somebody("t")}`;
  listing = await owner.publishes(title, { capacity: 9 });
});

/** Somebody with a paid order, on its page. */
async function withOrder(options) {
  const openid = somebody("buyer");
  const buyer = await Desk.of(openid);
  const order = await buyer.orders(listing);
  const phone = await enter(openid, options);
  await phone.go(`/deal/order/order?id=${order.order_id}&role=buyer`);
  await phone.page.locator("[data-testid=hero][data-state=ready]").waitFor();
  const start = () => owner.command("orders.start", { order_id: order.order_id, code: order.code });
  return { openid, buyer, order, phone, start };
}

const says = (who, order, text) => who.command("chat.send", { conversation_id: order.order_id, kind: "text", text });
const heroIs = (phone, state, timeout = 12_000) => phone.page.locator(`.mp-page:not([hidden]) [data-testid=hero][data-state=${state}]`).waitFor({ timeout });
const lines = (phone, text) => phone.screen.locator("[data-testid=line]", { hasText: text });
const AWAY_MS = 10_000;
const away = (phone) => phone.page.waitForTimeout(AWAY_MS);
/** Milliseconds that coming back may take; more where a test runs beside many others. */
const SOON_MS = 1_000 * Number(process.env.SHAREHUB_TEST_PATIENCE ?? 1);
const isLive = (phone) => phone.page.locator(".mp-page:not([hidden]) [data-testid=connection]").waitFor({ state: "hidden" });

/** Does something, and what it brings about is there soon. */
async function soon(act, there) {
  const began = Date.now();
  await act();
  await there();
  const took = Date.now() - began;
  assert.ok(took <= SOON_MS, `${took} ms`);
}

test("ten seconds in the background: current within a second of coming back", async () => {
  const { phone, order, start } = await withOrder();
  await phone.tap("chat");
  await phone.sees("chat-text");
  await isLive(phone);
  await phone.back();
  await phone.background();
  await start();
  for (const text of ["到了吗", "我在门口", "穿红衣服"]) await says(owner, order, text);
  await away(phone);
  assert.ok(await phone.page.evaluate(() => window.__phone.life.timers.suspended));
  assert.ok(await phone.page.locator("[data-testid=hero][data-state=ready]").isVisible());
  await phone.withoutFetching(() => soon(() => phone.foreground(), () => heroIs(phone, "in_use")));
  await phone.tap("chat");
  for (const text of ["到了吗", "我在门口", "穿红衣服"]) {
    await lines(phone, text).waitFor();
    assert.equal(await lines(phone, text).count(), 1);
  }
});

test("ten seconds offline: what is sent waits, is shown as waiting, and arrives once; nothing of the others is lost", async () => {
  const { phone, order, buyer } = await withOrder();
  await phone.tap("chat");
  await phone.at("deal/chat/chat");
  await phone.sees("chat-text");
  await isLive(phone);
  await phone.network("none");
  await phone.sees("connection", "");
  for (const text of ["我在路上了", "堵车"]) {
    await phone.type("chat-text", text);
    await phone.tap("chat-send");
    await phone.page.locator("[data-testid=line][data-state=sending]", { hasText: text }).waitFor();
  }
  await says(owner, order, "好的，等你");
  await away(phone);
  await soon(() => phone.network("4g"), async () => {
    await lines(phone, "好的，等你").waitFor();
    for (const text of ["我在路上了", "堵车"]) await phone.page.locator("[data-testid=line][data-state=sent], [data-testid=line][data-state=read]", { hasText: text }).waitFor();
  }); // prettier-ignore
  const { messages } = await buyer.ask("GET", `/v1/conversations/${order.order_id}/messages?limit=50`);
  for (const text of ["我在路上了", "堵车"]) {
    assert.equal(await lines(phone, text).count(), 1);
    assert.equal(messages.filter((line) => line.text === text).length, 1);
  }
  assert.deepEqual(messages.map(({ text }) => text).filter((text) => text), ["好的，等你", "我在路上了", "堵车"]);
});

test("ten seconds offline, and a step of the order: it is taken once, and both know", async () => {
  const { phone, order } = await withOrder();
  await phone.network("none");
  await phone.sees("connection", "");
  await phone.tap("more");
  await phone.choose("取消订单");
  await phone.sees("sheet");
  await phone.tap("submit");
  await phone.sees("busy");
  await away(phone);
  await soon(() => phone.network("4g"), () => heroIs(phone, "cancelled"));
  const { state } = await owner.ask("GET", `/v1/orders/${order.order_id}`);
  assert.equal(state, "cancelled");
});

test("both hubs restart: the screen comes back by itself, and shows what happened meanwhile", async () => {
  const { phone, start } = await withOrder();
  await start();
  await heroIs(phone, "in_use");
  await Promise.all([control("stop", "hub-1"), control("stop", "hub-2")]);
  phone.expects(/WebSocket connection to/);
  await phone.sees("connection", "");
  await Promise.all([control("start", "hub-1"), control("start", "hub-2")]);
  await isLive(phone);
});

test("a payment is cancelled, and made the second time", async () => {
  const phone = await enter(somebody("buyer"));
  await finds(phone, title);
  await choosesTime(phone);
  await phone.tap("book");
  await phone.at("deal/booking/booking");
  await phone.tap("submit");
  await phone.tap("pay-cancel");
  await phone.sees("trouble", "");
  await phone.shoot("booking-cancelled");
  await phone.tap("pay");
  await phone.tap("pay-confirm");
  await phone.at("deal/order/order");
  await heroIs(phone, "ready");
});

test("two quick taps make one order", async () => {
  const openid = somebody("buyer");
  const phone = await enter(openid);
  await finds(phone, title);
  await choosesTime(phone);
  await phone.tap("book");
  await phone.at("deal/booking/booking");
  await phone.sees("submit", "¥");
  await phone.on("submit").evaluate((button) => {
    for (let tap = 0; tap < 2; tap++) for (const type of ["mousedown", "mouseup", "click"]) button.dispatchEvent(new MouseEvent(type, { bubbles: true }));
  });
  await phone.tap("pay-confirm");
  await phone.at("deal/order/order");
  const { orders } = await (await Desk.of(openid)).ask("GET", "/v1/orders?role=buyer");
  assert.equal(orders.length, 1);
});

test("two phones of one person show the same, each at once", async () => {
  const { openid, order, phone, start } = await withOrder({ name: "one" });
  const other = await enter(openid, { name: "two" });
  await other.go(`/deal/chat/chat?id=${order.order_id}`);
  await other.sees("chat-text");
  await start();
  await heroIs(phone, "in_use");
  await phone.tap("chat");
  await phone.type("chat-text", "从第一台发的");
  await phone.tap("chat-send");
  await other.withoutFetching(() => lines(other, "从第一台发的").waitFor());
  await lines(phone, "从第一台发的").waitFor();
});

test("a token that has expired is renewed without a word", async () => {
  const { phone, start } = await withOrder();
  await phone.page.waitForTimeout(house.token_s * 1_000 + 1_000);
  await start();
  await phone.withoutFetching(() => heroIs(phone, "in_use"));
  await phone.tap("money");
  await phone.sees("money-line");
});

test("four times slower, on 4G: the way to a booking still works", async () => {
  const phone = await enter(somebody("buyer"), { slow: true });
  await finds(phone, title);
  await choosesTime(phone);
  await phone.tap("book");
  await phone.sees("submit", "¥");
});
