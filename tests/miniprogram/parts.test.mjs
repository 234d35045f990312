// The components of talking, rating and publishing, each by itself: what it shows of what it is given, and what a finger brings about.
import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { assertClean, prepare } from "../../sandbox/phone/testing.mjs";

const load = await prepare({ src: path.join(path.dirname(fileURLToPath(import.meta.url)), "../../miniprogram") });

function mount(name, properties, window = load()) {
  const mounted = window.__phone.mount(`components/${name}/${name}`, properties);
  const at = (id) => mounted.box.querySelector(`[data-testid="${id}"]`);
  const all = (id) => [...mounted.box.querySelectorAll(`[data-testid="${id}"]`)];
  return { mounted, at, all, window };
}

const raised = ({ events }) => JSON.parse(JSON.stringify(events));

async function until(condition) {
  for (let turns = 0; turns < 500; turns += 1) {
    if (condition()) return;
    await new Promise((done) => setImmediate(done));
  }
  assert.fail(`never: ${condition}`);
}

const row = (more) => ({ id: "s1", kind: "text", mine: true, text: "在吗", image: "", time: "今天 09:00", state: "read", key: "", seq: 1, ...more });

test("a bubble has the words, the time above, and how far one's own line has come", () => {
  const { at, mounted, window } = mount("chat-bubble", { row: row() });
  assert.equal(at("line-text").textContent, "在吗");
  assert.ok(mounted.text.includes("今天 09:00"));
  assert.equal(at("line-state").textContent, "已读");
  mounted.instance.setData({ row: row({ mine: false, state: "" }) });
  assert.equal(at("line-state"), null, "the other's lines have no such mark");
  mounted.instance.setData({ row: row({ kind: "erased", text: "", state: "" }) });
  assert.equal(at("line-text"), null);
  assertClean(window);
});

test("an unsent line offers to be said again, under its key", () => {
  const { at, mounted, window } = mount("chat-bubble", { row: row({ id: "ok7", state: "failed", key: "k7", seq: 0 }) });
  mounted.listen("retry");
  assert.ok(at("line-retry"));
  mounted.fire(".line-failed", "tap");
  assert.deepEqual(raised(mounted), [{ type: "retry", detail: { key: "k7" } }]);
  assertClean(window);
});

test("stars show a fraction, and take a tap only where they may be given", () => {
  const shown = mount("rating-stars", { value: 467 });
  assert.ok(shown.at("stars").getAttribute("aria-label").includes("4.67"));
  const filled = [...shown.mounted.box.querySelectorAll("[style*='%']")].map((one) => one.style.width);
  assert.deepEqual(filled, ["100%", "100%", "100%", "100%", "67%"]);
  shown.mounted.listen("change");
  shown.mounted.fire(".star-tap", "tap");
  assert.deepEqual(raised(shown.mounted), []);
  const given = mount("rating-stars", { value: 0, editable: true, testid: "mine" });
  given.mounted.listen("change");
  given.mounted.fire(".star-tap", "tap");
  assert.deepEqual(raised(given.mounted), [{ type: "change", detail: { value: 100 } }]);
  assertClean(given.window);
});

test("credit says how good it is and how many think so; of somebody new, that", () => {
  const { at, mounted, window } = mount("credit-bar", { centistars: 480, ratings: 20 });
  for (const word of ["4.8", "信用极好", "20"]) assert.ok(mounted.text.includes(word), word);
  mounted.instance.setData({ centistars: 400, ratings: 0 });
  assert.ok(at("credit-bar").getAttribute("aria-label").includes("新用户"));
  assertClean(window);
});

test("somebody without a picture, or with a broken one, is the first letter of the name", () => {
  const { mounted, window } = mount("user-avatar", { name: "🚲老王", url: "" });
  assert.equal(mounted.text.trim(), "🚲");
  assertClean(window);
});

/** A phone with an album of so many photos, and a server that takes them or does not. */
function album(count, { put = () => 201, bytes = [0xff, 0xd8, 0xff] } = {}) {
  const window = load();
  let keys = 0;
  const puts = [];
  Object.assign(window.wx, {
    chooseMedia: ({ success }) => success({ tempFiles: Array.from({ length: count }, (_, n) => ({ tempFilePath: `wxfile://p${n}`, size: 20 })) }),
    getFileSystemManager: () => ({ readFile: ({ success }) => success({ data: window.Uint8Array.from([...bytes, ...Array(17).fill(1)]).buffer }) }),
    login: ({ success }) => success({ code: "c" }),
    request: ({ url, method, success }) => {
      const say = (statusCode, data) => Promise.resolve().then(() => success({ statusCode, data }));
      if (url.endsWith("/v1/login")) return say(200, { access_token: "a", refresh_token: "r", expires_ms: 0, user: { user_id: "1", version: 1 } });
      if (method === "PUT") return puts.push(url), say(put(puts.length), "");
      keys += 1;
      return say(200, { object_key: `photos/1/${keys}`, upload_url: `http://127.0.0.1/put/${keys}`, public_url: `http://127.0.0.1/${keys}.jpg`, max_bytes: 20, expires_ms: 0 });
    },
  });
  return { window, puts };
}

const told = (mounted) => raised(mounted).map(({ detail }) => detail).pop();

test("chosen photos go up, are told with their keys in order, and can be taken away", async () => {
  const { window } = album(3);
  const { mounted, all } = mount("photo-picker", { value: [], most: 9 }, window);
  mounted.listen("change");
  mounted.fire(".photo-add", "tap");
  await until(() => all("photo").length === 3 && all("photo").every((one) => one.dataset.state === "done"));
  assert.deepEqual(told(mounted).value.map(({ key }) => key).sort(), ["photos/1/1", "photos/1/2", "photos/1/3"]);
  assert.equal(told(mounted).busy, false);
  mounted.fire(".photo-remove", "tap");
  assert.equal(told(mounted).value.length, 2);
  assertClean(window);
});

test("a photo that did not go up says so, keeps its place, and goes up at a tap", async () => {
  let refuse = true;
  const { window } = album(1, { put: () => (refuse ? 403 : 201) });
  const { mounted, all, at } = mount("photo-picker", { value: [], most: 1 }, window);
  mounted.listen("change");
  mounted.fire(".photo-add", "tap");
  await until(() => all("photo").some((one) => one.dataset.state === "failed"));
  assert.deepEqual(told(mounted).value, []);
  assert.ok(at("photo-summary").textContent.length > 0);
  refuse = false;
  mounted.fire(".photo-failed", "tap");
  await until(() => all("photo").every((one) => one.dataset.state === "done"));
  assert.equal(told(mounted).value.length, 1);
  assert.equal(at("photo-add"), null, "there is room for one");
});

test("what is no picture is not sent at all", async () => {
  const { window, puts } = album(1, { bytes: [0x47, 0x49, 0x46] });
  const { mounted, all } = mount("photo-picker", { value: [], most: 9 }, window);
  mounted.fire(".photo-add", "tap");
  await until(() => all("photo").some((one) => one.dataset.state === "failed"));
  assert.equal(puts.length, 0);
});
