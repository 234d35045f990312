// The whole loop, by taps alone: two people, two phones, the running product.
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { begin, Desk, choosesTime, codeOf, end, enter, finds, putAway, somebody } from "./neighbours.mjs";

before(begin);
after(end);
afterEach(putAway);

test("find, book, pay, hand over, give back, and rate", async () => {
  const title = `手电钻 ${somebody("t")}`;
  const openid = somebody("owner");
  const listing = await (await Desk.of(openid)).publishes(title);
  const owner = await enter(openid);

  const buyer = await enter(somebody("buyer"));
  await finds(buyer, title);
  await choosesTime(buyer);
  await buyer.shoot("loop-chosen");

  // the owner looks at it: somebody is booking it, and then it is taken
  await owner.go(`/pages/listing/listing?id=${listing.listing_id}`);
  await owner.at("pages/listing/listing");
  await owner.sees("calendar");
  await buyer.tap("book");
  await buyer.at("pages/booking/booking");
  await buyer.sees("hold-mine");
  await owner.withoutFetching(() => owner.sees("hold"));
  await owner.back();

  await owner.tap("tab-orders");
  await owner.tap("role-owner");
  await buyer.tap("submit");
  await buyer.tap("pay-confirm");
  await buyer.at("pages/order/order");
  const code = await codeOf(buyer);
  assert.match(code, /^\d{6}$/);

  await owner.press(owner.page.locator('.mp-page:not([hidden]) [data-testid=order-row]', { hasText: title }));
  await owner.at("pages/order/order");

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
    await phone.at("pages/rating/rating");
    await phone.sees("rating-form");
    for (const star of await phone.screen.locator('[data-testid^="star-"][data-testid$="-5"]').all()) await phone.press(star);
    await phone.type("rating-comment", "很好");
    await phone.tap("rating-submit");
    await phone.sees("rating-mine");
  }
  await owner.sees("rating-theirs", "很好");
  await buyer.sees("rating-theirs", "很好");
});
