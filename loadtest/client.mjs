// Figures of the mini-program in Chromium, four times slower than this machine; one JSON object on standard output. Run by ./dev bench client.
import { createRequire } from "node:module";
import { openBrowser, Phone } from "../sandbox/phone/driver.mjs";
import { Desk, somebody } from "../tests/phone/neighbours.mjs";

const { order: words } = createRequire(import.meta.url)("../miniprogram/strings.js");
const house = JSON.parse(process.env.SHAREHUB_TEST_HOUSE);
const { starts, messages, orders } = JSON.parse(process.env.SHAREHUB_BENCH_ROUNDS);
/** Between the last letter of a line and the tap that sends it. */
const PAUSE_MS = 300;
const CARD = "[data-testid^=card-]";
const HERO = "[data-testid=hero]";
const CONFIRM = ".mp-layer .mp-confirm";
const sorted = (list) => [...list].sort((a, b) => a - b);
const percentile = (list, share) => Math.round(sorted(list)[Math.min(list.length - 1, Math.floor(list.length * share))]);

const browser = await openBrowser();
try {
  const first = [];
  const again = [];
  let bytes = 0;
  for (let round = 0; round < starts; round++) {
    const phone = await Phone.open(browser, house.phone, `bench-reader-${Date.now()}`, { slow: true, watch: CARD });
    await agrees(phone);
    first.push(await firstScreen(phone, "tapped"));
    bytes = Math.max(bytes, await ownBytes(phone));
    await phone.start();
    again.push(await firstScreen(phone, "app"));
    await phone.close();
  }
  const { chat, order } = await pushTimes();
  const pushes = [...chat, ...order];
  console.log(JSON.stringify({
    first_screen_ms: percentile(again, 0.5), first_screen_worst_ms: Math.round(Math.max(...again)), first_login_screen_ms: percentile(first, 0.5),
    loaded_bytes: bytes, push_to_screen_p50_ms: percentile(pushes, 0.5), push_to_screen_p95_ms: percentile(pushes, 0.95),
    push_chat_p95_ms: percentile(chat, 0.95), push_order_p95_ms: percentile(order, 0.95), push_to_screen_worst_ms: Math.max(...pushes),
    starts, pushes: pushes.length,
  })); // prettier-ignore
} finally {
  await browser.close();
}

/** To the terms, which the first start asks for. */
async function agrees(phone) {
  await phone.page.evaluate(() => addEventListener("pointerdown", () => performance.mark("tapped"), { once: true, capture: true }));
  await phone.tap("agree");
}

/** From a mark (the phone begins to load the app; the terms are agreed to) until the first card is painted. Milliseconds. */
async function firstScreen(phone, mark) {
  await phone.page.waitForFunction(() => window.__firstSeen);
  return phone.page.evaluate((name) => window.__firstSeen - performance.getEntriesByName(name)[0].startTime, mark);
}

/** What the browser has loaded of the app: all of it at once, its templates compiled. */
function ownBytes(phone) {
  return phone.page.evaluate(() =>
    performance.getEntriesByType("resource")
      .filter(({ name }) => new URL(name).origin === location.origin && !/runtime\.|__net/.test(name))
      .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0),
  ); // prettier-ignore
}

/** From one party's tap until the other party's screen has changed: lines of a chat that both look at, and an order that both look at. */
async function pushTimes() {
  const [owner, buyer] = await Promise.all(["owner", "buyer"].map((role) => Desk.of(somebody(`bench-${role}`))));
  const listing = await owner.publishes("手电钻", { capacity: 99, booking: "request" });
  const [one, two] = await Promise.all([buyer, owner].map(({ person }) => Phone.open(browser, house.phone, person.openid)));
  for (const phone of [one, two]) {
    await agrees(phone);
    await phone.page.locator(CARD).first().waitFor();
    await phone.slowDown({ network: null });
  }
  const { conversation_id: id } = await buyer.ask("POST", "/v1/enquiries", { listing_id: listing.listing_id });
  const chat = await chatTimes(one, two, `/deal/chat/chat?id=${id}&kind=enquiry&listing=${listing.listing_id}`);
  const order = [];
  for (let round = 0; round < orders; round++) order.push(...(await orderTimes(one, two, await buyer.orders(listing, { paid: false, inHours: 24 }))));
  for (const one of [owner, buyer]) one.close();
  return { chat, order };
}

async function chatTimes(one, two, url) {
  const times = [];
  for (const phone of [one, two]) {
    await phone.go(url);
    await phone.sees("chat-text");
  }
  for (let round = 0; round < messages; round++) {
    const [from, to] = round % 2 ? [two, one] : [one, two];
    const text = `第 ${round} 句`;
    await from.type("chat-text", text);
    await from.page.waitForTimeout(PAUSE_MS);
    times.push(await between(from, "chat-send", to, "[data-testid=lines]", text));
  }
  for (const phone of [one, two]) await phone.back();
  return times;
}

/** The owner says yes, and the other one has second thoughts. */
async function orderTimes(buyer, owner, { order_id: id }) {
  await Promise.all([[buyer, "buyer"], [owner, "owner"]].map(async ([phone, role]) => {
    await phone.go(`/deal/order/order?id=${id}&role=${role}`);
    await phone.sees("hero");
  })); // prettier-ignore
  await owner.tap("do-approve");
  await owner.page.locator(CONFIRM).waitFor();
  const times = [await between(owner, CONFIRM, buyer, `${HERO}[data-state=pending_payment]`)];
  await buyer.tap("more");
  await buyer.choose(words.actions.cancel);
  await buyer.sees("submit");
  times.push(await between(buyer, "submit", owner, `${HERO}[data-state=cancelled]`));
  await Promise.all([buyer, owner].map((phone) => phone.back()));
  return times;
}

/** Milliseconds from a tap of one phone until the other shows that (and that text, if any, in it). */
async function between(from, tapped, to, shown, text = "") {
  await to.page.evaluate(noteShown, [shown, text]);
  await from.page.evaluate(() => addEventListener("pointerdown", () => (window.__tapped = Date.now()), { once: true, capture: true }));
  if (tapped === CONFIRM) await from.confirm();
  else await from.tap(tapped);
  await to.page.waitForFunction(() => window.__shown);
  return (await to.page.evaluate(() => window.__shown)) - (await from.page.evaluate(() => window.__tapped));
}

/** In the browser: notes when that is painted. */
function noteShown([selector, text]) {
  const page = document.querySelector(".mp-page:not([hidden])");
  window.__shown = 0;
  const look = () => {
    const place = page.querySelector(selector);
    if (!place || !place.textContent.includes(text)) return;
    watcher.disconnect();
    requestAnimationFrame(() => (window.__shown = Date.now()));
  };
  const watcher = new MutationObserver(look);
  watcher.observe(page, { childList: true, subtree: true, characterData: true, attributes: true, attributeFilter: ["data-state"] });
}
