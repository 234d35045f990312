// What is shown: never older than it was, told once per message, with the user's own change on top. Nothing here sleeps.
import assert from "node:assert/strict";
import { test } from "node:test";
import { MOST_LINES } from "../../miniprogram/lib/topic.js";
import { Bench, settled } from "./fakes.mjs";
import { answer, lines, log, push, state, versions, watch } from "./shown.mjs";

test("a state: what is newer is shown, once per message, and nothing is fetched", async () => {
  const bench = new Bench();
  const order = watch(bench, "order:1:buyer");
  assert.deepEqual(order.seen, [{ topic: "order:1:buyer", status: "waiting", code: null, version: null, value: null, pending: 0 }]);
  const socket = await bench.live({ topics: [state("order:1:buyer", 1, { state: "ready" })] });
  assert.deepEqual(order.last, { topic: "order:1:buyer", status: "live", code: null, version: 1, value: { state: "ready" }, pending: 0 });
  await socket.say(
    push("order:1:buyer", "state", 2, { state: "in_use" }),
    push("order:1:buyer", "state", 5, { state: "returned" }),
    push("order:1:buyer", "state", 4, { state: "older" }),
    push("order:1:buyer", "state", 5, { state: "again" }),
  );
  assert.deepEqual(order.seen.map((view) => view.version), [null, 1, 5]);
  assert.deepEqual(order.last.value, { state: "returned" });
  await socket.say(push("order:1:buyer", "state", 3, { state: "older" }));
  assert.equal(order.seen.length, 3, "what changes nothing tells nobody");
  assert.deepEqual(socket.frames.map((frame) => frame.op), ["connect"]);
});

test("resuming: the version that we have, and nothing new if there is nothing", async () => {
  const bench = new Bench();
  const listing = watch(bench, "listing:1");
  await bench.live({ topics: [state("listing:1", 3, { title: "drill" })] });
  await bench.socket.end(1006);
  await bench.time.pass(50);
  await bench.accept({ topics: [state("listing:1", 3)] });
  assert.deepEqual(bench.socket.got("connect")[0].topics, [["listing:1", 3]]);
  assert.equal(listing.seen.length, 2);
  await bench.socket.end(1006);
  await bench.time.pass(100);
  await bench.accept({ topics: [state("listing:1", 9, { title: "saw" })] });
  assert.deepEqual(listing.last.value, { title: "saw" });
});

test("subscriptions are counted: the first asks, the last leaves, and one turn makes one frame", async () => {
  const bench = new Bench();
  const socket = await bench.live();
  const one = watch(bench, "listing:1");
  const two = watch(bench, "listing:1");
  const other = watch(bench, "listing:2");
  await settled();
  assert.deepEqual(socket.got("subscribe").map((frame) => frame.topics), [[["listing:1", null], ["listing:2", null]]]);
  await answer(bench, [state("listing:1", 1, "a"), state("listing:2", 1, "b")]);
  one.stop();
  one.stop();
  await settled();
  assert.equal(socket.got("unsubscribe").length, 0);
  await socket.say(push("listing:1", "state", 2, "c"));
  assert.equal(one.last.value, "a");
  assert.equal(two.last.value, "c");
  two.stop();
  other.stop();
  await settled();
  assert.deepEqual(socket.got("unsubscribe").map((frame) => frame.topics), [["listing:1", "listing:2"]]);
  await socket.say(push("listing:1", "state", 3, "d"));
  assert.equal(two.last.value, "c");
});

test("a page that closes and opens in one turn asks again, and does not leave", async () => {
  const bench = new Bench();
  const socket = await bench.live();
  const first = watch(bench, "listing:1");
  await settled();
  await answer(bench, [state("listing:1", 4, "a")]);
  first.stop();
  const second = watch(bench, "listing:1");
  await settled();
  assert.equal(socket.got("unsubscribe").length, 0);
  assert.deepEqual(socket.got("subscribe")[1].topics, [["listing:1", 4]]);
  await answer(bench, [state("listing:1", 4)]);
  assert.equal(second.last.status, "live");
  second.stop();
  await settled();
  assert.equal(socket.got("unsubscribe").length, 1);
  watch(bench, "listing:9").stop();
  await settled();
  assert.equal(socket.got("unsubscribe").length, 1, "what was never asked for need not be left");
});

test("coming back to a page resumes: the old value at once, then what is new", async () => {
  const bench = new Bench();
  await bench.live();
  watch(bench, "listing:1").stop();
  const before = watch(bench, "listing:1");
  await settled();
  await answer(bench, [state("listing:1", 4, "old")]);
  before.stop();
  await settled();
  const after = watch(bench, "listing:1");
  await settled();
  assert.deepEqual([after.last.value, after.last.version, after.last.status], ["old", 4, "waiting"]);
  assert.deepEqual(bench.socket.got("subscribe")[1].topics, [["listing:1", 4]]);
  await answer(bench, [state("listing:1", 5, "new")]);
  assert.deepEqual([after.last.value, after.last.status], ["new", "live"]);
});

