// Commands: each answered once, done once, in order, whatever happens to the connection. Nothing here sleeps.
import assert from "node:assert/strict";
import { test } from "node:test";
import { LIMITS } from "../../miniprogram/lib/protocol.js";
import { Bench, outcome, settled } from "./fakes.mjs";

const names = (socket) => socket.got("command").map((frame) => frame.name);

test("what one turn asks for goes out as one message; more than 16 frames as several", async () => {
  const bench = new Bench({ random: Math.random });
  const socket = await bench.live({ limits: { ...LIMITS, max_in_flight: 40 } });
  const before = socket.messages.length;
  for (let n = 0; n < 20; n++) bench.ask("chat.send", { conversation_id: `${n + 1}` });
  await settled();
  assert.deepEqual(socket.messages.slice(before).map((frames) => frames.length), [16, 4]);
  assert.equal(new Set(socket.got("command").map((frame) => frame.id)).size, 20);
  assert.equal(new Set(socket.got("command").map((frame) => frame.key)).size, 20);
});

test("messages stay within the bytes that the server takes", async () => {
  const bench = new Bench();
  const socket = await bench.live();
  const before = socket.messages.length;
  for (let n = 0; n < 3; n++) bench.ask("chat.send", { conversation_id: `${n + 1}`, text: "字".repeat(10_000) });
  await settled();
  assert.deepEqual(socket.messages.slice(before).map((frames) => frames.length), [2, 1]);
  const { error } = await outcome(bench.ask("chat.send", { text: "字".repeat(22_000) }));
  assert.equal(error.code, "too_large");
  assert.equal(bench.hub.waiting, 3);
});

test("after the connection broke a command is sent again under its key, first, until it is answered", async () => {
  const bench = new Bench();
  const first = await bench.live();
  const one = bench.ask("orders.create", { listing_id: "1" });
  const two = bench.ask("orders.create", { listing_id: "2" });
  await settled();
  const keys = first.got("command").map((frame) => frame.key);
  for (let n = 0; n < 3; n++) {
    await bench.socket.end(1006);
    await bench.time.pass(400);
    await bench.accept();
    assert.deepEqual(bench.socket.got("command").map((frame) => frame.key), keys);
  }
  const [again, other] = bench.socket.got("command");
  await bench.reply(again, { order_id: "7" });
  await bench.socket.say({ op: "reply", id: again.id, ok: true, body: { order_id: "8" } });
  assert.deepEqual(await one, { order_id: "7" });
  await bench.reply(other, { order_id: "9" });
  assert.deepEqual(await two, { order_id: "9" });
  assert.equal(bench.hub.waiting, 0);
  await bench.socket.end(1006);
  await bench.time.pass(1000);
  await bench.accept();
  assert.deepEqual(bench.socket.got("command"), [], "what is answered is not sent again");
});

test("the body is what it was when it was asked for", async () => {
  const bench = new Bench();
  const body = { order_id: "1", reason: "cut \ud83d", extra: undefined, list: [{ a: "\udc00\udc00" }] };
  bench.hub.open();
  bench.ask("orders.cancel", body);
  body.reason = "changed";
  await bench.accept();
  assert.deepEqual(bench.socket.got("command")[0].body, { order_id: "1", reason: "cut \ufffd", list: [{ a: "\ufffd\ufffd" }] });
  for (const bad of [{ a: NaN }, { a: () => 1 }, { a: Infinity }]) {
    assert.equal((await outcome(bench.ask("orders.cancel", bad))).error.code, "invalid");
  }
});

test("one lane is one after the other, others run beside it", async () => {
  const bench = new Bench();
  const socket = await bench.live();
  bench.ask("orders.start", { order_id: "1" });
  bench.ask("orders.accept", { order_id: "1" });
  bench.ask("orders.accept", { order_id: "2" });
  bench.ask("orders.free", { order_id: "1" }, { lane: null });
  bench.ask("chat.send", { conversation_id: "3" }, { lane: "mine" });
  bench.ask("chat.again", { conversation_id: "4" }, { lane: "mine" });
  await settled();
  assert.deepEqual(names(socket), ["orders.start", "orders.accept", "orders.free", "chat.send"]);
  await bench.refuse(socket.got("command")[0], "unavailable", true);
  assert.equal(names(socket).length, 4, "who waits for another try keeps its place");
  await bench.time.pass(200);
  assert.equal(names(socket)[4], "orders.start");
  await bench.reply(socket.got("command")[4], {});
  assert.equal(names(socket)[5], "orders.accept");
  await bench.reply(socket.got("command")[3], {});
  assert.equal(names(socket)[6], "chat.again");
});

test("not more under way than the server takes", async () => {
  const bench = new Bench();
  const socket = await bench.live({ limits: { ...LIMITS, max_in_flight: 2 } });
  for (let n = 1; n <= 5; n++) bench.ask("listings.pause", { listing_id: `${n}` });
  await settled();
  for (let n = 2; n <= 5; n++) {
    assert.equal(names(socket).length, n);
    await bench.reply(socket.got("command")[n - 2], {});
  }
  assert.equal(names(socket).length, 5);
});

