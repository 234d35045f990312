// REST and the session behind it, against a small server of their own: who is logged in, and what is sent again.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const API = "http://api.test";

/** Logs in, refreshes and revokes as the product does; `answers` come before its own. */
class Server {
  constructor() {
    this.asked = [];
    this.answers = [];
    this.logins = 0;
    this.generation = 0;
    this.refreshes = new Map(); // by token: the key that used it
    this.valid = new Set();
  }

  request({ url, method, data, header, success, fail }) {
    const asked = { path: url.slice(API.length), method, data, key: header["Idempotency-Key"], bearer: header.Authorization || null };
    this.asked.push(asked);
    const [status, body] = this.answers.length ? this.answers.shift()(asked) : this.answer(asked);
    queueMicrotask(() => (status ? success({ statusCode: status, data: body }) : fail({ errMsg: "request:fail" })));
  }

  answer({ path, data, key, bearer }) {
    if (path === "/v1/login") return [200, this.tokens((this.logins += 1))];
    if (path === "/v1/token/refresh") {
      const used = this.refreshes.get(data.refresh_token);
      if (used !== undefined && used !== key) return refused(401, "session_revoked");
      this.refreshes.set(data.refresh_token, key);
      return [200, this.tokens(this.logins)];
    }
    return this.valid.has(bearer) ? [200, { path }] : refused(401, "token_expired");
  }

  tokens() {
    this.generation += 1;
    const access = `access-${this.generation}`;
    this.valid = new Set([`Bearer ${access}`]);
    return { access_token: access, refresh_token: `refresh-${this.generation}`, expires_ms: 0, user: { user_id: "1", version: 1, nickname: "小艾" } };
  }

  paths() {
    return this.asked.map(({ path }) => path);
  }
}

const refused = (status, code, retryable = false) => [status, { error: { code, message: "", retryable, data: {} } }];
const lost = () => [0, null];

let server;
let codes;
let storage;

/** The services as they are after a launch of the app. */
function launch() {
  for (const name of Object.keys(require.cache)) if (/miniprogram\/(services|platform)\//.test(name)) delete require.cache[name];
  return { session: require("../../miniprogram/services/session"), rest: require("../../miniprogram/services/rest").rest };
}

beforeEach(() => {
  server = new Server();
  codes = 0;
  storage = new Map();
  globalThis.wx = {
    getAccountInfoSync: () => ({ miniProgram: { envVersion: "develop" } }),
    getExtConfigSync: () => ({ sharehub: { api: API, hubs: [] } }),
    getStorageSync: (name) => structuredClone(storage.get(name)) ?? "",
    setStorageSync: (name, value) => void storage.set(name, structuredClone(value)),
    removeStorageSync: (name) => void storage.delete(name),
    login: ({ success }) => success({ code: `code-${(codes += 1)}` }),
    request: (options) => server.request(options),
  };
});

test("those who ask at once log in once", async () => {
  const { rest } = launch();
  const answers = await Promise.all(["/a", "/b", "/c"].map((path) => rest({ path })));
  assert.deepEqual(answers, [{ path: "/a" }, { path: "/b" }, { path: "/c" }]);
  assert.equal(server.logins, 1);
});

test("the next launch goes on with the session of before", async () => {
  await launch().rest({ path: "/a" });
  await launch().rest({ path: "/b" });
  assert.deepEqual(server.paths(), ["/v1/login", "/a", "/b"]);
});

test("an expired token is renewed, and the request sent again under its key", async () => {
  const { rest } = launch();
  await rest({ path: "/a" });
  server.valid.clear();
  await rest({ method: "POST", path: "/b", body: {} });
  assert.deepEqual(server.paths(), ["/v1/login", "/a", "/b", "/v1/token/refresh", "/b"]);
  const [, , first, , second] = server.asked;
  assert.equal(first.key, second.key);
  assert.notEqual(first.bearer, second.bearer);
});

test("a refresh whose answer got lost is asked again as it was: it must not look like theft", async () => {
  const { rest } = launch();
  await rest({ path: "/a" });
  server.valid.clear();
  server.answers.push(
    () => refused(401, "token_expired"),
    (asked) => server.answer(asked) && lost(),
  );
  await rest({ path: "/b" });
  const refreshes = server.asked.filter(({ path }) => path === "/v1/token/refresh");
  assert.equal(refreshes.length, 2);
  assert.deepEqual(refreshes[0], refreshes[1]);
  assert.equal(server.logins, 1);
});

test("the same when the app was ended before it could keep the answer", async () => {
  await launch().rest({ path: "/a" });
  const before = structuredClone(storage);
  server.valid.clear();
  await launch().rest({ path: "/b" });
  storage = before;
  server.valid.clear();
  await launch().rest({ path: "/c" });
  assert.equal(server.logins, 1);
});

test("a revoked session logs nobody in by itself, and a tap does", async () => {
  const { rest, session } = launch();
  await rest({ path: "/a" });
  server.valid.clear();
  server.answers.push(() => refused(401, "token_expired"), () => refused(401, "session_revoked"));
  await assert.rejects(rest({ path: "/b" }), { code: "session_revoked" });
  const asked = server.asked.length;
  await assert.rejects(launch().rest({ path: "/c" }), { code: "session_revoked" });
  assert.equal(server.asked.length, asked);
  await session.login();
  assert.deepEqual(await rest({ path: "/d" }), { path: "/d" });
});

test("a login code that was used up is followed by another", async () => {
  server.answers.push(() => refused(400, "bad_login_code"));
  await launch().rest({ path: "/a" });
  assert.deepEqual(server.asked.slice(0, 2).map(({ data }) => data.code), ["code-1", "code-2"]);
});

test("what got lost is sent again under the same key, and what was refused is not", async () => {
  const { rest } = launch();
  await rest({ path: "/a" });
  server.answers.push(lost, () => refused(503, "unavailable", true));
  await rest({ method: "POST", path: "/b", body: { n: 1 } });
  const tries = server.asked.filter(({ path }) => path === "/b");
  assert.equal(tries.length, 3);
  assert.equal(new Set(tries.map(({ key }) => key)).size, 1);
  server.answers.push(() => refused(409, "slot_taken"));
  await assert.rejects(rest({ method: "POST", path: "/c", body: {} }), { code: "slot_taken" });
  assert.equal(server.asked.filter(({ path }) => path === "/c").length, 1);
});

test("in the end the caller is told that there is no network", async () => {
  const { rest } = launch();
  await rest({ path: "/a" });
  server.answers.push(...Array(40).fill(lost));
  await assert.rejects(rest({ path: "/b", patienceMs: 300 }), { code: "network", unknown: true });
});

test("another user is told of, and the same one only when something about them is new", async () => {
  const { session, rest } = launch();
  const told = [];
  session.onUser((user, before) => told.push([user.user_id, before && before.user_id]));
  await rest({ path: "/a" });
  server.valid.clear();
  await rest({ path: "/b" });
  assert.deepEqual(told, [["1", null]]);
});