test("of what nobody watches only the newest few are remembered", async () => {
  const bench = new Bench();
  await bench.live();
  for (let n = 1; n <= 60; n++) {
    const page = watch(bench, `listing:${n}`);
    await settled();
    await answer(bench, [state(`listing:${n}`, n, n)]);
    page.stop();
  }
  assert.equal(bench.hub.store.get("listing:10").version, null);
  assert.equal(bench.hub.store.get("listing:11").version, 11);
  assert.equal(bench.hub.store.get("listing:60").version, 60);
});

// --- logs ---

test("a log: lines in order, each once, early ones kept, a gap that closes by itself asks nothing", async () => {
  const bench = new Bench();
  const chat = watch(bench, "chat:1");
  const socket = await bench.live({ topics: [log("chat:1", 52, lines(3, 52))] });
  assert.equal(chat.last.value.length, 50);
  await socket.say(push("chat:1", "log", 54, "line 54"), push("chat:1", "log", 52, "again"));
  assert.equal(chat.last.version, 52);
  await bench.time.pass(50);
  await socket.say(push("chat:1", "log", 53, "line 53"));
  await bench.time.pass(1000);
  assert.deepEqual(versions(chat.last).slice(-3), [52, 53, 54]);
  assert.deepEqual(chat.seen.map((view) => view.version), [null, 52, 54]);
  assert.equal(socket.got("subscribe").length, 0);
});

test("a gap is asked for, once, with the last number that has none before it", async () => {
  const bench = new Bench();
  const chat = watch(bench, "chat:1");
  const socket = await bench.live({ topics: [log("chat:1", 2, lines(1, 2))] });
  await socket.say(push("chat:1", "log", 5, "line 5"));
  await bench.time.pass(100);
  await socket.say(push("chat:1", "log", 7, "line 7"));
  await bench.time.pass(1000);
  assert.deepEqual(socket.got("subscribe").map((frame) => frame.topics), [[["chat:1", 2]]]);
  await answer(bench, [log("chat:1", 5, lines(3, 5))]);
  assert.deepEqual(versions(chat.last), [1, 2, 3, 4, 5]);
  await bench.time.pass(1000);
  assert.deepEqual(socket.got("subscribe")[1].topics, [["chat:1", 5]], "line 6 is missing still");
  await answer(bench, [log("chat:1", 7, lines(6, 7))]);
  assert.deepEqual(versions(chat.last), [1, 2, 3, 4, 5, 6, 7]);
  assert.deepEqual(chat.last.value.map((line) => line.payload), lines(1, 7).map((line) => line.payload));
});

test("a log that comes in pieces is asked on until it is whole", async () => {
  const bench = new Bench();
  const inbox = watch(bench, "user:1");
  await bench.live({ topics: [log("user:1", 3, lines(1, 3))] });
  await bench.socket.end(1006);
  await bench.time.pass(50);
  await bench.accept({ topics: [log("user:1", 450, lines(4, 203), true)] });
  assert.deepEqual((await answer(bench, [log("user:1", 450, lines(204, 403), true)])).topics, [["user:1", 203]]);
  assert.deepEqual((await answer(bench, [log("user:1", 450, lines(404, 450))])).topics, [["user:1", 403]]);
  await settled();
  assert.equal(bench.socket.got("subscribe").length, 2);
  assert.deepEqual(versions(inbox.last), lines(1, 450).map((line) => line.version));
  await bench.socket.say(...lines(451, 700).map((line) => push("user:1", "log", line.version, line.payload)));
  assert.equal(inbox.last.value.length, MOST_LINES);
  assert.equal(inbox.last.version, 700);
});

test("lines that overtake the first answer wait for it", async () => {
  const bench = new Bench();
  const chat = watch(bench, "chat:1");
  await bench.live();
  const late = watch(bench, "chat:2");
  await settled();
  await bench.socket.say(push("chat:2", "log", 9, "line 9"), push("chat:2", "log", 8, "line 8"));
  assert.equal(late.last.value, null);
  await answer(bench, [log("chat:2", 8, lines(7, 8))]);
  assert.deepEqual(versions(late.last), [7, 8, 9]);
  assert.equal(chat.seen.length, 1);
});

test("an empty log is a list without lines", async () => {
  const bench = new Bench();
  const chat = watch(bench, "chat:1");
  const socket = await bench.live({ topics: [log("chat:1", 0, [])] });
  assert.deepEqual([chat.last.value, chat.last.version, chat.last.status], [[], 0, "live"]);
  await socket.say(push("chat:1", "log", 1, "line 1"));
  assert.deepEqual(versions(chat.last), [1]);
});

