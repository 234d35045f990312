// The shipped codec on the protocol's examples, in both encodings; and the client in a world as bare as WeChat's.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import vm from "node:vm";
import {
  LIMITS, afterClose, decodeMessage, encodeFrame, encodeMessages, joinFrames, plainCopy, subprotocol,
} from "../../miniprogram/lib/protocol.js"; // prettier-ignore
import { Bench, settled } from "./fakes.mjs";

const golden = JSON.parse(readFileSync(new URL("../golden/frames.json", import.meta.url), "utf8"));
const examples = [...golden.client, ...golden.server];

/** The frame as a message of the server, whose bytes are the example's own. */
const asServer = {
  msgpack: ({ msgpack }) => Uint8Array.from(Buffer.from(`91${msgpack}`, "hex")).buffer,
  json: ({ json }) => JSON.stringify([json]),
};

for (const encoding of ["msgpack", "json"]) {
  for (const example of examples) {
    test(`${encoding}: ${example.name} is read as it was meant`, () => {
      assert.deepEqual(decodeMessage(asServer[encoding](example)), [example.json]);
    });

    test(`${encoding}: ${example.name} survives our own writing`, () => {
      const [message] = encodeMessages([example.json], encoding, LIMITS);
      assert.equal(message instanceof ArrayBuffer, encoding === "msgpack");
      assert.deepEqual(decodeMessage(message), [example.json]);
      const bytes = typeof message === "string" ? Buffer.byteLength(message) : message.byteLength;
      assert.ok(bytes <= encodeFrame(example.json, encoding).bytes + 16);
    });
  }

  test(`${encoding}: the client takes every frame of the server without a complaint of its own`, async () => {
    const bench = new Bench({ encoding });
    bench.hub.store.watch("listing:1", () => {});
    await bench.live();
    for (const example of golden.server) {
      bench.socket.onmessage(asServer[encoding](example));
      await settled();
    }
    assert.deepEqual(bench.errors.filter((error) => error.name !== "Refusal"), []);
    assert.equal(bench.hub.status.state, "live");
  });

  for (const count of [1, 15, 16, 64]) {
    test(`${encoding}: ${count} frames in one message`, () => {
      const frames = Array.from({ length: count }, (_, n) => examples[n % examples.length].json);
      const message = joinFrames(frames.map((frame) => encodeFrame(frame, encoding)), encoding);
      assert.deepEqual(decodeMessage(message), frames);
    });
  }
}

test("what is not a message is told from one", () => {
  for (const bad of ["", "{}", "null", "1", "[", '"x"']) assert.throws(() => decodeMessage(bad), undefined, bad);
  for (const bad of [[], [0x80], [0xc0], [0x92, 0x80], [0xc1]]) {
    assert.throws(() => decodeMessage(Uint8Array.from(bad).buffer), undefined, String(bad));
  }
  assert.deepEqual(decodeMessage('[1, null, "x", {"op": "ping"}]'), [{ op: "ping" }]);
});

test("JSON's bytes are counted as UTF-8", () => {
  for (const text of ["", "plain", "é", "字", "👋", "a👋字é\u0000", "\ud7ff\ue000"]) {
    assert.equal(encodeFrame({ text }, "json").bytes, Buffer.byteLength(JSON.stringify({ text })));
  }
});

test("a copy is plain: nothing undefined, and only text that can be sent", () => {
  assert.deepEqual(plainCopy({ a: undefined, b: null, c: [true, 1.5, "字👋"] }), { b: null, c: [true, 1.5, "字👋"] });
  for (const text of ["\ud83d", "\udc4b", "a\ud83d", "\udc4b\udc4b\udc4b", "\ud83d\ud83d\udc4b", "\udc4b\ud83d", "x\udc4b\ud83dy\ud83d\udc4b"]) {
    assert.equal(plainCopy(text), text.toWellFormed ? text.toWellFormed() : Buffer.from(text).toString());
  }
});

test("the numbers of closes follow their ranges", () => {
  for (let code = 4000; code < 5000; code++) assert.equal(afterClose(code).again, code < 4500, String(code));
  for (const code of [1000, 1001, 1005, 1006, 1011, 1012, 1013]) assert.equal(afterClose(code).again, true);
  assert.equal(afterClose(4100).freshToken, true);
  assert.equal(golden.malformed.close, 4500);
  assert.deepEqual(["msgpack", "json"].map(subprotocol), ["sharehub.v1.msgpack", "sharehub.v1.json"]);
});

// --- where it has to run ---

const LIB = fileURLToPath(new URL("../../miniprogram/lib/", import.meta.url));
const require = createRequire(path.join(LIB, "hub.js"));

/** CommonJS in a world that has the language and timers, and nothing of node's or a browser's. */
function bareWorld() {
  const world = vm.createContext({ setTimeout, clearTimeout });
  const modules = new Map();
  for (const name of ["BigInt", "BigInt64Array", "BigUint64Array", "WebAssembly", "SharedArrayBuffer", "Atomics", "console"]) {
    vm.runInContext(`delete globalThis.${name}`, world);
  }
  function load(file) {
    if (modules.has(file)) return modules.get(file).exports;
    const module = { exports: {} };
    modules.set(file, module);
    const source = `(function (module, exports, require) {${readFileSync(file, "utf8")}\n})`;
    const inside = createRequire(file);
    vm.runInContext(source, world, { filename: file })(module, module.exports, (name) => load(inside.resolve(name)));
    return module.exports;
  }
  return { load, world };
}

test("without TextEncoder, BigInt, process and whatever else a phone lacks, it speaks the same", async () => {
  const { load, world } = bareWorld();
  assert.equal(vm.runInContext("typeof TextEncoder + typeof process + typeof BigInt + typeof window", world), "undefined".repeat(4));
  const protocol = load(path.join(LIB, "protocol.js"));
  for (const { name, json, msgpack } of examples) {
    const [frame] = protocol.decodeMessage(asServer.msgpack({ msgpack }));
    assert.equal(JSON.stringify(frame), JSON.stringify(json), name);
    const written = protocol.encodeMessages([json], "msgpack", LIMITS)[0];
    assert.deepEqual(decodeMessage(new Uint8Array(written).buffer), [json], name);
  }
  const { Hub } = load(require.resolve("./hub.js"));
  const sockets = [];
  const hub = new Hub({ connect: () => (sockets[0] = { sent: [], send(m) { this.sent.push(m); }, close() {} }), urls: ["ws://a"], token: async () => "t" }); // prettier-ignore
  hub.open();
  await settled();
  sockets[0].onopen();
  await settled();
  assert.deepEqual(decodeMessage(new Uint8Array(sockets[0].sent[0]).buffer), [{ op: "connect", token: "t", topics: [] }]);
  hub.close();
});
