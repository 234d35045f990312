// The people of the mini-program's tests: with a phone, or only known to the server.
import { after, afterEach, before } from "node:test";
import zlib from "node:zlib";
import { Person } from "../miniprogram/people.mjs";
import { openBrowser, Phone } from "../../sandbox/phone/driver.mjs";

export const house = JSON.parse(process.env.SHAREHUB_TEST_HOUSE || "null");
const HOUR_MS = 3_600_000;
const PLACE = { lat: 31.2304, lng: 121.4737 };
const EVERY_HOUR = { weekly: Array.from({ length: 7 }, () => [[0, 1440]]) };
/** A title as long as people write them. */
export const LONG = "一把名字特别特别长的冲击钻，带全套十二支钻头和一只结实的手提箱，还有说明书";
let browser;
const desks = [];
const phones = [];
let number = 0;

/** Someone whom nobody has met, in this run or before. */
export const somebody = (role) => `${role}-${Date.now().toString(36)}-${number++}`;

/** The people of a file of tests: `settle` makes what they all need, nobody stays after the last test. */
export function neighbourhood(settle = () => {}) {
  before(async () => {
    browser = await openBrowser();
    await settle();
  });
  after(async () => {
    for (const desk of desks.splice(0)) desk.close();
    await browser.close();
  });
  afterEach(putAway);
}

/** Every phone of a test passes the audit, and is put away. */
async function putAway() {
  const open = phones.splice(0);
  try {
    for (const [at, phone] of open.entries()) await phone.shoot(`last-${at}`); // what a failed test has left
    for (const phone of open) await phone.passesAudit();
  } finally {
    await Promise.all(open.map((phone) => phone.close()));
  }
}

/** Takes up a phone, agrees to the terms, and is at the first page; `stay`: has not agreed yet. */
export async function enter(openid, { stay = false, ...options } = {}) {
  const phone = await Phone.open(browser, house.phone, openid, options);
  phone.mayFetch = /^POST .*\/token\/refresh$/; // tokens are short-lived here
  phones.push(phone);
  if (stay) return phone;
  await phone.tap("agree");
  await phone.at("pages/discover/discover");
  return phone;
}

/** Somebody at a desk: what a test needs to be there already is made through the API. */
export class Desk {
  static async of(openid) {
    const desk = new Desk();
    desk.openid = openid;
    desk.person = await new Person(openid).logIn();
    desks.push(desk);
    return desk;
  }

  get id() {
    return this.person.id;
  }

  /** Asks again what may be so soon: another wing has not heard of it yet. */
  async ask(method, path, body) {
    for (let left = 60; ; left--) {
      const answer = await fetch(house.api + path, {
        method, body: body && JSON.stringify(body),
        headers: { Authorization: `Bearer ${await this.person.token(false)}`, "Content-Type": "application/json", "Idempotency-Key": `k-${Math.random()}` },
      }); // prettier-ignore
      const content = await answer.json();
      if (answer.ok) return content;
      if (answer.status === 401) await this.person.token(true);
      else if (!(content.error.retryable || content.error.code === "not_found") || !left) throw new Error(`${path}: ${JSON.stringify(content)}`);
      await new Promise((go) => setTimeout(go, 150));
    }
  }

  /** Publishes something; the listing, once it has been looked at and everybody can see it. */
  async publishes(title, terms = {}) {
    await (this._onboarding ??= this.person.onboard());
    const made = await this.ask("POST", "/v1/listings", {
      title, description: "九成新", category: "tools", ...PLACE, address: "人民广场 1 号楼", plan: EVERY_HOUR, price_hour_fen: 600, deposit_fen: 5000, ...terms,
    }); // prettier-ignore
    for (let left = 100; left; left--) {
      const now = await this.ask("GET", `/v1/listings/${made.listing_id}`);
      if (now.status === "live") return now;
      await new Promise((go) => setTimeout(go, 50));
    }
    throw new Error("nobody has looked at what was published");
  }

  /** Begins to publish something; the draft, or what has become of it once it was submitted. */
  async drafts(title, terms, { submits = false } = {}) {
    const draft = await this.ask("POST", "/v1/listings/drafts", { title, category: "tools", ...PLACE, address: "人民广场 1 号楼", plan: EVERY_HOUR, ...terms });
    return submits ? this.moves(draft, "submit") : draft;
  }

  moves({ listing_id: id, version }, what) {
    return this.ask("POST", `/v1/listings/${id}/${what}`, { version });
  }

  async isCalled(nickname) {
    const { version } = await this.ask("GET", "/v1/me");
    return this.ask("PATCH", "/v1/me", { version, nickname });
  }

  /** Opens the conversation about what is published; its id. */
  async asks(listing) {
    return (await this.command("chat.open_enquiry", { listing_id: listing.listing_id })).conversation_id;
  }

  says(conversation, text) {
    return this.command("chat.send", { conversation_id: conversation, kind: "text", text });
  }

  async types(conversation) {
    const topic = `typing:${conversation}`;
    this.person.watch(topic);
    await this.person.sees(topic, () => true);
    this.person.hub.signal(topic, true);
  }

