// photo-picker: photos that are chosen, go up one by one, and can be taken away again.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertGone, assertNamed, mount, phone, server, words } from "./mounting.mjs";

const JPEG = [0xff, 0xd8, 0xff];
const MEGABYTE = 2 ** 20;

/** A phone with an album, and a server whose answers to each PUT wait in `puts`, unless `put` gives them. */
function album({ bytes = JPEG, size = 20, put, sign = () => null } = {}) {
  const there = phone();
  const { window } = there;
  const here = { ...there, wanted: 3, asked: [], signed: [], puts: [], previewed: [] };
  let keys = 0;
  server(there, {
    answer({ url, method, data }) {
      if (method === "PUT") return put ? put(here.puts.push({ url })) : new Promise((answer) => here.puts.push({ url, answer }));
      here.signed.push(JSON.parse(JSON.stringify(data)));
      keys += 1;
      return sign() ?? { status: 200, body: { object_key: `photos/1/${keys}`, upload_url: `http://127.0.0.1/put/${keys}`, public_url: `http://127.0.0.1/${keys}.jpg`, max_bytes: 20, expires_ms: 0 } };
    },
  });
  Object.assign(window.wx, {
    chooseMedia: ({ count, success, fail }) => {
      here.asked.push(count);
      if (here.wanted) success({ tempFiles: Array.from({ length: here.wanted }, (_, n) => ({ tempFilePath: `wxfile://${here.asked.length}-${n}`, size })) });
      else fail({ errMsg: "chooseMedia:fail cancel" });
    },
    getFileSystemManager: () => ({ readFile: ({ success }) => success({ data: window.Uint8Array.from([...bytes, ...Array(Math.max(0, size - bytes.length)).fill(1)]).buffer }) }),
    previewImage: ({ urls, current }) => here.previewed.push({ urls: [...urls], current }),
  });
  return here;
}

const taken = () => ({ status: 201, body: {} });
const states = (shown) => shown.all("photo").map(({ dataset }) => dataset.state);
const last = (shown) => shown.events.at(-1).detail;
const pick = (here, properties = {}) => mount("photo-picker", { value: [], ...properties }, here).listen("change");

test("chosen photos go up, are told with their keys in order, and can be taken away", async () => {
  const here = album({ put: taken });
  const shown = pick(here);
  shown.tap("photo-add");
  await here.clock.pass(0);
  assert.deepEqual(states(shown), ["done", "done", "done"]);
  assert.deepEqual(last(shown).value.map(({ key }) => key).sort(), ["photos/1/1", "photos/1/2", "photos/1/3"]);
  assert.equal(last(shown).busy, false);
  const [gone, ...rest] = last(shown).value;
  shown.tap(shown.all("photo-remove")[0]);
  assert.deepEqual(last(shown).value, rest, gone.key);
  shown.clean();
});

test("two go up at once, the others wait; how far it is, is said; the last one ends it", async () => {
  const here = album();
  const shown = pick(here);
  shown.tap("photo-add");
  await here.clock.pass(0);
  assert.deepEqual(states(shown), ["sending", "sending", "waiting"]);
  assert.equal(here.puts.length, 2);
  assert.ok(shown.text.includes(words.photos.progress(0, 3)));
  here.puts[0].answer(taken());
  await here.clock.pass(0);
  assert.equal(here.puts.length, 3);
  assert.equal(last(shown).busy, true);
  assert.ok(shown.text.includes(words.photos.progress(1, 3)));
  for (const { answer } of here.puts.slice(1)) answer(taken());
  await here.clock.pass(0);
  assert.equal(last(shown).busy, false);
  assert.equal(shown.at("photo-summary"), null);
  shown.clean();
});

test("whoever has chosen is busy at once; one that hangs gives its place away when it is taken out", async () => {
  const here = album();
  here.wanted = 3;
  const shown = pick(here);
  shown.tap("photo-add");
  await here.clock.pass(0);
  assert.deepEqual(shown.events.map(({ detail }) => detail.busy), [true]);
  assert.equal(here.puts.length, 2);
  shown.tap("photo-remove");
  await here.clock.pass(0);
  assert.equal(here.puts.length, 3);
  for (const { answer } of here.puts.slice(1)) answer(taken());
  await here.clock.pass(0);
  assert.deepEqual(last(shown), { value: last(shown).value, busy: false });
  here.puts[0].answer(taken()); // too late
  await here.clock.pass(0);
  assert.equal(last(shown).value.length, 2);
  assert.deepEqual(states(shown), ["done", "done"]);
});

test("no more than there is room for, whatever the album gives; when it is full there is no button", async () => {
  const here = album({ put: taken });
  here.wanted = 9;
  const shown = pick(here, { most: 2 });
  shown.tap("photo-add");
  await here.clock.pass(0);
  assert.deepEqual(here.asked, [2]);
  assert.equal(shown.all("photo").length, 2);
  assert.equal(shown.at("photo-add"), null);
  shown.set({ value: last(shown).value });
  shown.tap("photo-remove");
  assert.ok(shown.at("photo-add"));
  shown.clean();
});

