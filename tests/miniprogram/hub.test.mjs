// The connection's life, against a server that is the test. Nothing here sleeps.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Bench, outcome, settled } from "./fakes.mjs";

test("from closed to live, with everything in the first message", async () => {
  const bench = new Bench();
  bench.hub.store.watch("listing:1", () => {});
  assert.deepEqual(bench.hub.status, { state: "closed", reason: "new", code: null });
  bench.hub.open();
  const done = bench.ask("users.logout", {}, { key: "k" });
  await settled();
  assert.equal(bench.hub.status.state, "connecting");
  assert.equal(bench.socket.url, "ws://a/ws");
  assert.deepEqual(bench.socket.protocols, ["sharehub.v1.msgpack"]);
  await bench.socket.open();
  assert.equal(bench.socket.messages.length, 1);
  const [hello, command] = bench.socket.messages[0];
  assert.deepEqual(hello, { op: "connect", token: "token", topics: [["listing:1", null]] });
  assert.deepEqual(command, { op: "command", id: command.id, name: "users.logout", key: "k", body: {} });
  await bench.socket.say(bench.connected(), { op: "reply", id: command.id, ok: true, body: { done: true } });
  assert.equal(bench.hub.status.state, "live");
  assert.deepEqual(await done, { done: true });
  assert.deepEqual(bench.statuses, ["connecting", "live"]);
  assert.equal(bench.hub.connected.user, "1");
});

test("JSON is spoken as text", async () => {
  const bench = new Bench({ encoding: "json" });
  const socket = await bench.live();
  assert.deepEqual(socket.protocols, ["sharehub.v1.json"]);
  assert.equal(bench.hub.status.state, "live");
});

test("frames that nobody knows are ignored, and so is what a known one has too much", async () => {
  const bench = new Bench();
  const socket = await bench.live();
  await socket.say({ op: "surprise", x: 1 }, { op: "__proto__" }, { op: "toString" }, { op: "ping", since: 2 });
  assert.deepEqual(socket.got("pong"), [{ op: "pong" }]);
  assert.equal(bench.hub.status.state, "live");
  assert.deepEqual(bench.errors, []);
});

test("a message that cannot be read costs the connection, not the client", async () => {
  const bench = new Bench({ encoding: "json" });
  const socket = await bench.live();
  socket.onmessage("{");
  assert.equal(socket.closedWith, 1000);
  assert.equal(bench.hub.status.state, "resuming");
  assert.equal(bench.errors.length, 1);
});

test("a defect in one frame does not keep the next from being handled", async () => {
  const bench = new Bench();
  const socket = await bench.live();
  await socket.say({ op: "subscribed", id: 9 }, { op: "ping" });
  assert.equal(bench.errors.length, 1);
  assert.equal(socket.got("pong").length, 1);
});

test("pauses grow with failures, are jittered, end at 30 s, and are forgotten after a good connection", async () => {
  const bench = new Bench();
  bench.hub.open();
  for (const pause of [50, 100, 200, 400, 800, 1600, 3200, 6400, 12800, 15000, 15000]) {
    await settled();
    const count = bench.sockets.length;
    await bench.socket.end(1006);
    await bench.time.pass(pause - 1);
    assert.equal(bench.sockets.length, count, `${pause} ms are not over`);
    await bench.time.pass(1);
    assert.equal(bench.sockets.length, count + 1);
  }
  assert.deepEqual([...new Set(bench.sockets.map((socket) => socket.url))], ["ws://a/ws", "ws://b/ws"]);
  await bench.accept();
  await bench.time.pass(10_000);
  await bench.socket.end(4002);
  await bench.time.pass(50);
  assert.equal(bench.sockets.length, 13);
  assert.equal(bench.hub.status.state, "resuming");
});

test("a connection that never says anything is given up", async () => {
  const bench = new Bench();
  bench.hub.open();
  await settled();
  const first = bench.socket;
  await bench.time.pass(15_000);
  assert.equal(first.closedWith, 1000);
  await bench.time.pass(50);
  assert.equal(bench.sockets.length, 2);
  first.onopen();
  first.onclose(4503);
  assert.equal(bench.hub.status.state, "connecting", "what the old socket says is no news");
});

test("bye says when to come back", async () => {
  const bench = new Bench();
  const socket = await bench.live();
  await socket.say({ op: "bye", code: 4000, reason: "going away", retry_after_ms: 8000 });
  await socket.end(4000);
  await bench.time.pass(7_999);
  assert.equal(bench.sockets.length, 1);
  await bench.time.pass(1);
  assert.equal(bench.sockets.length, 2);
});

test("an expired token is replaced before connecting again", async () => {
  const bench = new Bench();
  const socket = await bench.live();
  await socket.end(4100);
  await bench.time.pass(50);
  await bench.socket.open();
  assert.equal(bench.socket.got("connect")[0].token, "fresh");
  await bench.socket.end(1006);
  await bench.time.pass(100);
  assert.deepEqual(bench.tokens, [false, true, false], "once is enough");
});

