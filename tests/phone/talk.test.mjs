// A long conversation on a phone: all of it can be read, and never is too much of it drawn.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Desk, enter, neighbourhood, somebody } from "./neighbours.mjs";

const LINES = 260;
/** Who sees nothing happen tries again. */
const AGAIN_MS = 2_000;
let buyer, owner, conversation;

neighbourhood(async () => {
  [owner, buyer] = await Promise.all(["owner", "buyer"].map((role) => Desk.of(somebody(role))));
  const listing = await owner.publishes(`帐篷 ${somebody("t")}`);
  ({ conversation_id: conversation } = await buyer.command("chat.open_enquiry", { listing_id: listing.listing_id }));
  for (let number = 1; number <= LINES; number++) await says(number % 3 ? owner : buyer, number);
});

const says = (who, number) => who.command("chat.send", { conversation_id: conversation, kind: "text", text: `第${number}句` });
const numbers = (phone) => phone.screen.locator("[data-testid=line-text]").evaluateAll((lines) => lines.map((line) => Number(line.textContent.match(/\d+/)[0])));

/** In the browser: other lines are drawn than these. */
function isOther(drawn) {
  const page = document.querySelector(".mp-page:not([hidden])");
  return [...page.querySelectorAll("[data-testid=line-text]")].map((line) => line.textContent.match(/\d+/)[0]).join() !== drawn;
}

/** Does something until that line is drawn; all that was drawn on the way. */
async function until(phone, number, act) {
  const seen = new Set();
  for (let left = 60; left; left--) {
    const drawn = await numbers(phone);
    assert.deepEqual(drawn, [...drawn].sort((a, b) => a - b));
    for (const one of drawn) seen.add(one);
    if (drawn.includes(number)) return seen;
    await act();
    await phone.page.waitForFunction(isOther, drawn.join(), { timeout: AGAIN_MS }).catch(() => {}); // the page has moved under the finger: again
  }
  return assert.fail(`line ${number} was never drawn`);
}

test("up to the first line, and down to what was said meanwhile", async () => {
  const phone = await enter(buyer.openid);
  await phone.go(`/deal/chat/chat?id=${conversation}`);
  await phone.sees("line-text");
  const up = await until(phone, 1, () => phone.tap("older"));
  assert.ok(up.size >= LINES, `${up.size} of ${LINES} lines were seen`);
  await says(owner, LINES + 1);
  await phone.sees("new-lines");
  const end = () => phone.screen.locator(".mp-scroll").evaluate((scroller) => scroller.scrollTo(0, 1e7));
  const down = await until(phone, LINES + 1, end);
  assert.equal(down.size, LINES + 1);
});

test("from far up to the end by one tap", async () => {
  const phone = await enter(buyer.openid);
  await phone.go(`/deal/chat/chat?id=${conversation}`);
  await phone.sees("line-text");
  await until(phone, 1, () => phone.tap("older"));
  await phone.tap("new-lines");
  await phone.screen.locator("[data-testid=line-text]", { hasText: `第${LINES + 1}句` }).waitFor();
  await phone.type("chat-text", "看完了");
  await phone.tap("chat-send");
  await phone.screen.locator("[data-testid=line]", { hasText: "看完了" }).waitFor();
});