test("not more waiting than can be remembered", async () => {
  const bench = new Bench();
  bench.hub.open();
  const waiting = Array.from({ length: 101 }, (_, n) => bench.ask("listings.pause", { listing_id: `${n + 1}` }));
  assert.equal((await outcome(waiting[100])).error.code, "outbox_full");
  assert.equal(await outcome(waiting[99]), "pending");
});

for (const code of ["not_yet", "unavailable", "busy", "rate_limited"]) {
  test(`${code}: again after a pause, and again`, async () => {
    const bench = new Bench();
    const socket = await bench.live();
    const asked = bench.ask("orders.create", { listing_id: "1" });
    await settled();
    for (const pause of [200, 400, 800, 1600]) {
      const count = names(socket).length;
      await bench.refuse(socket.got("command").pop(), code, true);
      await bench.time.pass(pause - 1);
      assert.equal(names(socket).length, count);
      await bench.time.pass(1);
      assert.equal(names(socket).length, count + 1);
    }
    await bench.reply(socket.got("command").pop(), "done");
    assert.equal(await asked, "done");
    assert.equal(new Set(socket.got("command").map((frame) => frame.key)).size, 1);
  });
}

test("what repeating does not help is told at once", async () => {
  const bench = new Bench();
  const socket = await bench.live();
  for (const [code, retryable, options] of [
    ["slot_taken", false, {}], ["held", true, {}], ["unavailable", true, { retry: false }], ["from_the_future", false, {}],
  ]) { // prettier-ignore
    const asked = bench.ask("orders.create", { listing_id: "1" }, options);
    await settled();
    await bench.refuse(socket.got("command").pop(), code, retryable, { until_ms: 5 });
    const { error } = await outcome(asked);
    assert.equal(error.code, code);
    assert.deepEqual(error.data, { until_ms: 5 });
    assert.equal(error.unknown, false);
  }
});

test("internal: once more, with the same key", async () => {
  const bench = new Bench();
  const socket = await bench.live();
  const asked = bench.ask("orders.create", { listing_id: "1" });
  await settled();
  await bench.refuse(socket.got("command")[0], "internal");
  await bench.time.pass(200);
  assert.equal(socket.got("command")[1].key, socket.got("command")[0].key);
  await bench.refuse(socket.got("command")[1], "internal");
  assert.equal((await outcome(asked)).error.code, "internal");
});

test("at its deadline a command is given up, with what is known", async () => {
  const bench = new Bench();
  const socket = await bench.live();
  const refused = bench.ask("orders.create", { listing_id: "1" }, { deadlineMs: 100 });
  const silent = bench.ask("orders.create", { listing_id: "2" }, { deadlineMs: 100 });
  const behind = bench.ask("orders.cancel", { listing_id: "2" }, { deadlineMs: 100 });
  await settled();
  await bench.refuse(socket.got("command")[0], "not_yet", true);
  const known = Promise.allSettled([refused, silent, behind]);
  await bench.time.pass(100);
  const [one, two, three] = (await known).map(({ reason }) => ({ error: reason }));
  assert.equal(one.error.code, "not_yet");
  assert.equal(one.error.unknown, false);
  assert.equal(two.error.code, "timeout");
  assert.equal(two.error.unknown, true);
  assert.equal(three.error.code, "timeout");
  assert.equal(bench.hub.waiting, 0);
  await bench.reply(socket.got("command")[1], "late");
  assert.equal(bench.hub.status.state, "live");
});

test("an answer that does not come for 20 s: sent again, and the first answer counts", async () => {
  const bench = new Bench();
  const socket = await bench.live();
  const asked = bench.ask("orders.create", { listing_id: "1" });
  await bench.busy(20_000);
  const [first, second] = socket.got("command");
  assert.equal(second.key, first.key);
  assert.notEqual(second.id, first.id);
  await bench.reply(first, "first");
  await bench.reply(second, "second");
  assert.equal(await asked, "first");
  bench.ask("orders.create", { listing_id: "1" });
  await settled();
  assert.equal(names(socket).length, 3, "the lane is free");
});

test("the same thing once more, under a key that the caller kept", async () => {
  const bench = new Bench();
  const socket = await bench.live();
  bench.ask("orders.create", { listing_id: "1" }, { key: "kept" });
  await settled();
  assert.equal(socket.got("command")[0].key, "kept");
});

test("a token that is too old is no refusal, even with retry off", async () => {
  const bench = new Bench();
  const socket = await bench.live();
  const asked = bench.ask("payments.prepay", { order_id: "1" }, { retry: false });
  await settled();
  await bench.refuse(socket.got("command")[0], "token_expired");
  assert.equal(await outcome(asked), "pending");
});