for (const [code, reason] of [
  [1009, "bad_frame"], [4500, "bad_frame"], [4502, "unauthenticated"], [4503, "session_revoked"],
  [4504, "too_many_connections"], [4999, "refused"],
]) {
  test(`${code} ends it: ${reason}`, async () => {
    const bench = new Bench();
    const socket = await bench.live();
    const asked = bench.ask("orders.cancel", { order_id: "1" });
    await settled();
    await socket.end(code);
    assert.deepEqual(bench.hub.status, { state: "closed", reason, code });
    const { error } = await outcome(asked);
    assert.equal(error.code, reason);
    assert.equal(error.unknown, true, "it was sent: perhaps it was done");
    const { error: late } = await outcome(bench.ask("orders.cancel", { order_id: "1" }));
    assert.equal(late.code, "closed");
    await bench.time.pass(600_000);
    assert.equal(bench.sockets.length, 1);
    assert.equal(bench.time.timers.size, 0, "nothing is left running");
    await bench.live();
    assert.equal(bench.hub.status.state, "live", "until it is opened again");
  });
}

for (const code of [1000, 1001, 1006, 1011, 3000, 4001, 4003, 4200, 4499]) {
  test(`${code} does not end it`, async () => {
    const bench = new Bench();
    await (await bench.live()).end(code);
    assert.equal(bench.hub.status.state, "resuming");
    await bench.time.pass(50);
    await bench.accept();
    assert.equal(bench.hub.status.state, "live");
  });
}

test("without a token there is no connection: for now, or for good", async () => {
  let answer = { code: "unavailable" };
  const bench = new Bench({ token: async () => Promise.reject(answer) });
  bench.hub.open();
  await settled();
  assert.equal(bench.hub.status.state, "connecting");
  assert.equal(bench.sockets.length, 0);
  answer = { code: "session_revoked" };
  await bench.time.pass(50);
  assert.deepEqual(bench.hub.status, { state: "closed", reason: "session_revoked", code: null });
  assert.equal(bench.time.timers.size, 0);
});

test("a transport that throws is a failure like others", async () => {
  const bench = new Bench({ connect: () => { throw new Error("5 sockets already"); } }); // prettier-ignore
  bench.hub.open();
  await settled();
  assert.equal(bench.errors[0].message, "5 sockets already");
  await bench.time.pass(50);
  assert.equal(bench.errors.length, 2);
  assert.equal(bench.hub.status.state, "connecting");
});

test("a signal is for this moment: without a connection it is lost", async () => {
  const bench = new Bench();
  bench.hub.open();
  bench.hub.signal("typing:1");
  const socket = await bench.accept();
  bench.hub.signal("typing:1");
  bench.hub.signal("typing:1", false);
  await settled();
  assert.deepEqual(socket.got("signal"), [{ op: "signal", topic: "typing:1", on: true }, { op: "signal", topic: "typing:1", on: false }]);
});

// --- heartbeat ---

test("the server's traffic is a sign of life; silence is questioned; no answer means a new connection", async () => {
  const bench = new Bench();
  const socket = await bench.live();
  for (let n = 0; n < 4; n++) {
    await bench.time.pass(25_000);
    await socket.say({ op: "ping" });
  }
  assert.equal(socket.got("pong").length, 4);
  assert.equal(socket.got("ping").length, 0);
  await bench.time.pass(30_000);
  assert.equal(socket.got("ping").length, 1);
  await socket.say({ op: "pong", server_ms: bench.time.ms });
  await bench.time.pass(30_000);
  assert.equal(socket.got("ping").length, 2);
  await bench.time.pass(9_999);
  assert.equal(bench.hub.status.state, "live");
  await bench.time.pass(1);
  assert.equal(bench.hub.status.state, "resuming");
  assert.equal(socket.closedWith, 1000);
});

// --- the app sleeps ---

test("a glance elsewhere costs no reconnect", async () => {
  const bench = new Bench();
  const socket = await bench.live();
  bench.hub.suspend();
  await bench.time.pass(3_000);
  bench.hub.wake();
  await settled();
  assert.equal(socket.got("ping").length, 1, "is it there still?");
  await socket.say({ op: "pong", server_ms: bench.time.ms });
  await bench.time.pass(20_000);
  assert.equal(bench.sockets.length, 1);
});

test("a connection that died while the phone was frozen is replaced within seconds", async () => {
  const bench = new Bench();
  await bench.live();
  bench.hub.suspend();
  bench.time.sleep(60_000); // frozen before the timer could run
  bench.hub.wake();
  await bench.time.pass(3_050);
  assert.equal(bench.sockets.length, 2);
});