  /** Hands over what is ordered and paid, takes it back, and is content. */
  async lends({ order_id: id }, buyer) {
    const code = async (who) => (await who.ask("GET", `/v1/orders/${id}`)).code;
    await this.command("orders.start", { order_id: id, code: await code(buyer) });
    await buyer.command("orders.return", { order_id: id, code: await code(this) });
    await this.command("orders.accept", { order_id: id });
  }

  async command(name, body) {
    if (!this.isOpen) await this.person.open();
    this.isOpen = true;
    return this.person.command(name, body);
  }

  /** Orders what is published, from now on or `inHours`, and pays if asked; the order. */
  async orders(listing, { paid = true, hours = 2, inHours = 0 } = {}) {
    const start = Date.now() + inHours * HOUR_MS;
    const body = { listing_id: listing.listing_id, start_ms: start, end_ms: start + hours * HOUR_MS };
    const quote = await this.ask("GET", `/v1/listings/${listing.listing_id}/quote?start_ms=${body.start_ms}&end_ms=${body.end_ms}`);
    const order = await this.ask("POST", "/v1/orders", { ...body, terms_version: quote.terms_version });
    return paid ? this.pays(order) : order;
  }

  /** Pays for an order; the order, once that has been heard. */
  async pays({ order_id: id }) {
    await this.person.pay(await this.ask("POST", "/v1/payments/prepay", { order_id: id }));
    return this.until(id, ({ state }) => state === "ready");
  }

  /** One step of an order's life; the order. */
  does(action, { order_id: id }, body = {}) {
    return this.ask("POST", `/v1/orders/${id}/${action}`, body);
  }

  sees({ order_id: id }) {
    return this.ask("GET", `/v1/orders/${id}`);
  }

  /** The order, once it is as wanted. */
  async until(id, wanted) {
    for (let left = 150; left; left--) {
      const now = await this.sees({ order_id: id });
      if (wanted(now)) return now;
      await new Promise((go) => setTimeout(go, 100));
    }
    throw new Error(`order ${id} was never so: ${wanted}`);
  }

  /** A photo that everybody may see; its key. */
  async photo(hue = 0) {
    const bytes = picture(hue);
    const signed = await this.ask("POST", "/v1/objects", { purpose: "photo", content_type: "image/png", size_bytes: bytes.length });
    const answer = await fetch(signed.upload_url, { method: "PUT", body: bytes, headers: { "Content-Type": "image/png" } });
    if (answer.status !== 201) throw new Error(await answer.text());
    return (await answer.json()).object_key;
  }

  close() {
    this.person.close();
  }
}

/** A PNG: hills of one colour before a sky, others each time, since what is offered twice is looked at by people. @param hue degrees */
function picture(hue, [width, height] = [640, 480]) {
  const waves = [0.45, 0.62, 0.8].map((at) => ({ at, length: 40 + 120 * Math.random(), from: 6 * Math.random(), high: 0.05 + 0.12 * Math.random() }));
  const shade = (light) => [0, 8, 4].map((at) => {
    const k = (at + hue / 30) % 12;
    return Math.round(255 * (light - 0.3 * Math.min(light, 1 - light) * 2 * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  }); // prettier-ignore
  const rows = Array.from({ length: height }, (_, y) => {
    const row = [0]; // no filter
    for (let x = 0; x < width; x++) {
      const hills = waves.filter(({ at, length, from, high }) => y > height * (at + high * Math.sin(x / length + from)));
      row.push(...shade(0.86 - 0.18 * hills.length));
    }
    return row;
  });
  const chunk = (name, data) => {
    const body = Buffer.concat([Buffer.from(name), data]);
    const ends = [Buffer.alloc(4), Buffer.alloc(4)];
    ends[0].writeUInt32BE(data.length);
    ends[1].writeUInt32BE(zlib.crc32(body));
    return Buffer.concat([ends[0], body, ends[1]]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
  return Buffer.concat([signature, chunk("IHDR", head), chunk("IDAT", zlib.deflateSync(Buffer.from(rows.flat()))), chunk("IEND", Buffer.alloc(0))]);
}

/** On a listing's page: the first free day and its earliest time. */
export async function choosesTime(phone) {
  await phone.sees("calendar");
  const day = phone.screen.locator('[data-testid^="day-"]:not([data-ms="0"])').last();
  await phone.press(day);
  const start = phone.screen.locator('[data-testid^="start-"]').first();
  await phone.press(start);
  await phone.sees("bill-total", "¥");
}

/** From the search to the listing of that title. */
export async function finds(phone, title) {
  await phone.type("search", title);
  await phone.on("search").locator("input").press("Enter");
  await phone.press(phone.page.locator(".mp-page:not([hidden]) [data-testid^=card-]", { hasText: title }));
  await phone.at("deal/listing/listing");
  await phone.sees("title", title);
}

/** The six digits that are shown to one party, and typed by the other. */
export const codeOf = async (phone) => (await phone.sees("code")).replace(/\D/g, "");
