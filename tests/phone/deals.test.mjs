// What happens to an order between paying and rating, by taps: each step is on the other's screen without being asked for.
import assert from "node:assert/strict";
import { test } from "node:test";
import { wait } from "./dealings.mjs";
import { choosesTime, codeOf, Desk, enter, finds, neighbourhood, somebody } from "./neighbours.mjs";

let owner, buyer;
const people = { owner: somebody("owner"), buyer: somebody("buyer") };

neighbourhood(async () => {
  [owner, buyer] = await Promise.all([Desk.of(people.owner), Desk.of(people.buyer)]);
});

const is = (phone, state) => phone.screen.locator(`[data-testid=hero][data-state=${state}]`).waitFor();
const offer = (terms) => owner.publishes(`东西 ${somebody("t")}`, terms);

async function used(listing) {
  const order = await buyer.orders(listing);
  await owner.does("start", order, { code: (await buyer.sees(order)).code });
  return order;
}

async function returned(listing) {
  const order = await used(listing);
  await buyer.does("return", order, { code: (await owner.sees(order)).code });
  return order;
}

/** Both look at the same order, each from their side. */
async function both({ order_id: id }) {
  const phones = await Promise.all(Object.keys(people).map(async (role) => {
    const phone = await enter(people[role]);
    await phone.go(`/deal/order/order?id=${id}&role=${role}`);
    await phone.sees("other");
    return phone;
  })); // prettier-ignore
  return phones;
}

/** The other's screen shows it, and has asked nothing: but what was said and shown in a claim is read once it is told of. */
const shows = (phone, act, look) => phone.withoutFetching(() => Promise.all([act(), look()]));

async function takesPhoto(phone) {
  await phone.tap("photo-add");
  await phone.choose("拍照");
  await phone.screen.locator("[data-testid=photo][data-state=done]").waitFor();
}

test("use is extended: asked for, not paid, paid, and both see until when", async () => {
  const [owning, renting] = await both(await used(await offer()));
  await renting.tap("do-extend");
  await renting.sees("extend-cost", "¥6");
  const until = (await renting.sees("extend-1")).match(/\d\d:\d\d/)[0];
  await renting.tap("extend-1");
  await renting.sees("extend-cost", "¥12");
  await shows(owning, () => renting.tap("submit"), () => owning.sees("extension", "等待付款")); // prettier-ignore
  await renting.tap("pay-cancel");
  await renting.sees("note", "取消了付款");
  await renting.tap("do-pay_extension");
  await shows(owning, () => renting.tap("pay-confirm"), () => owning.sees("extension", "已延长")); // prettier-ignore
  for (const phone of [owning, renting]) {
    await phone.sees("when", until);
    await phone.sees("bill-total", "¥74");
  }
});

test("an extension that is not wanted any more is given up", async () => {
  const [owning, renting] = await both(await used(await offer()));
  await renting.tap("do-extend");
  await renting.sees("extend-cost", "¥6");
  await renting.tap("submit");
  await renting.tap("pay-cancel");
  await renting.tap("do-forgo");
  await shows(owning, () => renting.confirm(), () => owning.screen.locator("[data-testid=extension]").waitFor({ state: "detached" })); // prettier-ignore
  await renting.sees("do-extend");
});

test("a request is sent, the owner agrees, and only then it is paid", async () => {
  const title = `要先问的帐篷 ${somebody("t")}`;
  await owner.publishes(title, { booking: "request" });
  const owning = await enter(people.owner);
  await owning.tap("tab-orders");
  await owning.tap("role-owner");
  const renting = await enter(people.buyer);
  await finds(renting, title);
  await choosesTime(renting);
  await renting.tap("book");
  await renting.sees("hold-mine");
  await renting.tap("submit");
  await renting.at("deal/order/order");
  await is(renting, "requested");
  const row = owning.screen.locator("[data-testid=order-row]", { hasText: title });
  await row.filter({ hasText: "待物主确认" }).waitFor();
  await owning.press(row);
  await owning.tap("do-approve");
  await shows(renting, () => owning.confirm(), () => is(renting, "pending_payment")); // prettier-ignore
  await renting.tap("do-pay");
  await shows(owning, () => renting.tap("pay-confirm"), () => is(owning, "ready")); // prettier-ignore
  assert.match(await codeOf(renting), /^\d{6}$/);
});

test("who has paid may have the way shown", async () => {
  const [owning, renting] = await both(await buyer.orders(await offer({ address: "人民大道 185 号" })));
  for (const phone of [owning, renting]) await phone.sees("address", "人民大道 185 号");
  await renting.tap("way");
  await renting.page.getByText("导航至").waitFor();
});

