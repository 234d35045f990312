// A conversation as it is shown: what the server's log has, and below it what has been said and not yet heard there.
"use strict";

const { dayStart, moment } = require("./time");

/** Lines further apart than this get the time between them. Milliseconds. */
const PAUSE_MS = 5 * 60000;

const READ = "read";

/**
 * @typedef {object} Outgoing  A line that this phone has said. See outgoing.js.
 * @property {string} key
 * @property {"text" | "preset" | "image"} kind
 * @property {string} text
 * @property {string} path  of an image, on this phone
 * @property {"sending" | "sent" | "failed"} state
 * @property {number | null} seq  its number, once the server has said it
 * @property {number} since  the log's last number when it was said
 * @property {number} at_ms
 */

/**
 * The rows of a conversation, oldest first.
 * @param {object} known
 * @param {object[]} known.entries  the log as far as it is known, read marks included, oldest first
 * @param {Outgoing[]} known.outgoing
 * @param {string} known.me
 * @param {number} known.nowMs
 * @returns {Array<{id: string, kind: string, mine: boolean, text: string, image: string, time: string, state: string, says: boolean, key: string, seq: number}>}
 *   `time`: shown above it, "" for none. `state`: of one's own: sending, failed, sent, read. `says`: whether it is shown: once for
 *   all lines that share it, below the last
 */
function rows({ entries, outgoing, me, nowMs }) {
  const readByOther = markOf(entries, (sender) => sender !== me);
  const said = entries.filter(({ kind }) => kind !== READ);
  const shown = said.map((line) => ({
    id: `s${line.seq}`,
    kind: line.erased ? "erased" : line.kind === "image" ? "image" : "text",
    mine: line.sender_id === me,
    text: line.text,
    image: line.image_url,
    atMs: line.at_ms,
    state: line.sender_id !== me ? "" : line.seq <= readByOther ? "read" : "sent",
    key: "",
    seq: line.seq,
  }));
  for (const item of unheard(said, outgoing, me)) {
    shown.push({
      id: `o${item.key}`, kind: item.kind === "image" ? "image" : "text", mine: true, text: item.text, image: item.path,
      atMs: item.at_ms, state: item.state, key: item.key, seq: 0,
    }); // prettier-ignore
  }
  let before = -Infinity;
  const lastMine = new Map(shown.filter(({ mine }) => mine).map(({ id, state }) => [state, id]));
  return shown.map(({ atMs, ...row }) => {
    const apart = atMs - before > PAUSE_MS || dayStart(atMs) !== dayStart(before);
    before = atMs;
    return { ...row, time: apart ? moment(atMs, nowMs) : "", says: row.mine && (row.state === "failed" || lastMine.get(row.state) === row.id) };
  });
}

/** Those of `outgoing` that the log does not have. A push may overtake the answer, so that words are compared too: each line is one item's. */
function unheard(said, outgoing, me) {
  const last = said.length ? said[said.length - 1].seq : 0;
  const taken = new Set(outgoing.map(({ seq }) => seq).filter((seq) => seq !== null));
  return outgoing.filter((item) => {
    if (item.seq !== null) return item.seq > last;
    const heard = said.find(
      (line) => line.seq > item.since && line.sender_id === me && !taken.has(line.seq) && sameWords(line, item),
    );
    if (heard) taken.add(heard.seq);
    return !heard;
  });
}

function sameWords(line, item) {
  if (line.kind !== item.kind) return false;
  if (item.kind === "image") return line.object_key === item.object_key;
  return item.kind === "preset" ? line.preset === item.preset : line.text === item.text;
}

/** How far somebody has read. */
function markOf(entries, isTheirs) {
  return entries.reduce((mark, { kind, sender_id, up_to }) => (kind === READ && isTheirs(sender_id) ? Math.max(mark, up_to) : mark), 0);
}

/** The number up to which I should say that I have read; 0: there is nothing new. */
function unreadUpTo(entries, me) {
  const mine = markOf(entries, (sender) => sender === me);
  const theirs = entries.filter(({ kind, sender_id }) => kind !== READ && sender_id !== me);
  const last = theirs.length ? theirs[theirs.length - 1].seq : 0;
  return last > mine ? last : 0;
}

/**
 * What a list of conversations shows of one: what REST said of it, and what its log has had since.
 * @param {object} view  of chat.conversations
 * @param {object[]} entries  those with a greater number than `view.last_seq` count
 * @param {string} me
 */
function fold(view, entries, me) {
  const later = entries.filter(({ seq }) => seq > view.last_seq);
  const said = later.filter(({ kind }) => kind !== READ);
  const mark = Math.max(view.read_up_to, markOf(later, (sender) => sender === me));
  const last = said.length ? said[said.length - 1] : view.last_line;
  const before = mark >= view.last_seq || mark > view.read_up_to ? 0 : view.unread;
  return {
    ...view,
    last_line: last,
    last_ms: last ? Math.max(view.last_ms, last.at_ms) : view.last_ms,
    unread: before + said.filter(({ seq, sender_id }) => sender_id !== me && seq > mark).length,
  };
}

/**
 * One list of the log's lines and of older ones that REST gave, without doubles, oldest first.
 * @param {object[]} older
 * @param {Array<{payload: object}> | null} lines
 */
function joined(older, lines) {
  const live = (lines || []).map(({ payload }) => payload);
  if (!live.length) return older;
  return older.filter(({ seq }) => seq < live[0].seq).concat(live);
}

module.exports = { rows, unreadUpTo, markOf, fold, joined };
