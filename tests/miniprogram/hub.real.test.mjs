// The shipped client against the running product: two hubs, one of which is killed, stopped and started under it.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Person, control, missing } from "./people.mjs";

const HOUR_MS = 3_600_000;
const WHOLE_WEEK = { weekly: Array.from({ length: 7 }, () => [[0, 1440]]) };
const OFFER = {
  title: "电钻", description: "", category: "tools", lat: 31.2304, lng: 121.4737, address: "人民广场 1 号",
  plan: WHOLE_WEEK, price_hour_fen: 1000, deposit_fen: 5000,
}; // prettier-ignore

describe("the running product", { skip: missing }, () => {
  let owner, buyer;
  const everybody = [];
  const run = Date.now().toString(36);

  async function arrive(name, options) {
    const person = await new Person(`${name}-${run}`, options).logIn();
    everybody.push(person);
    return person.open();
  }

  before(async () => {
    owner = await arrive("owner", { first: 0 });
    buyer = await arrive("buyer", { first: 1, encoding: "json" });
    for (const person of [owner, buyer]) person.watch(`user:${person.id}`);
    await owner.onboard();
  });

  after(() => everybody.forEach((person) => person.close()));

  async function order(hour) {
    const listing = await owner.command("listings.publish", { ...OFFER, title: `${OFFER.title} ${hour}` });
    const { listing_id, terms_version } = listing;
    const start_ms = Date.now() + hour * HOUR_MS;
    const made = await buyer.command("orders.create", { listing_id, start_ms, end_ms: start_ms + HOUR_MS, terms_version });
    return { listing_id, order_id: made.order_id, start_ms };
  }

  test("an order's whole life is pushed to both, and nothing is fetched", async () => {
    const { listing_id } = await owner.command("listings.publish", OFFER);
    for (const person of [owner, buyer]) for (const kind of ["listing", "calendar", "hold"]) person.watch(`${kind}:${listing_id}`);
    const { value: calendar } = await buyer.sees(`calendar:${listing_id}`, (value) => value.live);
    const period = { listing_id, start_ms: Date.now(), end_ms: Date.now() + HOUR_MS };
    const hold = await buyer.command("orders.hold", period);
    await owner.sees(`hold:${listing_id}`, (leases) => leases && leases.some((lease) => lease.lease_id === hold.lease_id));
    const { order_id } = await buyer.command("orders.create", { ...period, terms_version: calendar.terms_version, lease_id: hold.lease_id });
    await owner.sees(`calendar:${listing_id}`, (value) => value.busy.length === 1);
    await owner.sees(`hold:${listing_id}`, (leases) => !leases || leases.length === 0);
    const mine = `order:${order_id}:buyer`;
    const theirs = `order:${order_id}:owner`;
    const seen = buyer.watch(mine);
    owner.watch(theirs);
    buyer.watch(`chat:${order_id}`);
    owner.watch(`chat:${order_id}`);
    await buyer.sees(mine, (value) => value.state === "pending_payment");
    await buyer.pay(await buyer.command("payments.prepay", { order_id }));
    const { value: ready } = await buyer.sees(mine, (value) => value.state === "ready");
    await owner.sees(theirs, (value) => value.state === "ready");
    await buyer.command("chat.send", { conversation_id: order_id, kind: "text", text: "我到楼下了 👋" });
    await owner.sees(`chat:${order_id}`, (lines) => lines.some((line) => line.payload.text === "我到楼下了 👋"));
    await owner.command("orders.start", { order_id, code: ready.code });
    const { value: inUse } = await owner.sees(theirs, (value) => value.state === "in_use");
    await buyer.command("orders.return", { order_id, code: inUse.code });
    await owner.sees(theirs, (value) => value.state === "returned");
    await owner.command("orders.accept", { order_id });
    await buyer.sees(mine, (value) => value.state === "completed");
    await buyer.sees(`user:${buyer.id}`, (lines) => lines.some((line) => line.payload.kind === "payment.refunded"));
    const versions = seen.shown.map((view) => view.version || 0);
    assert.deepEqual(versions, versions.slice().sort((a, b) => a - b), "what is shown is never older than it was");
    for (const person of [owner, buyer]) assert.deepEqual(person.errors, []);
  });

  test("a refusal is told once, with its details, and takes the change off the screen", async () => {
    const { listing_id, order_id, start_ms } = await order(10);
    const topic = `order:${order_id}:owner`;
    const shown = owner.watch(topic);
    await owner.sees(topic, (value) => value.state === "pending_payment");
    const accept = owner.command("orders.accept", { order_id });
    await assert.rejects(owner.hub.store.overlay(topic, (value) => ({ ...value, state: "completed" }), accept), { code: "illegal_transition" });
    await owner.sees(topic, (value, view) => view.pending === 0);
    assert.deepEqual(shown.shown.slice(-2).map((view) => view.value.state), ["completed", "pending_payment"]);
    const again = { listing_id, start_ms, end_ms: start_ms + HOUR_MS, terms_version: 1 };
    await assert.rejects(buyer.command("orders.create", again), { code: "slot_taken", retryable: false });
  });

  test("a topic of others is refused, and one that nobody knows", async () => {
    const { order_id } = await order(20);
    owner.watch(`order:${order_id}:buyer`);
    owner.watch("weather:here");
    const refused = (topic) => owner.hub.store.get(topic).code;
    await owner.until(() => refused(`order:${order_id}:buyer`) && refused("weather:here"));
    assert.deepEqual([refused(`order:${order_id}:buyer`), refused("weather:here")], ["not_found", "unknown_topic"]);
  });

  test("the hub is killed under commands: each has one effect, in order, and both see all of it", async () => {
    const { order_id } = await order(30);
    const topic = `chat:${order_id}`;
    for (const person of [owner, buyer]) {
      person.watch(topic);
      await person.sees(topic, () => true);
    }
    const texts = Array.from({ length: 30 }, (_, n) => `line ${n}`);
    const said = texts.map((text) => owner.command("chat.send", { conversation_id: order_id, kind: "text", text }));
    await said[4];
    await control("kill", "hub-1");
    await Promise.all(said);
    await control("start", "hub-1");
    for (const person of [owner, buyer]) {
      const { value } = await person.sees(topic, (lines) => lines.some((line) => line.payload.text === "line 29"));
      assert.deepEqual(value.map((line) => line.payload.text).filter((text) => text.startsWith("line")), texts);
    }
    assert.equal(owner.hub.status.state, "live");
    assert.ok(owner.statuses.includes("resuming"));
    assert.equal(owner.hub.waiting, 0);
  });

  test("a hub that goes away says when to come back: what was sent meanwhile arrives once", async () => {
    const { order_id } = await order(40);
    const topic = `chat:${order_id}`;
    owner.watch(topic);
    await owner.sees(topic, () => true);
    const stopped = Promise.all(["hub-1", "hub-2"].map((hub) => control("stop", hub)));
    await owner.until(() => owner.hub.status.state === "resuming");
    assert.ok(owner.received.some((frame) => frame.op === "bye" && frame.code === 4000));
    const published = owner.command("chat.send", { conversation_id: order_id, kind: "text", text: "while nobody listened" });
    await stopped;
    await Promise.all(["hub-1", "hub-2"].map((hub) => control("start", hub)));
    await published;
    const { value } = await owner.sees(topic, (lines) => lines.some((line) => line.payload.text === "while nobody listened"));
    assert.equal(value.filter((line) => line.payload.text === "while nobody listened").length, 1);
    await buyer.until(() => buyer.hub.status.state === "live");
  });

  test("a push that is lost on its way leaves a gap, and the gap is filled", async () => {
    const { order_id } = await order(50);
    const topic = `chat:${order_id}`;
    buyer.watch(topic);
    await buyer.sees(topic, () => true);
    const line = (text) => owner.command("chat.send", { conversation_id: order_id, kind: "text", text });
    const isLost = (frame) => frame.op === "push" && frame.topic === topic && ["two", "three"].includes(frame.payload.text);
    buyer.loses = isLost;
    for (const text of ["one", "two", "three", "four"]) await line(text);
    const { value } = await buyer.sees(topic, (lines) => lines.some((one) => one.payload.text === "four"));
    buyer.loses = () => false;
    assert.deepEqual(value.map((one) => one.payload.text).slice(-4), ["one", "two", "three", "four"]);
    assert.equal(buyer.received.filter(isLost).length, 0, "they came with the answer");
  });

  test("who watches is present, who types is shown to type, and both vanish by themselves", async () => {
    const { order_id } = await order(55);
    for (const person of [owner, buyer]) for (const kind of ["presence", "typing"]) person.watch(`${kind}:${order_id}`);
    await owner.sees(`presence:${order_id}`, (value) => JSON.stringify(value || []).includes(buyer.id));
    await buyer.sees(`typing:${order_id}`, () => true);
    buyer.hub.signal(`typing:${order_id}`);
    await owner.sees(`typing:${order_id}`, (value) => JSON.stringify(value || []).includes(buyer.id));
    await owner.sees(`typing:${order_id}`, (value) => !JSON.stringify(value || []).includes(buyer.id));
  });

  test("asleep, it is away; awake, it has what it missed after one message", async () => {
    const sleeper = await arrive("buyer", { lingerMs: 0 });
    const { order_id } = await order(60);
    const topics = [`order:${order_id}:buyer`, `chat:${order_id}`, `user:${sleeper.id}`];
    for (const topic of topics) sleeper.watch(topic);
    for (const topic of topics) await sleeper.sees(topic, () => true);
    sleeper.hub.suspend();
    await sleeper.until(() => sleeper.hub.status.reason === "suspended");
    await owner.command("chat.send", { conversation_id: order_id, kind: "text", text: "are you there?" });
    await buyer.command("orders.cancel", { order_id });
    const sent = sleeper.sent.length;
    const received = sleeper.received.length;
    sleeper.hub.wake();
    await sleeper.until(() => sleeper.hub.status.state === "live");
    assert.equal(sleeper.hub.store.get(topics[0]).value.state, "cancelled");
    assert.ok(sleeper.hub.store.get(topics[1]).value.some((line) => line.payload.text === "are you there?"));
    assert.deepEqual(sleeper.sent.slice(sent).map((frame) => frame.op), ["connect"]);
    assert.equal(sleeper.received.slice(received).filter((frame) => frame.op === "subscribed").length, 0);
    sleeper.close();
  });

  test("the token is replaced in place before it expires, and commands go on", async () => {
    const person = await arrive("patient");
    const before_ms = person.hub.connected.token_expires_ms;
    await person.until(() => person.received.some((frame) => frame.op === "refreshed"));
    const refreshed = person.received.find((frame) => frame.op === "refreshed");
    assert.ok(refreshed.token_expires_ms > before_ms);
    await person.command("listings.publish", { ...OFFER, title: "after the refresh" });
    assert.deepEqual(person.statuses, ["connecting", "live"]);
  });

  test("logged out everywhere: every socket ends, and says why", async () => {
    const phone = await arrive("leaver", { first: 0 });
    const tablet = await arrive("leaver", { first: 1 });
    await phone.command("users.logout", { everywhere: true }).catch((error) => assert.equal(error.code, "session_revoked"));
    for (const person of [phone, tablet]) {
      await person.until(() => person.hub.status.state === "closed");
      assert.deepEqual(person.hub.status, { state: "closed", reason: "session_revoked", code: 4503 });
      await assert.rejects(person.command("users.logout"), { code: "closed" });
    }
    await tablet.logIn();
    await tablet.open();
    assert.equal(tablet.hub.connected.user, tablet.id);
  });

  test("a token that is none ends it", async () => {
    const nobody = new Person(`nobody-${run}`, { token: async () => "none" });
    nobody.hub.open();
    await nobody.until(() => nobody.hub.status.state === "closed");
    assert.deepEqual(nobody.hub.status, { state: "closed", reason: "unauthenticated", code: 4502 });
  });
});