test("a request is declined, with a word", async () => {
  const listing = await offer({ booking: "request" });
  const [owning, renting] = await both(await buyer.orders(listing, { paid: false, inHours: 30 }));
  await owning.tap("do-decline");
  await owning.type("text", "那天我自己要用");
  await shows(renting, () => owning.tap("submit"), () => is(renting, "declined")); // prettier-ignore
  await renting.sees("reason", "那天我自己要用");
});

test("it is given back with photos, which the owner finds in the chat", async () => {
  const order = await used(await offer());
  const [owning, renting] = await both(order);
  const code = await codeOf(owning);
  await renting.tap("do-return");
  await takesPhoto(renting);
  await renting.type("code-input", code === "000000" ? "111111" : "000000");
  await renting.tap("submit");
  await renting.sees("sheet-trouble", "交接码不正确");
  await renting.type("code-input", code);
  await shows(owning, () => renting.tap("submit"), () => is(owning, "returned")); // prettier-ignore
  await owning.tap("chat");
  await owning.sees("line-image");
});

test("the owner claims a part of the deposit, with photos, and the buyer agrees", async () => {
  const [owning, renting] = await both(await returned(await offer()));
  renting.mayFetch = /\/(evidence|token\/refresh)$/;
  await owning.tap("do-claim");
  await owning.type("amount", "60");
  await owning.type("text", "手柄裂了");
  await takesPhoto(owning);
  await owning.tap("submit");
  await owning.sees("sheet-trouble", "最多可填 ¥50");
  await owning.type("amount", "23.5");
  await shows(renting, () => owning.tap("submit"), () => is(renting, "claimed")); // prettier-ignore
  await renting.sees("claim", "¥23.50");
  await renting.sees("piece", "手柄裂了");
  await renting.sees("proof");
  owning.mayFetch = renting.mayFetch;
  await renting.tap("do-concede");
  await shows(owning, () => renting.confirm(), () => is(owning, "completed")); // prettier-ignore
  await renting.sees("back", "¥26.50");
  await owning.sees("payout", "¥34.30");
});

test("the buyer does not agree: both show what they have, and the platform decides", async () => {
  const order = await returned(await offer());
  const [owning, renting] = await both(order);
  for (const phone of [owning, renting]) phone.mayFetch = /\/(evidence|token\/refresh)$/;
  await owning.tap("do-claim");
  await owning.type("amount", "20");
  await owning.type("text", "有一道划痕");
  await shows(renting, () => owning.tap("submit"), () => is(renting, "claimed")); // prettier-ignore
  await renting.tap("do-contest");
  await renting.type("text", "拿到时就有");
  await takesPhoto(renting);
  await shows(owning, () => renting.tap("submit"), () => is(owning, "disputed")); // prettier-ignore
  await owning.reads("拿到时就有");
  await owning.tap("do-evidence");
  await owning.type("text", "交接时拍过照");
  await shows(renting, () => owning.tap("submit"), () => renting.reads("交接时拍过照")); // prettier-ignore
  const operator = await Desk.of("operator");
  const decides = () => operator.does("decide", order, { decision: "split", rent_back_fen: 0, deposit_kept_fen: 500 });
  await renting.withoutFetching(() => shows(owning, decides, () => Promise.all([is(owning, "completed"), is(renting, "completed")])));
  await renting.sees("back", "¥45");
});

test("a paid order is cancelled: what it costs is said before, and what comes back after", async () => {
  const listing = await offer({ policy: "strict", price_day_fen: 10_000 });
  const order = await buyer.orders(listing, { inHours: 72, hours: 24 });
  await wait(30, order); // no second thoughts any more, and less than a week to go
  const [owning, renting] = await both(order);
  await renting.tap("more");
  await renting.choose("取消订单");
  await renting.sees("sheet-hint", "退回 ¥100，按规则扣除 ¥50");
  await renting.type("text", "行程改了");
  await shows(owning, () => renting.tap("submit"), () => is(owning, "cancelled")); // prettier-ignore
  await renting.sees("hero", "退回 ¥100");
  await owning.sees("hero", "¥45");
  await owning.sees("reason", "行程改了");
  await renting.tap("money");
  for (let left = 20; left && !(await renting.text()).includes("已到账"); left--) await renting.tap("money"); // WeChat takes its time
  await renting.reads("退款 ¥100");
  await renting.reads("已到账");
});
