// From what is known to what is shown: a page is a function of topics and of what the user has entered, and only what differs is set.
"use strict";

/** More separate changes than this and their list costs more than the value itself. */
const MOST_PATHS = 60;

/**
 * What setData needs in order to turn `before` into `after`: paths and values. Keys that `after` does not name stay as they are.
 * @param {object} before
 * @param {object} after  plain JSON; undefined counts as null
 * @returns {object}
 */
function diff(before, after) {
  const changes = {};
  for (const key of Object.keys(after)) {
    const own = {};
    compare(key, before[key], after[key], own);
    const paths = Object.keys(own);
    if (paths.length > MOST_PATHS) changes[key] = plain(after[key]);
    else for (const path of paths) changes[path] = own[path];
  }
  return changes;
}

function compare(path, before, after, changes) {
  if (before === after) return;
  if (Array.isArray(before) && Array.isArray(after) && (before.length === after.length || hasGrown(before, after))) {
    after.forEach((value, index) => compare(`${path}[${index}]`, before[index], value, changes));
  } else if (isObject(before) && isObject(after) && sameKeys(before, after) && isAddressable(after)) {
    for (const key of Object.keys(after)) compare(`${path}.${key}`, before[key], after[key], changes);
  } else if (!equal(before, after)) {
    changes[path] = plain(after);
  }
}

function equal(a, b) {
  if (a === b || (isNothing(a) && isNothing(b) && a !== undefined)) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((value, index) => equal(value, b[index]));
  return isObject(a) && isObject(b) && sameKeys(a, b) && Object.keys(a).every((key) => equal(a[key], b[key]));
}

/** Only at its end. */
function hasGrown(before, after) {
  return before.length > 0 && before.length < after.length && before.every((value, index) => equal(value, after[index]));
}

function sameKeys(a, b) {
  const keys = Object.keys(b);
  return keys.length === Object.keys(a).length && keys.every((key) => key in a);
}

/** A dot or a bracket in a key would be read as a path by setData. */
function isAddressable(value) {
  return Object.keys(value).every((key) => /^\w+$/.test(key));
}

function isObject(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function isNothing(value) {
  return value === null || value === undefined;
}

/** A copy without anything undefined: setData takes none. */
function plain(value) {
  if (isNothing(value)) return null;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object") return value;
  const copy = {};
  for (const key of Object.keys(value)) copy[key] = plain(value[key]);
  return copy;
}

/** Several topics watched for one screen, which is drawn once per turn however many of them change, and not while it is hidden. */
class Binding {
  /**
   * @param {object} parts
   * @param {{watch(name: string, watcher: (view: any) => void): () => void}} parts.store
   * @param {(views: object) => object} parts.present  views by the names given to `see` -> what is shown
   * @param {{data: object, setData(changes: object): void}} parts.screen
   * @param {() => void} [parts.drawn]  something has changed on the screen
   */
  constructor({ store, present, screen, drawn = () => {} }) {
    this._store = store;
    this._present = present;
    this._screen = screen;
    this._drawn = drawn;
    this._watched = new Map(); // by name: topic, view, stop
    this._hidden = false;
    this._due = false;
    this._over = false;
  }

  /** The views of now, by name. */
  get views() {
    const views = {};
    for (const [name, { view }] of this._watched) views[name] = view;
    return views;
  }

  /**
   * Watch exactly these. Those that are watched already go on without a question to the server.
   * @param {{[name: string]: string | null}} topics  null: not now
   */
  see(topics) {
    if (this._over) return;
    for (const [name, { topic, stop }] of [...this._watched]) {
      if (topics[name] === topic) continue;
      this._watched.delete(name);
      stop();
    }
    for (const name of Object.keys(topics)) {
      const topic = topics[name];
      if (!topic || this._watched.has(name)) continue;
      const entry = { topic, view: null, stop: () => {} };
      this._watched.set(name, entry);
      entry.stop = this._store.watch(topic, (view) => {
        entry.view = view;
        this.draw();
      });
    }
    this.draw();
  }

  /** Draw soon: once for all that happens in this turn, and after what it sends has gone out. */
  draw() {
    if (this._due || this._over) return;
    this._due = true;
    Promise.resolve().then(() => {}).then(() => this._draw()); // prettier-ignore
  }

  hide() {
    this._hidden = true;
  }

  show() {
    this._hidden = false;
    if (this._due) this._draw();
  }

  end() {
    this._over = true;
    for (const { stop } of this._watched.values()) stop();
    this._watched.clear();
  }

  _draw() {
    if (!this._due || this._hidden || this._over) return;
    this._due = false;
    const changes = diff(this._screen.data, this._present(this.views));
    if (!Object.keys(changes).length) return;
    this._screen.setData(changes);
    this._drawn();
  }
}

module.exports = { Binding, diff, equal };
