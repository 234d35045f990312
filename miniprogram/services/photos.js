// Photos on their way to object storage: POST /v1/objects, then a PUT to where it says.
"use strict";

const { readFile } = require("../platform/files");
const { request } = require("../platform/request");
const { pictureType, MOST_BYTES } = require("../lib/picture");
const { Refusal } = require("../lib/protocol");
const { rest } = require("./rest");

const PUT_MS = 60000;
const TRIES = 3;

/**
 * @param {string} path  on the phone
 * @param {{purpose: "photo" | "avatar" | "chat", conversation_id?: string}} place
 * @param {(percent: number) => void} [onProgress]  in steps: WeChat does not tell how much of a request has gone
 * @returns {Promise<{key: string, url: string}>} `url`: where everybody may see it; "" for a chat's
 */
async function upload(path, place, onProgress = () => {}) {
  const data = await readFile(path).catch(() => {
    throw new Refusal({ code: "photo_gone" });
  });
  const type = pictureType(data);
  if (!type) throw new Refusal({ code: "photo_type" });
  if (data.byteLength > MOST_BYTES) throw new Refusal({ code: "photo_large" });
  onProgress(20);
  const signed = await rest({ method: "POST", path: "/v1/objects", body: { ...place, content_type: type, size_bytes: data.byteLength } });
  onProgress(40);
  const stored = await put(signed.upload_url, data, type);
  onProgress(100);
  return { key: stored.object_key || signed.object_key, url: stored.public_url || signed.public_url };
}

/**
 * The same bytes may be put again under the same address: an answer can be lost.
 * @returns {Promise<{object_key?: string, public_url?: string}>} what it has become: a photo is named after how it looks
 */
async function put(url, data, type) {
  for (let left = TRIES; ; left -= 1) {
    let status = 0;
    let body = null;
    try {
      ({ status, body } = await request({ url, method: "PUT", data, header: { "Content-Type": type }, timeoutMs: PUT_MS }));
    } catch (error) {
      status = 0;
    }
    if (status === 201) return body || {};
    if (status === 400 && body && body.error) throw new Refusal(body.error);
    if (left === 1 || (status >= 400 && status < 500)) throw new Refusal({ code: status ? "photo_refused" : "network", retryable: true });
  }
}

module.exports = { upload };
