// Figures of the mini-program in Chromium, four times slower than this machine; one JSON object on standard output. Run by ./dev bench client.
import { createRequire } from "node:module";
import { openBrowser, Phone } from "../sandbox/phone/driver.mjs";
import { Desk, somebody } from "../tests/phone/neighbours.mjs";

const { order: words } = createRequire(import.meta.url)("../miniprogram/deal/strings.js");
const house = JSON.parse(process.env.SHAREHUB_TEST_HOUSE);
const { starts, messages, orders, openings } = JSON.parse(process.env.SHAREHUB_BENCH_ROUNDS);
/** Between the last letter of a line and the tap that sends it. */
const PAUSE_MS = 300;
const HOUR_MS = 3_600_000;
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
  const pages = await pageTimes();
  const { chat, order } = await pushTimes();
  const pushes = [...chat, ...order];
  console.log(JSON.stringify({
    first_screen_ms: percentile(again, 0.5), first_screen_worst_ms: Math.round(Math.max(...again)), first_login_screen_ms: percentile(first, 0.5),
    loaded_bytes: bytes, push_to_screen_p50_ms: percentile(pushes, 0.5), push_to_screen_p95_ms: percentile(pushes, 0.95),
    push_chat_p95_ms: percentile(chat, 0.95), push_order_p95_ms: percentile(order, 0.95), push_to_screen_worst_ms: Math.max(...pushes),
    starts, pushes: pushes.length, pages,
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

/** {page: {shown_ms: from opening it until what one came for is painted, nodes, depth}}, on a slow phone, 4G, each opened several times. */
async function pageTimes() {
  const [owner, buyer] = await Promise.all(["owner", "buyer"].map((role) => Desk.of(somebody(`bench-${role}`))));
  const listing = await owner.publishes("手电钻", { capacity: 99 });
  await buyer.publishes("梯子");
  const [order, past] = [await buyer.orders(listing), await buyer.orders(listing)];
  await owner.lends(past, buyer);
  await owner.command("chat.send", { conversation_id: order.order_id, kind: "text", text: "明天见" });
  const start = Date.now() + 24 * HOUR_MS;
  const phone = await Phone.open(browser, house.phone, buyer.person.openid, { slow: true });
  await agrees(phone);
  await phone.page.locator(CARD).first().waitFor();
  const opens = {
    "pages/orders/orders": ["order-row"], "pages/publish/publish": ["publish-step"], "pages/messages/messages": ["chat-row"], "pages/me/me": ["me-name"],
    "deal/listing/listing": ["calendar", `id=${listing.listing_id}`],
    "deal/booking/booking": ["submit", `listing=${listing.listing_id}&start=${start}&end=${start + 2 * HOUR_MS}&seats=1`],
    "deal/order/order": ["hero", `id=${order.order_id}&role=buyer`], "deal/chat/chat": ["line-text", `id=${order.order_id}`],
    "deal/rating/rating": ["rating-form", `id=${past.order_id}`], "account/mine/mine": ["mine-row"], "account/credit/credit": ["credit-waiver"],
    "account/privacy/privacy": ["personal"], "account/settings/settings": ["nickname"], "account/onboarding/onboarding": ["onboarding-state"],
    "account/subscriptions/subscriptions": ["subscription-chat"],
  }; // prettier-ignore
  const pages = {};
  for (const [page, [testid, query]] of Object.entries(opens)) {
    const times = [];
    for (let round = 0; round < openings; round++) times.push(await openingTime(phone, page, testid, query));
    pages[page] = { shown_ms: percentile(times, 0.5) };
  }
  const { trees } = await phone.report();
  for (const [page, found] of Object.entries(pages)) Object.assign(found, { nodes: trees[page].nodes, depth: trees[page].depth });
  await phone.close();
  for (const one of [owner, buyer]) one.close();
  return pages;
}

async function openingTime(phone, page, testid, query) {
  const isTab = page.startsWith("pages/");
  const took = await phone.page.evaluate(openUntil, [isTab, `/${page}${query ? `?${query}` : ""}`, `.mp-page:not([hidden])[data-route="${page}"] [data-testid=${testid}]`]);
  await phone.page.waitForTimeout(PAUSE_MS);
  if (isTab) await phone.page.evaluate(() => window.wx.reLaunch({ url: "/pages/discover/discover" }));
  else await phone.back();
  await phone.page.locator(CARD).first().waitFor();
  return took;
}

/** In the browser: opens a page, and waits until that is painted. Milliseconds. */
function openUntil([isTab, url, selector]) {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error(`${url} never showed ${selector}`)), 12_000);
    const look = () => {
      if (!document.querySelector(selector)?.checkVisibility()) return;
      watcher.disconnect();
      requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now() - began)));
    };
    const watcher = new MutationObserver(look);
    watcher.observe(document, { childList: true, subtree: true, attributes: true });
    window.wx[isTab ? "switchTab" : "navigateTo"]({ url });
  });
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
