// The wire: frames, their two encodings, and what the numbers of a close mean. docs/protocol.md is this page in prose.
"use strict";

const msgpack = require("@msgpack/msgpack");

/** What the server takes until `connected.limits` says otherwise. */
const LIMITS = {
  max_message_bytes: 64 * 1024,
  max_frames: 16,
  max_topics: 200,
  max_in_flight: 16,
};

/** The bytes around the frames of a message, at most. */
const ENVELOPE_BYTES = 16;

/** Why the product, or this client, said no. `unknown`: a command that may have been done all the same. */
class Refusal extends Error {
  /** @param {{code: string, message?: string, retryable?: boolean, data?: object, unknown?: boolean}} error */
  constructor({ code, message = "", retryable = false, data = {}, unknown = false }) {
    super(message ? `${code}: ${message}` : code);
    this.name = "Refusal";
    this.code = code;
    this.retryable = retryable;
    this.data = data;
    this.unknown = unknown;
  }
}

/**
 * The subprotocol to offer for an encoding.
 * @param {"msgpack" | "json"} encoding
 */
function subprotocol(encoding) {
  return `sharehub.v1.${encoding}`;
}

/**
 * One frame, and how many bytes it takes.
 * @param {object} frame
 * @param {"msgpack" | "json"} encoding
 * @returns {{data: string | Uint8Array, bytes: number}}
 */
function encodeFrame(frame, encoding) {
  if (encoding === "json") {
    const data = JSON.stringify(frame);
    return { data, bytes: utf8Length(data) };
  }
  const data = msgpack.encode(frame);
  return { data, bytes: data.length };
}

/**
 * Encoded frames as one message.
 * @param {Array<{data: string | Uint8Array, bytes: number}>} frames
 * @param {"msgpack" | "json"} encoding
 * @returns {string | ArrayBuffer}
 */
function joinFrames(frames, encoding) {
  if (encoding === "json") return `[${frames.map((frame) => frame.data).join(",")}]`;
  const count = frames.length;
  const head = count < 16 ? [0x90 | count] : [0xdc, count >> 8, count & 0xff];
  const message = new Uint8Array(frames.reduce((sum, frame) => sum + frame.bytes, head.length));
  message.set(head);
  let at = head.length;
  for (const { data, bytes } of frames) {
    message.set(data, at);
    at += bytes;
  }
  return message.buffer;
}

/**
 * Frames as few messages, each within the limits. A frame that is too long by itself still gets its message.
 * @param {object[]} frames
 * @param {"msgpack" | "json"} encoding
 * @param {{max_message_bytes: number, max_frames: number}} limits
 * @returns {Array<string | ArrayBuffer>}
 */
function encodeMessages(frames, encoding, limits) {
  const messages = [];
  let some = [];
  let bytes = ENVELOPE_BYTES;
  for (const frame of frames) {
    const encoded = encodeFrame(frame, encoding);
    const added = encoded.bytes + 1;
    if (some.length && (some.length === limits.max_frames || bytes + added > limits.max_message_bytes)) {
      messages.push(joinFrames(some, encoding));
      some = [];
      bytes = ENVELOPE_BYTES;
    }
    some.push(encoded);
    bytes += added;
  }
  if (some.length) messages.push(joinFrames(some, encoding));
  return messages;
}

/**
 * The frames of a message. Throws when it is not an array.
 * @param {string | ArrayBuffer} message
 * @returns {object[]}
 */
function decodeMessage(message) {
  const frames = typeof message === "string" ? JSON.parse(message) : msgpack.decode(new Uint8Array(message));
  if (!Array.isArray(frames)) throw new Refusal({ code: "invalid", message: "not an array of frames" });
  return frames.filter((frame) => frame !== null && typeof frame === "object");
}

/**
 * What the number of a close asks for: connect again, refresh the token first, or end, and why.
 * @param {number} code
 * @returns {{again: boolean, freshToken: boolean, reason: string}}
 */
function afterClose(code) {
  const terminal = TERMINAL[code] || (code >= 4500 && code < 5000 ? "refused" : "");
  return { again: !terminal, freshToken: code === 4100, reason: terminal };
}

const TERMINAL = {
  1002: "bad_frame",
  1007: "bad_frame",
  1009: "bad_frame",
  4500: "bad_frame",
  4502: "unauthenticated",
  4503: "session_revoked",
  4504: "too_many_connections",
};

/**
 * A copy that has the same bytes each time it is sent: nobody else can change it, nothing undefined is left,
 * and every string is valid Unicode. (An input that was cut within an emoji gives half a surrogate pair,
 * which no encoding can carry: the server would have to refuse the whole message.)
 * @template T
 * @param {T} value
 * @returns {T}
 */
function plainCopy(value) {
  if (typeof value === "string") return /** @type {any} */ (wellFormed(value));
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new Refusal({ code: "invalid", message: `${value} is no number` });
    return value;
  }
  if (value === null || typeof value === "boolean") return value;
  if (Array.isArray(value)) return /** @type {any} */ (value.map(plainCopy));
  if (typeof value !== "object") throw new Refusal({ code: "invalid", message: `a ${typeof value} is no data` });
  const copy = {};
  for (const key of Object.keys(value)) {
    if (value[key] !== undefined) copy[wellFormed(key)] = plainCopy(value[key]);
  }
  return /** @type {any} */ (copy);
}

const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(^|[^\ud800-\udbff])[\udc00-\udfff]/g;

function wellFormed(text) {
  if (!/[\ud800-\udfff]/.test(text)) return text;
  let whole = text;
  // Matches cannot overlap, so that of several low halves in a row each second one is left to another round.
  for (let before = null; before !== whole; ) {
    before = whole;
    whole = whole.replace(LONE_SURROGATE, (found, lead) => (lead === undefined ? "\ufffd" : `${lead}\ufffd`));
  }
  return whole;
}

function utf8Length(text) {
  let bytes = text.length;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit > 0x7f) bytes += 1;
    if (unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff)) bytes += 1;
  }
  return bytes; // each half of a surrogate pair counts two: four for the character
}

module.exports = {
  LIMITS, ENVELOPE_BYTES, Refusal, subprotocol, encodeFrame, joinFrames, encodeMessages, decodeMessage, afterClose, plainCopy,
};
