// Lines that have been said on this phone, until the server has them: kept over a restart, said again under the same key.
"use strict";

/** Unsent lines that are kept. */
const MOST = 50;

/** How long a line waits for a connection before it is marked as unsent. Milliseconds. */
const DEADLINE_MS = 120000;

class Outgoing {
  /**
   * @param {object} parts
   * @param {(body: object, options: {key: string, deadlineMs: number}) => Promise<{seq: number}>} parts.send
   * @param {(conversationId: string, path: string) => Promise<string>} parts.upload  an image; the key of the object
   * @param {() => object[] | null} parts.load
   * @param {(items: object[]) => void} parts.save
   * @param {() => number} parts.now
   * @param {() => string} parts.newKey
   */
  constructor({ send, upload, load, save, now, newKey }) {
    this._send = send;
    this._upload = upload;
    this._save = save;
    this._now = now;
    this._newKey = newKey;
    this._watchers = new Set();
    // Of those that were under way when the app ended, nobody knows: saying them again under their key does no harm.
    this._items = (load() || []).map((item) => ({ ...item, state: "failed" }));
  }

  /** @returns {import("./talk").Outgoing[]} of a conversation, oldest first */
  of(conversationId) {
    return this._items.filter((item) => item.conversation_id === conversationId);
  }

  onChange(watcher) {
    this._watchers.add(watcher);
    return () => this._watchers.delete(watcher);
  }

  /**
   * Say something.
   * @param {string} conversationId
   * @param {{kind: "text" | "preset" | "image", text?: string, preset?: string, path?: string}} line  `text` of a preset: its words
   * @param {number} since  the log's last number
   */
  say(conversationId, { kind, text = "", preset = "", path = "" }, since) {
    const item = {
      key: this._newKey(), conversation_id: conversationId, kind, text, preset, path, object_key: "",
      state: "sending", reason: "", seq: null, since, at_ms: this._now(),
    }; // prettier-ignore
    this._items = this._items.concat(item).slice(-MOST);
    const outcome = this._go(item); // first of all, it is on its way
    this._changed();
    return outcome;
  }

  /** Say it again. */
  retry(key) {
    const item = this._items.find((one) => one.key === key && one.state === "failed");
    if (!item) return Promise.resolve();
    this._set(item, { state: "sending", reason: "" });
    return this._go(item);
  }

  drop(key) {
    this._items = this._items.filter((item) => item.key !== key);
    this._changed();
  }

  /** Somebody else has logged in. */
  clear() {
    this._items = [];
    this._changed();
  }

  /** The log has come so far: what it has needs no place here. */
  settle(conversationId, lastSeq) {
    const kept = this._items.filter((item) => item.conversation_id !== conversationId || item.seq === null || item.seq > lastSeq);
    if (kept.length === this._items.length) return;
    this._items = kept;
    this._changed();
  }

  async _go(item) {
    try {
      if (item.kind === "image" && !item.object_key) {
        this._set(item, { object_key: await this._upload(item.conversation_id, item.path) });
      }
      const { seq } = await this._send(bodyOf(item), { key: item.key, deadlineMs: DEADLINE_MS });
      this._set(item, { state: "sent", seq });
    } catch (refusal) {
      this._set(item, { state: "failed", reason: refusal.code || "network" });
    }
  }

  _set(item, change) {
    Object.assign(item, change);
    this._changed();
  }

  _changed() {
    this._save(this._items.filter(({ state }) => state !== "sent"));
    for (const watcher of [...this._watchers]) watcher();
  }
}

function bodyOf({ conversation_id, kind, text, preset, object_key }) {
  if (kind === "image") return { conversation_id, kind, object_key };
  return kind === "preset" ? { conversation_id, kind, preset } : { conversation_id, kind, text };
}

module.exports = { Outgoing };