// --- keyed ---

test("keys: the newest of each, and those that an answer leaves out are gone", async () => {
  const bench = new Bench();
  const area = watch(bench, "area:wtw3s");
  const keyed = (version, entries) => ({ topic: "area:wtw3s", kind: "keyed", version, entries });
  const socket = await bench.live({ topics: [keyed(9, [{ version: 4, payload: "a4", key: "1" }, { version: 9, payload: "b9", key: "2" }])] });
  assert.deepEqual(area.last.value, { 1: "a4", 2: "b9" });
  const before = area.last.value;
  await socket.say(
    push("area:wtw3s", "keyed", 5, "a5", { key: "1" }),
    push("area:wtw3s", "keyed", 8, "b8", { key: "2" }),
    push("area:wtw3s", "keyed", 1, "c1", { key: "3" }),
  );
  assert.deepEqual(area.last.value, { 1: "a5", 2: "b9", 3: "c1" });
  assert.deepEqual(before, { 1: "a4", 2: "b9" }, "what a page was given stays as it was");
  await socket.end(1006);
  await bench.time.pass(50);
  await bench.accept({ topics: [keyed(9, [{ version: 9, payload: "b9", key: "2" }, { version: 1, payload: "c1", key: "3" }])] });
  assert.deepEqual(bench.socket.got("connect")[0].topics, [["area:wtw3s", null]]);
  assert.deepEqual(area.last.value, { 2: "b9", 3: "c1" });
});

// --- ephemeral ---

test("an ephemeral value vanishes by itself, by the server's clock", async () => {
  const bench = new Bench();
  const serverMs = bench.time.ms + 3_600_000; // this phone is an hour late
  const typing = watch(bench, "typing:1");
  const hold = (version, payload, expires_ms, epoch = "e") => push("typing:1", "ephemeral", version, payload, { epoch, expires_ms });
  const socket = await bench.live({
    server_ms: serverMs,
    topics: [{ topic: "typing:1", kind: "ephemeral", version: 3, state: ["7"], epoch: "e", expires_ms: serverMs + 5000 }],
  });
  assert.deepEqual(typing.last.value, ["7"]);
  await bench.time.pass(4_999);
  assert.deepEqual(bench.hub.store.get("typing:1").value, ["7"]);
  await bench.time.pass(1);
  assert.equal(typing.last.value, null);
  assert.equal(typing.seen.length, 3);
  await socket.say(hold(3, ["old"], serverMs + 60_000));
  assert.equal(typing.last.value, null, "its counter is known still");
  await socket.say(hold(4, ["8"], serverMs + 10_000), hold(2, ["old"], serverMs + 60_000));
  assert.deepEqual(typing.last.value, ["8"]);
  await socket.say(hold(1, ["9"], serverMs + 20_000, "f"));
  assert.deepEqual(typing.last.value, ["9"], "another epoch counts anew");
  await socket.end(1006);
  await bench.time.pass(15_000);
  assert.equal(typing.last.value, null, "without a connection too");
});

test("an ephemeral value that is over when it comes is empty, and nobody remembers one", async () => {
  const bench = new Bench();
  const hold = watch(bench, "hold:1");
  await bench.live({
    topics: [{ topic: "hold:1", kind: "ephemeral", version: 0, state: [1], epoch: "", expires_ms: bench.time.ms - 24 }],
  });
  assert.deepEqual([hold.last.value, hold.last.status], [null, "live"]);
  hold.stop();
  await settled();
  assert.equal(bench.hub.store.get("hold:1").version, null);
});

test("of several in one ephemeral value each ends at its own time", async () => {
  const bench = new Bench();
  const until = (id, ms) => ({ lease_id: id, until_ms: bench.time.ms + ms });
  const hold = watch(bench, "hold:1");
  const state = [until("a", 2000), until("b", 1000), { lease_id: "c" }];
  await bench.live({ topics: [{ topic: "hold:1", kind: "ephemeral", version: 1, state, epoch: "e", expires_ms: bench.time.ms + 3000 }] });
  const ids = () => hold.last.value && hold.last.value.map((lease) => lease.lease_id).join("");
  const seen = [ids()];
  for (let n = 0; n < 3; n++) {
    await bench.time.pass(1000);
    seen.push(ids());
  }
  assert.deepEqual(seen, ["abc", "ac", "c", null]);
  assert.equal(state.length, 3);
});

// --- refusals of topics ---