test("who thinks better of it has chosen nothing", async () => {
  const here = album();
  here.wanted = 0;
  const shown = pick(here);
  shown.tap("photo-add");
  await here.clock.pass(0);
  assert.deepEqual(states(shown), []);
  assert.deepEqual(shown.events, []);
  shown.clean();
});

test("a photo that did not go up says so, keeps its place, and goes up at a tap", async () => {
  let refuse = true;
  const here = album({ put: () => (refuse ? { status: 403, body: {} } : taken()) });
  here.wanted = 1;
  const shown = pick(here);
  shown.tap("photo-add");
  await here.clock.pass(0);
  assert.deepEqual(states(shown), ["failed"]);
  assert.deepEqual(last(shown), { value: [], busy: false });
  assert.ok(shown.text.includes(words.photos.refused.photo_refused));
  assertNamed(shown);
  refuse = false;
  shown.tap("photo-retry");
  await here.clock.pass(0);
  assert.deepEqual(states(shown), ["done"]);
  assert.equal(last(shown).value.length, 1);
});

for (const [code, how] of [
  ["photo_type", { bytes: [0x47, 0x49, 0x46] }],
  ["photo_large", { size: 5 * MEGABYTE + 1 }],
  ["bad_image", { put: () => ({ status: 400, body: { error: { code: "bad_image", message: "", retryable: false, data: {} } } }) }],
  ["quota_spent", { sign: () => ({ status: 429, body: { error: { code: "quota_spent", message: "", retryable: false, data: {} } } }) }],
]) {
  test(`${code} is told in words`, async () => {
    const here = album(how);
    here.wanted = 1;
    const shown = pick(here);
    shown.tap("photo-add");
    await here.clock.pass(0);
    assert.deepEqual(states(shown), ["failed"]);
    assert.equal(shown.at("photo-summary").textContent, words.photos.refused[code]);
    shown.clean();
  });
}

test("a lost answer is asked for again, and the photo has gone up once", async () => {
  const here = album({ put: (turn) => (turn < 3 ? { lost: true } : taken()) });
  here.wanted = 1;
  const shown = pick(here);
  shown.tap("photo-add");
  await here.clock.pass(30_000);
  assert.deepEqual(states(shown), ["done"]);
  assert.equal(new Set(here.puts.map(({ url }) => url)).size, 1);
});

test("a draft's photos are there, are looked at, and the first is the cover", () => {
  const value = ["a", "b"].map((key) => ({ key, url: `http://127.0.0.1/${key}.jpg` }));
  const here = album();
  const shown = pick(here, { value });
  assert.deepEqual(states(shown), ["done", "done"]);
  assert.equal(shown.text.split(words.photos.cover).length, 2);
  shown.tap(shown.mounted.box.querySelectorAll("wx-image")[1]);
  assert.deepEqual(here.previewed, [{ urls: value.map(({ url }) => url), current: value[1].url }]);
  shown.set({ value: [] });
  assert.deepEqual(states(shown), []);
  shown.set({ value: null });
  shown.clean();
});

test("what is told comes back as the value, and changes nothing of what is under way", async () => {
  const here = album();
  const shown = pick(here);
  shown.tap("photo-add");
  await here.clock.pass(0);
  here.puts[0].answer(taken());
  await here.clock.pass(0);
  shown.set({ value: last(shown).value });
  assert.deepEqual(states(shown), ["done", "sending", "sending"]);
});

test("for a chat they go to the conversation, and none is a cover; the hint gives way to what is under way", async () => {
  const here = album({ put: taken });
  const shown = pick(here, { purpose: "chat", conversation: "42", hint: "拍清楚一些" });
  assert.ok(shown.text.includes("拍清楚一些"));
  shown.tap("photo-add");
  await here.clock.pass(0);
  for (const { purpose, conversation_id } of here.signed) assert.deepEqual({ purpose, conversation_id }, { purpose: "chat", conversation_id: "42" });
  assert.ok(!shown.text.includes(words.photos.cover));
});

test("one that is taken away while it goes up is not told when it has arrived", async () => {
  const here = album();
  here.wanted = 1;
  const shown = pick(here);
  shown.tap("photo-add");
  await here.clock.pass(0);
  shown.tap("photo-remove");
  here.puts[0].answer(taken());
  await here.clock.pass(0);
  assert.deepEqual(last(shown), { value: [], busy: false });
  assert.deepEqual(states(shown), []);
  shown.clean();
});

test("each thing to tap has its name", () => {
  assertNamed(pick(album(), { value: [{ key: "a", url: "http://127.0.0.1/a.jpg" }] }));
});

test("gone with its page, what arrives late takes nothing away from what was told", async () => {
  const here = album();
  const shown = pick(here, { value: [{ key: "a", url: "http://127.0.0.1/a.jpg" }] });
  shown.tap("photo-add");
  await here.clock.pass(0);
  await assertGone(shown, () => {
    for (const { answer } of here.puts) answer(taken());
  });
  shown.clean();
});
