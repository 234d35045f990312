// The protocol's examples, read as a JavaScript client reads them: node --test tests/golden/golden.test.mjs
// No dependencies: below is as much of a msgpack decoder as the examples need, written from the msgpack specification.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const golden = JSON.parse(readFileSync(new URL("./frames.json", import.meta.url), "utf8"));

function decode(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const utf8 = new TextDecoder("utf-8", { fatal: true });
  let at = 0;

  const take = (size, read) => {
    const value = read.call(view, at);
    at += size;
    return value;
  };
  const safe = (big) => {
    // Ids travel as strings, so nothing that a client keeps as a number may exceed this.
    assert.ok(Number.isSafeInteger(Number(big)), `${big} does not fit into a JavaScript number`);
    return Number(big);
  };
  const string = (length) => {
    const text = utf8.decode(bytes.subarray(at, at + length));
    assert.equal(Buffer.byteLength(text), length);
    at += length;
    return text;
  };
  const array = (length) => Array.from({ length }, value);
  const map = (length) => {
    const result = {};
    for (let n = 0; n < length; n++) {
      const key = value();
      assert.equal(typeof key, "string");
      assert.ok(!(key in result), `${key} comes twice`);
      result[key] = value();
    }
    return result;
  };

  function value() {
    const type = take(1, view.getUint8);
    if (type <= 0x7f) return type;
    if (type <= 0x8f) return map(type & 0x0f);
    if (type <= 0x9f) return array(type & 0x0f);
    if (type <= 0xbf) return string(type & 0x1f);
    if (type >= 0xe0) return type - 0x100;
    switch (type) {
      case 0xc0: return null;
      case 0xc2: return false;
      case 0xc3: return true;
      case 0xca: return take(4, view.getFloat32);
      case 0xcb: return take(8, view.getFloat64);
      case 0xcc: return take(1, view.getUint8);
      case 0xcd: return take(2, view.getUint16);
      case 0xce: return take(4, view.getUint32);
      case 0xcf: return safe(take(8, view.getBigUint64));
      case 0xd0: return take(1, view.getInt8);
      case 0xd1: return take(2, view.getInt16);
      case 0xd2: return take(4, view.getInt32);
      case 0xd3: return safe(take(8, view.getBigInt64));
      case 0xd9: return string(take(1, view.getUint8));
      case 0xda: return string(take(2, view.getUint16));
      case 0xdb: return string(take(4, view.getUint32));
      case 0xdc: return array(take(2, view.getUint16));
      case 0xdd: return array(take(4, view.getUint32));
      case 0xde: return map(take(2, view.getUint16));
      case 0xdf: return map(take(4, view.getUint32));
      default: throw new Error(`no frame has the msgpack type 0x${type.toString(16)}`);
    }
  }

  const result = value();
  assert.equal(at, bytes.length, "bytes are left over");
  return result;
}

for (const side of ["client", "server"]) {
  for (const { name, json, msgpack } of golden[side]) {
    test(`${side}: ${name}`, () => {
      assert.deepEqual(decode(Uint8Array.from(Buffer.from(msgpack, "hex"))), json);
    });
  }
}

test("numbers survive JSON in JavaScript", () => {
  const seen = [];
  JSON.parse(JSON.stringify(golden), (key, value) => {
    if (typeof value === "number") seen.push(value);
    return value;
  });
  assert.ok(seen.length > 0);
  assert.ok(seen.every((n) => !Number.isInteger(n) || Number.isSafeInteger(n)));
});

test("ids are decimal strings", () => {
  const seen = [];
  JSON.parse(JSON.stringify(golden), (key, value) => {
    if (key === "user" || key === "session" || key.endsWith("ing_id") || key === "order_id" || key === "conversation_id") seen.push(value);
    return value;
  });
  assert.ok(seen.length > 0);
  assert.ok(seen.every((id) => /^[1-9][0-9]{0,18}$/.test(id)));
});

for (const { name, text } of golden.malformed.json) {
  test(`malformed: ${name}`, () => {
    const whole = typeof text === "string" ? text : text.head + text.repeat.repeat(text.count) + text.tail;
    assert.ok(Buffer.byteLength(whole) <= 65536);
  });
}
