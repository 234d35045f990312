const place = require("../../platform/place");
const screen = require("../../platform/screen");
const { load, save } = require("../../platform/storage");
const live = require("../../services/live");
const listings = require("../../services/listings");
const { livePage } = require("../../services/live-page");
const { distanceM } = require("../../lib/geo");
const { parseYuan, yuan } = require("../../lib/money");
const { Viewport } = require("../../lib/viewport");
const { HOUR_MS, dayKey, fromDayKey } = require("../../lib/time");
const { discover: words, reason } = require("../../strings");
const { LOCAL, cardsOf, present, topics } = require("./present");

/** People's Square in Shanghai, for who does not say where they are. */
const DEFAULT = { lat: 31.2304, lng: 121.4737 };

/** Who has moved less is still there. */
const SAME_M = 300;

/** A pause in typing, and in moving the map. */
const SETTLE_MS = 400;

/** What the widest search reaches. */
const FARTHEST_M = 30000;

const PAGE = 20;
const MAP_PAGE = 50;

livePage({
  data: { words },
  local: LOCAL,
  topics,
  present: (views, local) => present(views, local, live.now()),

  onLoad() {
    this.local.near = load("near") || DEFAULT;
    this.find();
    this.locate({ asked: false });
    this._stop = live.onConnection(({ state }) => state === "live" && this.local.refusal && this.find());
  },

  onDraw() {
    if (this.data.isTold && this.local.hits && this.local.known === null) this.update({ known: this._told() });
  },

  onUnload() {
    clearTimeout(this._timer);
    this._stop();
    if (this._viewport) this._viewport.end();
  },

  async onPullDownRefresh() {
    await this.find();
    screen.refreshed();
  },

  onReachBottom() {
    if (this.local.mode === "list") this.more();
  },

  // --- where ---

  async locate({ asked = true } = {}) {
    const found = await place.whereabouts();
    if (!found) {
      if (asked) screen.say(words.noPlace);
      return this.update({ lost: !load("near") });
    }
    const moved = distanceM(found, this.local.near) > SAME_M;
    this.update({ mine: found, lost: false, ...(asked ? { centerOn: { ...found } } : {}) });
    if (moved) this._go(found);
    else save("near", found);
  },

  /** Anywhere on the map, for who does not say where they are, or wants to look elsewhere. */
  async choosePlace() {
    const there = await place.choosePlace();
    if (there) this._go({ lat: there.lat, lng: there.lng });
  },

  _go(near) {
    save("near", near);
    this.update({ near, centerOn: { ...near }, known: null, lost: false });
    this._narrow({});
  },

  toLocate() {
    this.locate();
  },

  // --- what ---

  type({ detail }) {
    this.update({ typed: detail.value });
    this._soon(() => this.search());
  },

  search() {
    clearTimeout(this._timer);
    const text = this.local.typed.trim();
    if (text !== this.local.text) this._narrow({ text });
  },

  clearText() {
    this._narrow({ typed: "", text: "" });
  },

  chooseCategory({ currentTarget }) {
    this._narrow({ category: currentTarget.dataset.code });
  },

  chooseSort({ currentTarget }) {
    this._narrow({ sort: currentTarget.dataset.code });
  },

  clearAll() {
    this._narrow({ typed: "", text: "", category: "", leastFen: null, mostFen: null, free: null, radiusM: LOCAL.radiusM });
  },

  widen() {
    this._narrow({ radiusM: FARTHEST_M });
  },

  retry() {
    this[this.data.nothing.does]();
  },

  _narrow(change) {
    this.update({ ...change, hits: null, refusal: null, chosen: "" });
    this.find();
  },

  // --- finding ---

  async find() {
    const { mode, near, mine, box, radiusM, category, text, leastFen, mostFen, free, sort } = this.local;
    const asked = (this._asked = {});
    const where = mode === "map" && box ? { box, near: mine || undefined } : { near, radiusM };
    this._where = { ...where, category, text, leastFen, mostFen, free, sort, limit: mode === "map" ? MAP_PAGE : PAGE };
    try {
      const { hits, next, candidates, region_live: open } = await listings.search(this._where);
      if (asked !== this._asked) return;
      this.update({ hits, next, candidates, open, refusal: null, known: this._told() });
    } catch (refusal) {
      if (asked !== this._asked) return;
      if (this.local.hits) screen.say(reason(refusal, live.now()));
      this.update({ refusal: reason(refusal, live.now()) });
    }
  },

  async more() {
    const { next, loading } = this.local;
    if (!next || loading) return;
    const asked = this._asked;
    this.update({ loading: true });
    try {
      const found = await listings.search({ ...this._where, cursor: next });
      if (asked !== this._asked) return this.update({ loading: false });
      this.update({ hits: [...this.local.hits, ...found.hits], next: found.next, loading: false });
    } catch (refusal) {
      screen.say(reason(refusal, live.now()));
      this.update({ loading: false });
    }
  },

  /** What the areas around have told of so far; null while they have not. What they tell of later is new. */
  _told() {
    return this.data.isTold ? Object.keys(cardsOf(this.views())) : null;
  },

  // --- map ---

  turn() {
    const mode = this.local.mode === "map" ? "list" : "map";
    if (mode === "map" && !this._viewport) this._viewport = new Viewport({ store: live.store, tell: (picture) => this.update({ picture }) });
    if (mode === "list") this._viewport.look(null);
    this.update({ mode, chosen: "", box: null, picture: null, centerOn: this.local.near });
    if (mode === "list") this.find();
  },

  moveMap({ detail }) {
    this._viewport.look(detail.box);
    this.update({ box: detail.box });
    this._soon(() => this.find());
  },

  choosePin({ detail }) {
    this.update({ chosen: detail.id });
  },

  _soon(then) {
    clearTimeout(this._timer);
    this._timer = setTimeout(then, SETTLE_MS);
  },

  open({ detail }) {
    screen.open(`/deal/listing/listing?id=${detail.id}`);
  },

  // --- the sheet of filters ---

  openSheet() {
    const { leastFen, mostFen, free, radiusM } = this.local;
    const startMs = free ? free.startMs : live.now() + HOUR_MS;
    this.update({
      sheet: {
        least: leastFen === null ? "" : yuan(leastFen).replace(/,/g, ""),
        most: mostFen === null ? "" : yuan(mostFen).replace(/,/g, ""),
        day: free ? dayKey(startMs) : "",
        dayMs: fromDayKey(dayKey(startMs)),
        hour: Math.floor((startMs - fromDayKey(dayKey(startMs))) / HOUR_MS),
        hours: free ? (free.endMs - free.startMs) / HOUR_MS : 2,
        radiusM,
        today: dayKey(live.now()),
      },
    });
  },

  closeSheet() {
    this.update({ sheet: null });
  },

  keep() {},

  editSheet({ currentTarget, detail }) {
    const { field, value } = currentTarget.dataset;
    const given = value === undefined ? detail.value : value;
    const change = field === "day" ? { day: given, dayMs: fromDayKey(given) } : field === "time" ? { hour: Number(given.slice(0, 2)) } : { [field]: given };
    this.update({ sheet: { ...this.local.sheet, ...change } });
  },

  anyTime() {
    this.update({ sheet: { ...this.local.sheet, day: "" } });
  },

  resetSheet() {
    this.update({ sheet: null });
    this._narrow({ leastFen: null, mostFen: null, free: null, radiusM: LOCAL.radiusM });
  },

  applySheet() {
    const { least, most, day, dayMs, hour, hours, radiusM } = this.local.sheet;
    const leastFen = least.trim() ? parseYuan(least) : null;
    const mostFen = most.trim() ? parseYuan(most) : null;
    const isBad = (least.trim() && leastFen === null) || (most.trim() && mostFen === null) || (leastFen !== null && mostFen !== null && leastFen > mostFen);
    if (isBad) return screen.say(words.sheet.badPrice);
    const startMs = Math.max(dayMs + hour * HOUR_MS, live.now());
    const free = day ? { startMs, endMs: startMs + hours * HOUR_MS, seats: 1 } : null;
    this.update({ sheet: null });
    this._narrow({ leastFen, mostFen, free, radiusM });
  },
});
