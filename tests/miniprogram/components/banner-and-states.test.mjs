// connection-banner and state-view: whether what is shown can be trusted, and what stands where nothing is.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertGone, assertNamed, mount, phone, server, settled, words } from "./mounting.mjs";

/** A reconnect of less is nobody's business; of more, it is. Milliseconds. */
const SHORT_MS = 1000;
const LONG_MS = 3000;

async function connected() {
  const there = phone();
  const hub = server(there);
  hub.open();
  await hub.accept();
  return { ...there, hub };
}

const state = (shown) => shown.at("connection")?.dataset.state ?? "live";

test("connection-banner: it says nothing while all is well", async () => {
  const there = await connected();
  const shown = mount("connection-banner", {}, there);
  await there.clock.pass(LONG_MS);
  assert.equal(state(shown), "live");
  assert.equal(shown.text, "");
  shown.clean();
});

test("connection-banner: the network is gone, and it says so at once; it is back, and the banner goes with the connection", async () => {
  const there = await connected();
  const shown = mount("connection-banner", {}, there);
  there.window.__phone.network("none");
  assert.equal(state(shown), "offline");
  assert.ok(shown.text.includes(words.connection.offline));
  assert.equal(shown.at("connection").getAttribute("aria-live"), "polite");
  there.window.__phone.network("4g");
  assert.notEqual(state(shown), "offline");
  await there.clock.pass(LONG_MS);
  assert.equal(state(shown), "connecting");
  await there.hub.accept();
  assert.equal(state(shown), "live");
  shown.clean();
});

test("connection-banner: a short reconnect is nobody's business, a long one is told", async () => {
  const there = await connected();
  const shown = mount("connection-banner", {}, there);
  await there.hub.end(1006);
  await there.clock.pass(SHORT_MS);
  assert.equal(state(shown), "live");
  await there.hub.accept();
  await there.clock.pass(LONG_MS);
  assert.equal(state(shown), "live");
  await there.hub.end(1006);
  await there.clock.pass(LONG_MS);
  assert.equal(state(shown), "connecting");
  assert.ok(shown.text.includes(words.connection.connecting));
  await there.hub.accept();
  assert.equal(state(shown), "live");
  shown.clean();
});

for (const [code, why] of [[4503, "session_revoked"], [4504, "too_many_connections"], [4502, "unauthenticated"]]) {
  test(`connection-banner: ended for ${why}, it says why, and a tap brings one back`, async () => {
    const there = await connected();
    const shown = mount("connection-banner", {}, there);
    await there.hub.end(code);
    assert.equal(state(shown), "ended");
    assert.ok(shown.text.includes(words.connection.ended(why)));
    assertNamed(shown);
    const before = there.hub.tasks.length;
    shown.tap("connection");
    await settled();
    assert.equal(there.hub.tasks.length, before + 1);
    await there.hub.accept();
    assert.equal(state(shown), "live");
    shown.clean();
  });
}

test("connection-banner: a tap on any other says nothing and does nothing", async () => {
  const there = await connected();
  const shown = mount("connection-banner", {}, there);
  there.window.__phone.network("none");
  const before = there.hub.tasks.length;
  shown.tap("connection");
  await settled();
  assert.equal(there.hub.tasks.length, before);
  shown.clean();
});

test("connection-banner: a hidden page's does not draw; shown again, it says what is", async () => {
  const there = await connected();
  const shown = mount("connection-banner", {}, there);
  shown.hide();
  const { drawn } = shown;
  there.window.__phone.network("none");
  await there.clock.pass(LONG_MS);
  assert.equal(shown.drawn, drawn);
  shown.show();
  assert.equal(state(shown), "offline");
  shown.hide();
  shown.hide();
  shown.show();
  assert.equal(state(shown), "offline");
  shown.clean();
});

test("connection-banner: gone with its page, it listens no more, not even to what it was waiting for", async () => {
  const there = await connected();
  const shown = mount("connection-banner", {}, there);
  await there.hub.end(1006);
  await assertGone(shown, () => there.window.__phone.network("none"));
  shown.clean();
});

// --- what stands where nothing is ---

test("state-view: loading has as many rows as are expected, and is heard as that", () => {
  const shown = mount("state-view", { state: "loading", count: 2 });
  assert.equal(shown.at("loading").children.length, 2);
  assert.equal(shown.at("loading").getAttribute("aria-label"), words.common.loading);
  shown.set({ count: 6 });
  assert.equal(shown.at("loading").children.length, 6);
  shown.clean();
});

for (const [kind, title] of [["empty", words.state.emptyTitle], ["error", words.state.errorTitle]]) {
  test(`state-view: ${kind}, in its own words or in given ones, with a way out or without`, () => {
    const shown = mount("state-view", { state: kind }).listen("action");
    assert.ok(shown.at(kind).textContent.includes(title));
    assert.equal(shown.at("state-action"), null);
    shown.set({ title: "别的", hint: "为什么", action: words.common.retry });
    for (const word of ["别的", "为什么", words.common.retry]) assert.ok(shown.text.includes(word), word);
    assert.ok(!shown.text.includes(title));
    assertNamed(shown);
    shown.tap("state-action");
    assert.deepEqual(shown.events.map(({ type }) => type), ["action"]);
    shown.clean();
  });
}

test("state-view: what it is all about takes its place", () => {
  const shown = mount("state-view", { state: "error", action: words.common.retry });
  shown.set({ state: "ready" });
  for (const id of ["loading", "empty", "error", "state-action"]) assert.equal(shown.at(id), null);
  assert.equal(shown.text, "");
  shown.clean();
});
