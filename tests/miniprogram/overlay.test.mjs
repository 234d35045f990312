// What the user has changed shows at once, until the server confirms or refuses it. Nothing here sleeps.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Bench, settled } from "./fakes.mjs";
import { lines, log, push, state, versions, watch } from "./shown.mjs";

test("a change shows at once, and gives way to what the server pushes", async () => {
  const bench = new Bench();
  const order = watch(bench, "order:1:buyer");
  const socket = await bench.live({ topics: [state("order:1:buyer", 1, { state: "ready", total: 5 })] });
  const cancelled = (value) => ({ ...value, state: "cancelled" });
  bench.hub.store.overlay("order:1:buyer", cancelled, bench.ask("orders.cancel", { order_id: "1" }));
  assert.deepEqual([order.last.value, order.last.pending, order.last.version], [{ state: "cancelled", total: 5 }, 1, 1]);
  await settled();
  await bench.reply(socket.got("command")[0], { version: 3 });
  assert.deepEqual([order.last.value.state, order.last.pending], ["cancelled", 1], "the reply is no push");
  await socket.say(push("order:1:buyer", "state", 2, { state: "ready", total: 6 }));
  assert.deepEqual([order.last.value, order.last.pending], [{ state: "cancelled", total: 6 }, 1]);
  await socket.say(push("order:1:buyer", "state", 3, { state: "cancelled", total: 0 }));
  assert.deepEqual([order.last.value, order.last.pending], [{ state: "cancelled", total: 0 }, 0]);
});

test("the push may overtake the reply", async () => {
  const bench = new Bench();
  const order = watch(bench, "order:1:buyer");
  const socket = await bench.live({ topics: [state("order:1:buyer", 1, "ready")] });
  bench.hub.store.overlay("order:1:buyer", () => "cancelled", bench.ask("orders.cancel", { order_id: "1" }));
  await settled();
  await socket.say(push("order:1:buyer", "state", 2, "cancelled by the server"));
  assert.equal(order.last.value, "cancelled");
  await bench.reply(socket.got("command")[0], { version: 2 });
  assert.deepEqual([order.last.value, order.last.pending], ["cancelled by the server", 0]);
});

test("a refusal rolls the change back, whatever came meanwhile", async () => {
  const bench = new Bench();
  const order = watch(bench, "order:1:buyer");
  const socket = await bench.live({ topics: [state("order:1:buyer", 1, "ready")] });
  bench.hub.store.overlay("order:1:buyer", (value) => `${value}, cancelled`, bench.ask("orders.cancel", { order_id: "1" }));
  bench.hub.store.overlay("order:1:buyer", (value) => `${value}, rated`, bench.ask("ratings.rate", { order_id: "1" }, { lane: null }));
  assert.equal(order.last.value, "ready, cancelled, rated");
  await settled();
  await socket.say(push("order:1:buyer", "state", 2, "in use"));
  await bench.refuse(socket.got("command")[0], "illegal_transition");
  assert.deepEqual([order.last.value, order.last.pending], ["in use, rated", 1]);
  await bench.reply(socket.got("command")[1], { done: true });
  assert.deepEqual([order.last.value, order.last.pending], ["in use", 0], "an answer without a version confirms it");
});

test("a change survives a reconnect, and the resume confirms it", async () => {
  const bench = new Bench();
  const order = watch(bench, "order:1:buyer");
  await bench.live({ topics: [state("order:1:buyer", 1, "ready")] });
  bench.hub.store.overlay("order:1:buyer", () => "pending", bench.ask("orders.cancel", { order_id: "1" }));
  await settled();
  await bench.socket.end(1006);
  await bench.time.pass(50);
  await bench.accept({ topics: [state("order:1:buyer", 2, "cancelled")] });
  assert.equal(order.last.value, "pending");
  await bench.reply(bench.socket.got("command")[0], { version: 2 });
  assert.deepEqual([order.last.value, order.last.pending], ["cancelled", 0]);
});

test("a line that one sends shows once, also when its push overtakes the reply", async () => {
  const bench = new Bench();
  const chat = watch(bench, "chat:1");
  const socket = await bench.live({ topics: [log("chat:1", 1, lines(1, 1))] });
  const since = bench.hub.store.get("chat:1").version;
  bench.hub.store.overlay(
    "chat:1",
    (value) => [...value, { version: null, payload: "hello" }],
    bench.ask("chat.send", { conversation_id: "1", text: "hello" }),
    { seen: (value) => value.some((line) => line.version > since && line.payload === "hello") },
  );
  assert.deepEqual(versions(chat.last), [1, null]);
  await settled();
  await socket.say(push("chat:1", "log", 2, "hello"));
  assert.deepEqual([versions(chat.last), chat.last.pending], [[1, 2], 0]);
  await bench.reply(socket.got("command")[0], { seq: 2 });
  assert.deepEqual(versions(chat.last), [1, 2]);
});

test("a change is not shown for ever when nobody waits for its push", async () => {
  const bench = new Bench();
  const order = watch(bench, "order:1:buyer");
  const socket = await bench.live({ topics: [state("order:1:buyer", 1, "ready")] });
  bench.hub.store.overlay("order:1:buyer", () => "cancelled", bench.ask("orders.cancel", { order_id: "1" }));
  await settled();
  await bench.reply(socket.got("command")[0], { version: 9 });
  order.stop();
  assert.deepEqual([bench.hub.store.get("order:1:buyer").value, bench.hub.store.get("order:1:buyer").pending], ["ready", 0]);
  bench.hub.store.overlay("order:1:buyer", () => "cancelled", bench.ask("orders.cancel", { order_id: "1" }));
  assert.equal(bench.hub.store.get("order:1:buyer").value, "cancelled");
  await settled();
  await bench.reply(socket.got("command")[1], { version: 10 });
  assert.equal(bench.hub.store.get("order:1:buyer").value, "ready");
});

test("a page that throws harms no other, nor does a change that cannot be applied", async () => {
  const bench = new Bench();
  bench.hub.store.watch("listing:1", () => { throw new Error("page"); }); // prettier-ignore
  const other = watch(bench, "listing:1");
  await bench.live({ topics: [state("listing:1", 1, "a")] });
  assert.equal(other.last.value, "a");
  bench.hub.store.overlay("listing:1", () => { throw new Error("change"); }, bench.ask("listings.pause", {})); // prettier-ignore
  assert.deepEqual([other.last.value, other.last.pending], ["a", 0]);
  assert.deepEqual([...new Set(bench.errors.map((error) => error.message))], ["page", "change"]);
});
