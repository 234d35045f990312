const live = require("../../services/live");
const listings = require("../../services/listings");
const publishing = require("../../services/publishing");
const screen = require("../../platform/screen");
const { livePage } = require("../../services/live-page");
const { stars } = require("../../lib/stars");
const { price } = require("../../lib/money");
const { mine: words, publish: publishWords, reason } = require("../../strings");

/** Topics of a connection are few; older listings change when their owner does something. */
const LIVE = 60;

livePage({
  data: { state: "loading", t: words.text },

  local: { filter: "open", listed: [], next: null, state: "loading", why: "", more: false, doing: "" },

  topics({ listed }) {
    return Object.fromEntries(listed.slice(0, LIVE).map(({ listing_id: id }) => [id, `listing:${id}`]));
  },

  present(views, { filter, listed, state, why, more, doing, next }) {
    const all = listed.map((listing) => current(listing, views[listing.listing_id])).filter(({ status, published_ms: at }) => status !== "closed" || at);
    const of = (name) => all.filter(({ status }) => words.groups[name].includes(status));
    const rows = of(filter);
    return {
      state: state === "ready" && !rows.length ? "empty" : all.length ? "ready" : state,
      why,
      filter,
      filters: words.filters.map((one) => ({ ...one, count: of(one.id).length })),
      empty: words.empty[filter],
      rows: rows.map((listing) => row(listing, doing)),
      more,
      over: state === "ready" && !next && rows.length > 5,
    };
  },

  onShow() {
    this._load();
  },

  onReachBottom() {
    if (this.local.next && !this.local.more) this._load(this.local.next);
  },

  async onPullDownRefresh() {
    await this._load();
    screen.refreshed();
  },

  pickFilter({ currentTarget }) {
    this.update({ filter: currentTarget.dataset.id });
  },

  retry() {
    this.update({ state: "loading" });
    this._load();
  },

  publish() {
    screen.openTab("/pages/publish/publish");
  },

  open({ currentTarget }) {
    const listing = this._find(currentTarget.dataset.id);
    if (words.groups.open.includes(listing.status)) screen.open(`/deal/listing/listing?id=${listing.listing_id}`);
    else if (listing.status !== "closed") this._edit(listing);
  },

  edit({ currentTarget }) {
    this._edit(this._find(currentTarget.dataset.id));
  },

  again({ currentTarget }) {
    this._edit(this._find(currentTarget.dataset.id), publishing.copy);
  },

  async move({ currentTarget }) {
    const { id, what } = currentTarget.dataset;
    const listing = this._find(id);
    const named = what === "close" && !words.groups.open.includes(listing.status) ? "discard" : what;
    if (words.sure[named] && !(await screen.confirm(words.sure[named]))) return;
    this.update({ doing: id });
    try {
      const moved = await publishing.move(listing, what);
      screen.say(words.done[named]);
      this._put(moved);
    } catch (refusal) {
      screen.say(reason(refusal));
      if (refusal.code === "version_conflict" || refusal.code === "illegal_transition") this._load();
    }
    this.update({ doing: "" });
  },

  async _edit(listing, open = publishing.reopen) {
    const draft = publishing.draft();
    const other = draft.category && draft.listing_id !== listing.listing_id && (draft.title || draft.photos.length);
    if (other && !draft.listing_id && !(await screen.confirm(words.replaceDraft))) return;
    open(listing);
    screen.openTab("/pages/publish/publish");
  },

  /** As it is now: one's own view, at the version that was pushed. */
  _find(id) {
    return current(this.local.listed.find(({ listing_id: one }) => one === id), this.views()[id]);
  },

  _put(listing) {
    this.update({ listed: this.local.listed.map((one) => (one.listing_id === listing.listing_id && listing.version > one.version ? listing : one)) });
  },

  async _load(before = null) {
    if (before) this.update({ more: true });
    try {
      const page = await publishing.mine(before);
      this.update({ listed: before ? this.local.listed.concat(page.listings) : page.listings, next: page.next, state: "ready", more: false });
    } catch (refusal) {
      this.update({ state: this.local.listed.length ? "ready" : "error", why: reason(refusal), more: false });
    }
  },
});

/** What is pushed is what everybody may see: what its owner alone sees stays. */
function current(listing, view) {
  const pushed = view && view.value;
  if (!pushed || pushed.version <= listing.version) return listing;
  const { lat, lng, exact, address, review_note: note, pending, orders_created: created } = listing;
  const own = { lat, lng, exact, address, orders_created: created === undefined ? 0 : created };
  const judged = pushed.status === "live" && listing.status === "review";
  return { ...pushed, ...own, review_note: judged ? "" : note, pending: judged ? null : pending };
}

function row(listing, doing) {
  const wording = listing.pending || listing;
  const amount = [["day", listing.price_day_fen], ["hour", listing.price_hour_fen], ["week", listing.price_week_fen]].find(([, fen]) => fen !== null);
  const { label, tone } = words.states[listing.status];
  const created = listing.orders_created || 0;
  return {
    id: listing.listing_id,
    title: wording.title || words.untitled,
    photo: listings.photoUrl(wording.photos[0] || ""),
    category: wording.category,
    price: amount ? `${price(amount[1])}${publishWords.units[amount[0]]}` : words.unpriced,
    unpriced: !amount,
    label,
    tone,
    note: listing.review_note || (listing.pending ? words.pending : words.notes[listing.status] || ""),
    noteTone: listing.review_note ? "danger" : listing.status === "review" || listing.pending ? "warn" : "",
    numbers: words.groups.open.includes(listing.status) || listing.status === "closed"
      ? words.numbers(created, listing.orders_completed, listing.deal_rate_percent, listing.ratings ? stars(listing.rating_centistars) : "—", listing.views)
      : [],
    moves: words.moves[listing.status],
    busy: doing === listing.listing_id,
  }; // prettier-ignore
}