test("suspended, it lets go, keeps what is unanswered, and resumes at once", async () => {
  const bench = new Bench();
  bench.hub.store.watch("listing:1", () => {});
  const first = await bench.live({ topics: [{ topic: "listing:1", kind: "state", version: 7, state: {} }] });
  const asked = bench.ask("orders.cancel", { order_id: "1" });
  await settled();
  bench.hub.suspend();
  await bench.time.pass(4_000);
  assert.equal(first.closedWith, 1000);
  assert.deepEqual(bench.hub.status, { state: "closed", reason: "suspended", code: null });
  const later = bench.ask("orders.accept", { order_id: "2" });
  await bench.time.pass(3_600_000);
  assert.equal(bench.sockets.length, 1);
  assert.equal(await outcome(asked), "pending", "deadlines stand still");
  bench.hub.wake();
  await settled();
  assert.equal(bench.hub.status.state, "resuming");
  await bench.socket.open();
  const [hello, one, two] = bench.socket.messages[0];
  assert.deepEqual(hello.topics, [["listing:1", 7]]);
  assert.equal(one.key, first.got("command")[0].key);
  await bench.socket.say(bench.connected());
  await bench.reply(one, "one");
  await bench.reply(two, "two");
  assert.deepEqual(await Promise.all([asked, later]), ["one", "two"]);
});

test("suspended between two attempts, it makes none before it wakes", async () => {
  const bench = new Bench();
  await bench.live();
  bench.hub.suspend();
  await bench.socket.end(1006);
  await bench.time.pass(60_000);
  assert.equal(bench.sockets.length, 1);
  bench.hub.wake();
  await settled();
  assert.equal(bench.sockets.length, 2);
});

test("close ends everything, whatever was going on", async () => {
  for (const prepare of [
    async () => {},
    async (bench) => bench.hub.open(),
    async (bench) => bench.live(),
    async (bench) => (await bench.live()).end(1006),
    async (bench) => { await bench.live(); bench.hub.suspend(); },
    async (bench) => { await bench.live(); bench.hub.suspend(); await bench.time.pass(5_000); },
  ]) { // prettier-ignore
    const bench = new Bench();
    await prepare(bench);
    bench.hub.close();
    await settled();
    assert.deepEqual(bench.hub.status, { state: "closed", reason: "ended", code: null });
    assert.equal(bench.time.timers.size, 0);
    bench.hub.wake();
    assert.equal(bench.hub.status.state, "closed");
    await bench.live();
    assert.equal(bench.hub.status.state, "live");
  }
});

// --- tokens ---

test("the token is replaced in place a minute before it expires", async () => {
  const bench = new Bench();
  const socket = await bench.live();
  await bench.busy(839_999);
  assert.equal(socket.got("refresh").length, 0);
  await bench.busy(1);
  const [refresh] = socket.got("refresh");
  assert.equal(refresh.token, "fresh");
  await socket.say({ op: "refreshed", id: refresh.id, token_expires_ms: bench.time.ms + 80_000 });
  await bench.busy(39_999);
  assert.equal(socket.got("refresh").length, 1, "of a short life the half");
  await bench.busy(1);
  assert.equal(socket.got("refresh").length, 2);
  assert.equal(bench.hub.status.state, "live");
});

test("a refresh that is refused: connect anew", async () => {
  const bench = new Bench();
  const socket = await bench.live({ token_expires_ms: bench.time.ms + 20_000 });
  await bench.time.pass(10_000);
  const [{ id }] = socket.got("refresh");
  await socket.say({ op: "error", id, error: { code: "unauthenticated", message: "", retryable: false, data: {} } });
  assert.equal(bench.hub.status.state, "resuming");
  await bench.time.pass(50);
  assert.deepEqual(bench.tokens, [false, true, true]);
});

test("a refresh for which there is no token now is tried again; one that is lost ends it", async () => {
  const answers = ["token", { code: "unavailable" }, { code: "unauthenticated" }];
  const bench = new Bench({ token: async () => { const next = answers.shift(); if (next.code) throw next; return next; } }); // prettier-ignore
  await bench.live({ token_expires_ms: bench.time.ms + 20_000 });
  await bench.time.pass(10_000);
  assert.equal(bench.hub.status.state, "live");
  await bench.time.pass(5_000);
  assert.deepEqual(bench.hub.status, { state: "closed", reason: "unauthenticated", code: null });
});

test("a command that the token is too old for waits for a new one", async () => {
  const bench = new Bench();
  const socket = await bench.live();
  const asked = bench.ask("orders.cancel", { order_id: "1" });
  await settled();
  await bench.refuse(socket.got("command")[0], "token_expired");
  assert.equal(socket.got("refresh").length, 1);
  await bench.time.pass(300);
  const again = socket.got("command")[1];
  assert.equal(again.key, socket.got("command")[0].key);
  await bench.reply(again, "done");
  assert.equal(await asked, "done");
});
