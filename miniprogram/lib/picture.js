// What a picture's first bytes say. Object storage takes these three and looks for itself.
"use strict";

/** Bytes; more is refused (infra/objects.py). */
const MOST_BYTES = 5 * 1024 * 1024;

/**
 * @param {ArrayBuffer} data
 * @returns {"image/jpeg" | "image/png" | "image/webp" | null}
 */
function pictureType(data) {
  const head = Array.from(new Uint8Array(data.slice(0, 12)));
  const text = String.fromCharCode(...head);
  if (head[0] === 0xff && head[1] === 0xd8 && head[2] === 0xff) return "image/jpeg";
  if (text.startsWith("\u0089PNG\r\n\u001a\n")) return "image/png";
  return text.startsWith("RIFF") && text.slice(8) === "WEBP" ? "image/webp" : null;
}

module.exports = { pictureType, MOST_BYTES };
