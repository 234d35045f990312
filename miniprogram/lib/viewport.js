// The map's news of what is in view: which cells to watch as the view moves, and the one picture that they make together.
"use strict";

const { cellsOf } = require("./geo");

/** Of a street's view four cells are in sight, of a town's sixteen. A wider view is not watched: nobody can tell its pins apart. */
const MOST_CELLS = 16;

/**
 * @typedef {object} Picture
 * @property {{[id: string]: object}} cards  what is on offer, by listing
 * @property {boolean} settled  all cells in view have been answered for
 * @property {boolean} wide  the view is too wide to be watched
 */

class Viewport {
  /**
   * @param {object} parts
   * @param {{watch(name: string, watcher: (view: any) => void): () => void}} parts.store
   * @param {(picture: Picture) => void} parts.tell  once per turn in which something has changed
   * @param {number} [parts.most]  cells in view
   */
  constructor({ store, tell, most = MOST_CELLS }) {
    this._store = store;
    this._tellPicture = tell;
    this._most = most;
    this._inView = new Set();
    this._wide = false;
    this._cells = new Map(); // cell -> { view, stop }, those first that have been watched longest
    this._due = false;
    this._over = false;
  }

  /**
   * The view has moved. The cells that it leaves are kept until those that it enters have been answered for, so that at no
   * moment less is known than before.
   * @param {{south: number, west: number, north: number, east: number} | null} box  null: nothing is in view
   */
  look(box) {
    if (this._over) return;
    const cells = box ? cellsOf(box, this._most) : [];
    this._wide = cells === null;
    this._inView = new Set(cells || []);
    for (const cell of this._inView) if (!this._cells.has(cell)) this._watch(cell);
    this._settle();
  }

  /** @returns {Picture} */
  get picture() {
    return { cards: onOffer([...this._cells.values()].map(({ view }) => view)), settled: this._isSettled(), wide: this._wide };
  }

  end() {
    this._over = true;
    for (const { stop } of this._cells.values()) stop();
    this._cells.clear();
  }

  _watch(cell) {
    const entry = { view: null, stop: () => {} };
    this._cells.set(cell, entry);
    entry.stop = this._store.watch(`area:${cell}`, (view) => {
      entry.view = view;
      this._settle();
    });
  }

  _isSettled() {
    return [...this._inView].every((cell) => {
      const { view } = this._cells.get(cell);
      return view !== null && view.status !== "waiting";
    });
  }

  /** Leave what is out of view: once all that is in view is known, or when there is too much of it. */
  _settle() {
    const settled = this._isSettled();
    for (const [cell, { stop }] of [...this._cells]) {
      if (this._inView.has(cell) || !(settled || this._cells.size > 2 * this._most)) continue;
      this._cells.delete(cell);
      stop();
    }
    this._tellSoon();
  }

  _tellSoon() {
    if (this._due) return;
    this._due = true;
    Promise.resolve().then(() => {
      this._due = false;
      if (!this._over) this._tellPicture(this.picture);
    });
  }
}

/**
 * What several cells say together. A listing that has moved is gone from one and in another, in whichever order that is heard.
 * @param {Iterable<{value: {[id: string]: object} | null} | null>} views  of `area:CELL`
 * @returns {{[id: string]: object}} the newest card of each listing that is on offer
 */
function onOffer(views) {
  const newest = {};
  for (const view of views) {
    const cards = (view && view.value) || {};
    for (const id of Object.keys(cards)) {
      if (cards[id].status === "gone") continue; // which says nothing of where it is now
      if (!newest[id] || newest[id].version < cards[id].version) newest[id] = cards[id];
    }
  }
  for (const id of Object.keys(newest)) if (newest[id].status !== "live") delete newest[id];
  return newest;
}

module.exports = { Viewport, onOffer, MOST_CELLS };
