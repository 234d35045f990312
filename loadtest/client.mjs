// Figures of the mini-program in Chromium, four times slower than this machine; one JSON object on standard output. Run by ./dev bench client.
import { openBrowser, Phone } from "../sandbox/phone/driver.mjs";
import { Person } from "../tests/miniprogram/people.mjs";

const house = JSON.parse(process.env.SHAREHUB_TEST_HOUSE);
const { starts, messages } = JSON.parse(process.env.SHAREHUB_BENCH_ROUNDS);
/** Between two lines: nobody reads and answers faster. */
const PAUSE_MS = 1_000;
const CARD = "[data-testid^=card-]";
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
  const pushes = await pushTimes();
  console.log(JSON.stringify({
    first_screen_ms: percentile(again, 0.5), first_screen_worst_ms: Math.round(Math.max(...again)), first_login_screen_ms: percentile(first, 0.5),
    loaded_bytes: bytes, push_to_screen_p50_ms: percentile(pushes, 0.5), push_to_screen_p95_ms: percentile(pushes, 0.95),
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

/** From one party's tap until the other party's screen has changed: chat, on an order that both look at. */
async function pushTimes() {
  const [owner, buyer] = await Promise.all(["owner", "buyer"].map((role) => new Person(`bench-${role}-${Date.now()}`).logIn()));
  const listing = await published(owner);
  const { conversation_id: id } = await asked(buyer, "POST", "/v1/enquiries", { listing_id: listing.listing_id });
  const [one, two] = await Promise.all([buyer, owner].map((person) =>
    Phone.open(browser, house.phone, person.openid),
  )); // prettier-ignore
  for (const phone of [one, two]) {
    await agrees(phone);
    await phone.page.locator(CARD).first().waitFor();
    await phone.go(`/deal/chat/chat?id=${id}&kind=enquiry&listing=${listing.listing_id}`);
    await phone.sees("chat-text");
    await phone.slowDown({ network: null });
  }
  const times = [];
  for (let round = 0; round < messages; round++) {
    const [from, to] = round % 2 ? [two, one] : [one, two];
    const text = `第 ${round} 句`;
    await to.page.evaluate(shownAt, text);
    await from.type("chat-text", text);
    await from.page.evaluate(() => addEventListener("pointerdown", () => (window.__tapped = Date.now()), { once: true, capture: true }));
    await from.tap("chat-send");
    await to.page.waitForFunction(() => window.__shown);
    times.push((await to.page.evaluate(() => window.__shown)) - (await from.page.evaluate(() => window.__tapped)));
    await from.page.waitForTimeout(PAUSE_MS);
  }
  return times;
}

/** In the browser: notes when that text is on the screen. */
function shownAt(text) {
  window.__shown = 0;
  const look = () => {
    if (!document.body.textContent.includes(text)) return;
    watcher.disconnect();
    requestAnimationFrame(() => (window.__shown = Date.now()));
  };
  const watcher = new MutationObserver(look);
  watcher.observe(document.body, { childList: true, subtree: true, characterData: true });
}

async function published(owner) {
  await owner.onboard();
  return asked(owner, "POST", "/v1/listings", {
    title: "手电钻", description: "", category: "tools", lat: 31.2304, lng: 121.4737, address: "人民广场", price_hour_fen: 600, deposit_fen: 0,
    plan: { weekly: Array.from({ length: 7 }, () => [[0, 1440]]) },
  }); // prettier-ignore
}

async function asked(person, method, path, body) {
  for (let left = 50; ; left--) {
    const answer = await fetch(house.api + path, {
      method, body: JSON.stringify(body),
      headers: { Authorization: `Bearer ${await person.token(false)}`, "Content-Type": "application/json", "Idempotency-Key": `b-${Math.random()}` },
    }); // prettier-ignore
    const content = await answer.json();
    if (answer.ok) return content;
    if (!left) throw new Error(`${path}: ${JSON.stringify(content)}`);
    await new Promise((go) => setTimeout(go, 100));
  }
}
