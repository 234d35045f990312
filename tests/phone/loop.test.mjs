// The whole loop, by taps alone: two people, two phones, the running product.
import assert from "node:assert/strict";
import { test } from "node:test";
import { choosesTime, codeOf, Desk, enter, finds, neighbourhood, somebody } from "./neighbours.mjs";

neighbourhood();

/** What an owner tells WeChat once, in order to be paid. */
async function opensAccount(phone) {
  await phone.tap("tab-me");
  await phone.tap("me-wallet");
  await phone.tap("onboarding-begin");
  const typed = {
    legal_name: "张三", id_number: "11010519491231002X", mobile: "13800000000", bank: "工商银行", bank_account: "6222020000000000000", shop_name: "张三的小店",
  }; // prettier-ignore
  for (const [field, text] of Object.entries(typed)) await phone.type(field, text);
  await phone.tap("id_valid_from");
  await phone.page.locator(".mp-layer input").fill("2020-01-01");
  await phone.confirm();
  if (!(await phone.on("forever").locator("input").isChecked())) await phone.on("forever").locator("input").click();
  await phone.tap("area");
  await phone.choose("上海市 上海市 黄浦区");
  await phone.confirm();
  for (const side of ["front", "back"]) {
    await phone.tap(`picture-${side}`);
    await phone.choose("拍照");
    await phone.on(`picture-${side}`).locator(".picture-done").waitFor();
  }
  await phone.tap("onboarding-submit");
  await phone.page.locator('[data-testid=onboarding-state]').waitFor();
}

async function publishes(phone, title) {
  await phone.tap("tab-publish");
  await phone.tap("category-tools");
  await phone.type("title", title);
  await phone.type("description", "九成新，配件齐全");
  await phone.tap("publish-next");
  await phone.tap("photo-add");
  await phone.choose("拍照");
  await phone.page.locator('.mp-page:not([hidden]) [data-testid=photo][data-state=done]').waitFor();
  await phone.tap("publish-next");
  await phone.tap("pick-place");
  await phone.press(phone.page.locator(".mp-layer").getByText("人民广场"));
  await phone.type("address", "人民大道 185 号");
  await phone.tap("publish-next");
  await phone.tap("publish-next");
  await phone.type("price-hour", "6");
  await phone.type("price-day", "30");
  await phone.type("deposit", "50");
  await phone.tap("publish-next");
  await phone.tap("publish-submit");
  await phone.page.locator('[data-testid=publish-result][data-status=live]').waitFor();
}

test("publish, find, book, pay, hand over, give back, and rate", async () => {
  const title = `手电钻 ${somebody("t")}`;
  const owner = await enter(somebody("owner"));
  await opensAccount(owner);
  await owner.back();
  await publishes(owner, title);
  await owner.shoot("loop-published");

  const buyer = await enter(somebody("buyer"));
  await finds(buyer, title);
  await choosesTime(buyer);
  await buyer.shoot("loop-chosen");

  // the owner looks at it: somebody is booking it, and then it is taken
  await owner.tap("open-listing");
  await owner.at("deal/listing/listing");
  await owner.sees("calendar");
  await buyer.tap("book");
  await buyer.at("deal/booking/booking");
  await buyer.sees("hold-mine");
  await owner.withoutFetching(() => owner.sees("hold"));
  await owner.back();

  await owner.tap("tab-orders");
  await owner.tap("role-owner");
  await buyer.tap("submit");
  await buyer.tap("pay-confirm");
  await buyer.at("deal/order/order");
  const code = await codeOf(buyer);
  assert.match(code, /^\d{6}$/);

  await owner.press(owner.page.locator('.mp-page:not([hidden]) [data-testid=order-row]', { hasText: title }));
  await owner.at("deal/order/order");

  // handing over: each step is on the other's screen without being asked for
  await owner.tap("do-start");
  await owner.sees("sheet");
  await buyer.withoutFetching(async () => {
    await owner.type("code-input", code);
    await buyer.page.locator('[data-testid=hero][data-state=in_use]').waitFor();
  });
  await owner.page.locator('[data-testid=hero][data-state=in_use]').waitFor();

  const back = await codeOf(owner);
  await buyer.tap("do-return");
  await owner.withoutFetching(async () => {
    await buyer.type("code-input", back);
    await buyer.tap("submit");
    await owner.page.locator('[data-testid=hero][data-state=returned]').waitFor();
  });
  await owner.tap("do-accept");
  await buyer.withoutFetching(async () => {
    await owner.confirm();
    await buyer.page.locator('[data-testid=hero][data-state=completed]').waitFor();
  });
  await buyer.shoot("loop-completed");

  // both rate, and only then both see
  for (const phone of [buyer, owner]) {
    await phone.tap("rate");
    await phone.at("deal/rating/rating");
    await phone.sees("rating-form");
    for (const star of await phone.screen.locator('[data-testid^="star-"][data-testid$="-5"]').all()) await phone.press(star);
    await phone.type("rating-comment", "很好");
    await phone.tap("rating-submit");
    await phone.sees("rating-mine");
  }
  await owner.sees("rating-theirs", "很好");
  await buyer.sees("rating-theirs", "很好");
});

test("who begins at the orders, on a phone that has yet to log in, sees the first order of all come by itself", async () => {
  const owner = await Desk.of(somebody("owner"));
  const listing = await owner.publishes("手电钻");
  const phone = await enter(owner.openid);
  await phone.page.evaluate(() => window.wx.removeStorageSync("session"));
  await phone.start("/pages/orders/orders?role=owner");
  await phone.sees("empty");
  const buyer = await Desk.of(somebody("buyer"));
  await buyer.orders(listing);
  await phone.sees("order-row", "手电钻");
  await phone.on("order-row").locator("[class*='--tools']").waitFor(); // and what it is about
});