test("a topic that is refused is told to who watches it, and forgotten", async () => {
  const bench = new Bench();
  const order = watch(bench, "order:1:buyer");
  const odd = watch(bench, "odd");
  await bench.live({ topics: [state("order:1:buyer", 1, "x")], refused: [{ topic: "odd", code: "unknown_topic" }] });
  assert.deepEqual([odd.last.status, odd.last.code], ["refused", "unknown_topic"]);
  await bench.socket.end(1006);
  await bench.time.pass(50);
  await bench.accept({ refused: [{ topic: "order:1:buyer", code: "not_found" }, { topic: "odd", code: "unknown_topic" }] });
  assert.deepEqual([order.last.status, order.last.code, order.last.value, order.last.version], ["refused", "not_found", null, null]);
  assert.equal(odd.seen.length, 2, "no news");
});

test("what is not there yet is asked for some times, and then no more", async () => {
  const bench = new Bench();
  const chat = watch(bench, "chat:1");
  const socket = await bench.live({ refused: [{ topic: "chat:1", code: "not_found" }] });
  assert.equal(chat.last.status, "refused");
  for (let n = 1; n <= 5; n++) {
    await bench.time.pass(5_000);
    assert.equal(socket.got("subscribe").length, n);
    await answer(bench, [], [{ topic: "chat:1", code: "not_found" }]);
  }
  await bench.busy(60_000);
  assert.equal(socket.got("subscribe").length, 5);
  assert.equal(chat.seen.length, 2);
  await socket.end(1006);
  await bench.time.pass(50);
  await bench.accept({ topics: [log("chat:1", 0, [])] });
  assert.equal(chat.last.status, "live");
});

test("what cannot be read just now is asked for until it can, and what was shown stays", async () => {
  const bench = new Bench();
  const order = watch(bench, "order:1:buyer");
  await bench.live({ topics: [state("order:1:buyer", 1, "x")] });
  await bench.socket.end(1006);
  await bench.time.pass(50);
  const socket = await bench.accept({ refused: [{ topic: "order:1:buyer", code: "unavailable" }] });
  assert.deepEqual([order.last.status, order.last.code, order.last.value], ["live", "unavailable", "x"]);
  for (const [n, pause] of [150, 300, 600, 1200, 2400, 3750, 3750].entries()) {
    await bench.time.pass(pause - 1);
    assert.equal(socket.got("subscribe").length, n);
    await bench.time.pass(1);
    assert.equal(socket.got("subscribe").length, n + 1);
    await answer(bench, [], [{ topic: "order:1:buyer", code: "unavailable" }]);
  }
  await bench.time.pass(3750);
  await answer(bench, [state("order:1:buyer", 2, "y")]);
  assert.deepEqual([order.last.status, order.last.code, order.last.value], ["live", null, "y"]);
});

test("a subscription that is refused as a whole is asked again", async () => {
  const bench = new Bench();
  const socket = await bench.live();
  const listing = watch(bench, "listing:1");
  await settled();
  const [{ id }] = socket.got("subscribe");
  await socket.say({ op: "error", id, error: { code: "rate_limited", message: "", retryable: true, data: {} } });
  await bench.time.pass(150);
  await answer(bench, [state("listing:1", 1, "a")]);
  assert.equal(listing.last.value, "a");
  assert.deepEqual(bench.errors, []);
});

test("a topic too many gets in when another leaves", async () => {
  const bench = new Bench();
  const one = watch(bench, "listing:1");
  const two = watch(bench, "listing:2");
  const socket = await bench.live({ topics: [state("listing:1", 1, "a")], refused: [{ topic: "listing:2", code: "too_many_topics" }] });
  assert.equal(two.last.status, "refused");
  one.stop();
  await settled();
  assert.deepEqual(socket.frames.slice(-2).map((frame) => frame.op), ["unsubscribe", "subscribe"]);
  await answer(bench, [state("listing:2", 1, "b")]);
  assert.deepEqual([two.last.status, two.last.value], ["live", "b"]);
});

test("a page may watch, stop and change while it is told", async () => {
  const bench = new Bench();
  const seen = [];
  let stop = null;
  const stopFirst = bench.hub.store.watch("listing:1", (view) => {
    if (view.value !== "a") return;
    stopFirst();
    stop = bench.hub.store.watch("calendar:1", (calendar) => seen.push(calendar.status));
  });
  const socket = await bench.live({ topics: [state("listing:1", 1, "a")] });
  assert.deepEqual(socket.got("subscribe")[0].topics, [["calendar:1", null]]);
  await answer(bench, [state("calendar:1", 1, {})]);
  assert.deepEqual(seen, ["waiting", "live"]);
  stop();
});

test("somebody else logs in: nothing is left of what was known", async () => {
  const bench = new Bench();
  const order = watch(bench, "order:1:buyer");
  await bench.live({ topics: [state("order:1:buyer", 1, "mine")] });
  bench.hub.close();
  bench.hub.store.clear();
  assert.deepEqual([order.last.status, order.last.value, order.last.version], ["waiting", null, null]);
  bench.hub.open();
  await bench.accept();
  assert.deepEqual(bench.socket.got("connect")[0].topics, [["order:1:buyer", null]]);
});
