const chat = require("../../services/chat");
const { photoUrl } = require("../../services/listings");
const live = require("../../services/live");
const session = require("../../services/session");
const users = require("../../services/users");
const screen = require("../../platform/screen");
const { choosePhotos, preview } = require("../../platform/files");
const { livePage } = require("../../services/live-page");
const talk = require("../../lib/talk");
const { pieces, within, settled, earlier, later } = require("./window");
const { price } = require("../../lib/money");
const time = require("../../lib/time");
const { chat: words, orders: orderWords, photos: photoWords, reason } = require("../../strings");

/** After this the screen has drawn what came. Milliseconds. */
const DRAWN_MS = 60;

livePage({
  data: { state: "loading", t: words.text },

  local: {
    me: "", kind: "", role: "", listing: "", otherId: "", other: null, older: [], olderLeft: true, looking: false, window: { from: null, to: null },
    text: "", panel: "", presets: [], said: 0, images: {}, below: false, failed: "",
  }, // prettier-ignore

  topics({ kind, role, listing }, { id }) {
    if (!id) return {};
    const order = kind !== "enquiry";
    return {
      chat: `chat:${id}`,
      typing: `typing:${id}`,
      presence: `presence:${id}`,
      buyer: order && role !== "owner" ? `order:${id}:buyer` : null,
      owner: order && role !== "buyer" ? `order:${id}:owner` : null,
      listing: listing ? `listing:${listing}` : null,
    };
  },

  present(views, local, { id }) {
    const nowMs = live.now();
    const log = views.chat || { value: null, status: "waiting" };
    const entries = entriesOf(log, local);
    const all = talk.rows({ entries, outgoing: chat.outgoing.of(id), me: local.me, nowMs });
    const known = pieces(all);
    const order = orderOf(views);
    const context = order ? orderContext(order, views.listing, nowMs) : listingContext(views.listing);
    return {
      state: local.failed || (log.status === "refused" && !entries.length) ? "error" : log.value === null && !entries.length ? "loading" : "ready",
      why: local.failed || words.notOpen,
      pieces: within(known, local.window),
      waiting: local.window.to === null ? all.filter(({ seq }) => !seq) : [],
      empty: log.value !== null && !all.length && !local.olderLeft,
      older: local.looking ? "loading" : local.olderLeft || (known.length > 0 && known[0].number < local.window.from) ? "more" : "",
      other: local.other ? { name: local.other.nickname, avatar: local.other.avatar_url } : { name: "", avatar: "" },
      status: statusOf(views, local.me),
      context,
      text: local.text,
      panel: local.panel,
      presets: local.presets,
      below: local.below ? words.below : local.window.to === null ? "" : words.newest,
    };
  },

  onLoad({ id, kind = "", role = "", listing = "", other = "" }) {
    this._stops = [];
    if (!id) return this._begin(listing);
    Object.assign(this.local, { me: session.user ? session.user.user_id : "", kind, role, listing, otherId: other, text: kept.get(id) || "" });
    this._atEnd = true;
    this._stops = [
      chat.outgoing.onChange(() => this.update({ said: this.local.said + 1 })),
      live.store.watch(`chat:${id}`, (view) => this._heard(view)),
      ...(kind ? [] : ["buyer", "owner"].map((side) => live.store.watch(`order:${id}:${side}`, (view) => this._met(side, view)))),
    ];
    if (other) this._meet(other);
    this._look();
  },

  onShow() {
    this._visible = true;
    this._read();
  },

  onHide() {
    this._visible = false;
  },

  onUnload() {
    const { id } = this.query;
    for (const stop of this._stops) stop();
    if (!id) return;
    chat.typing(id, false);
    if (this.local.text) kept.set(id, this.local.text);
    else kept.delete(id);
  },

  onPageScroll({ scrollTop }) {
    if (scrollTop < (this._top || 0) - 40) this._atEnd = false;
    this._top = scrollTop;
  },

  onReachBottom() {
    if (this.local.window.to !== null) return this._later();
    this._atEnd = true;
    if (this.local.below) this.update({ below: false });
  },

  // --- saying something ---

  type({ detail }) {
    this.local.text = detail.value;
    this.setData({ text: detail.value });
    chat.typing(this.query.id, Boolean(detail.value.trim()));
  },

  send() {
    const text = this.local.text.trim();
    if (!text) return;
    this._say({ kind: "text", text });
    this.update({ text: "" });
    chat.typing(this.query.id, false);
  },

  sendPreset({ currentTarget }) {
    const { code, text } = currentTarget.dataset;
    this._say({ kind: "preset", preset: code, text });
    this.update({ panel: "" });
  },

  async sendPhotos() {
    for (const { path } of await choosePhotos(9)) this._say({ kind: "image", path });
  },

  async togglePresets() {
    this.update({ panel: this.local.panel === "presets" ? "" : "presets" });
    this._follow();
    if (this.local.presets.length) return;
    try {
      this.update({ presets: await chat.presets() });
    } catch (refusal) {
      screen.say(reason(refusal));
    }
  },

  async again({ detail }) {
    const { reason: code } = chat.outgoing.of(this.query.id).find(({ key }) => key === detail.key) || {};
    const pick = await screen.choose([words.resend, words.discard], code && (photoWords.refused[code] || reason({ code })));
    if (pick === 0) chat.outgoing.retry(detail.key);
    if (pick === 1) chat.outgoing.drop(detail.key);
  },

  // --- looking ---

  look({ detail }) {
    const urls = this.data.pieces.flatMap(({ rows: some }) => some.filter(({ kind }) => kind === "image").map(({ image }) => image));
    preview(urls, detail.url);
  },

  async broken({ detail: { seq } }) {
    if (this.local.images[seq] !== undefined) return;
    this.local.images[seq] = "";
    const line = await chat.line(this.query.id, seq).catch(() => null);
    if (line) this.update({ images: { ...this.local.images, [seq]: line.image_url } });
  },

  async hold({ detail }) {
    if ((await screen.choose([words.copy])) === 0) screen.copy(detail.text);
  },

  async older() {
    this._atEnd = false;
    const first = this.data.pieces.length ? this.data.pieces[0] : null;
    let window = earlier(this._pieces(), this.local.window);
    if (this.local.olderLeft && (!first || window.from === first.number)) {
      await this._look();
      window = earlier(this._pieces(), this.local.window);
    }
    this.update({ window });
    if (first) setTimeout(() => screen.stayAt(`#${first.rows[0].id}`), DRAWN_MS);
  },

  toEnd() {
    this._atEnd = true;
    this.local.window = { from: null, to: null };
    this.update({ below: false, window: settled(this._pieces(), this.local.window, true) });
    this._follow();
  },

  openContext() {
    if (this.data.context) screen.open(this.data.context.url);
  },

  retry() {
    if (!this.query.id) return this._begin(this.query.listing);
    screen.replace(`/deal/chat/chat?id=${this.query.id}`);
  },

  // --- inside ---

  /** From a listing: there is one conversation with its owner, or will be. */
  async _begin(listing) {
    this.update({ failed: "" });
    try {
      const { conversation_id: id, owner_id: owner } = await chat.openEnquiry(listing);
      screen.replace(`/deal/chat/chat?id=${id}&kind=enquiry&listing=${listing}&other=${owner}`);
    } catch (refusal) {
      this.update({ failed: reason(refusal) });
    }
  },

  _say(line) {
    const { chat: log } = this.views();
    chat.outgoing.say(this.query.id, line, (log && log.version) || 0);
    if (this.local.window.to === null) {
      this._atEnd = true;
      this._follow();
    } else {
      this.toEnd();
    }
  },

  _heard({ value, version }) {
    if (!value) return;
    const { id } = this.query;
    chat.outgoing.settle(id, version);
    this._settle();
    this._read(value);
    const last = value.length ? value[value.length - 1].payload : null;
    if (this._atEnd || !last || last.kind === "read") return this._follow();
    if (last.sender_id !== this.local.me && !this.local.below) this.update({ below: true });
  },

  /** What is on the screen has been read. */
  _read(value = live.store.get(`chat:${this.query.id}`).value) {
    if (!this._visible || !this.query.id || !value) return;
    const upTo = talk.unreadUpTo(talk.joined(this.local.older, value), this.local.me);
    if (upTo) chat.markRead(this.query.id, upTo);
  },

  /** The order's topic says which side one is on; if it is no order's conversation, a list knows what it is about. */
  _met(side, { value, status }) {
    if (this.local.kind) return;
    if (value) {
      this.update({ kind: "order", role: side, listing: value.listing_id });
      this._meet(side === "buyer" ? value.owner_id : value.buyer_id);
    } else if (status === "refused" && !this._searching) {
      this._search();
    }
  },

  async _search() {
    this._searching = true;
    const page = await chat.conversations().catch(() => ({ conversations: [] }));
    const view = page.conversations.find(({ conversation_id: one }) => one === this.query.id);
    if (!view || this.local.kind) return;
    this.update({ kind: view.kind, listing: view.listing_id });
    this._meet(view.buyer_id === this.local.me ? view.owner_id : view.buyer_id);
  },

  async _meet(otherId) {
    const other = await users.profile(otherId).catch(() => null);
    if (!other || this.gone) return;
    screen.title(other.nickname);
    this.update({ otherId, other });
  },

  /** Lines before those that the log has. */
  async _look() {
    if (this.local.looking) return;
    const { id } = this.query;
    const log = live.store.get(`chat:${id}`);
    const known = talk.joined(this.local.older, log.value);
    const first = known.length ? known[0].seq : null;
    if (first !== null && first <= 1) return this.update({ olderLeft: false });
    this.update({ looking: true });
    try {
      const page = await chat.messages(id, first);
      const older = talk.joined(page.messages, this.local.older.map((payload) => ({ payload })));
      Object.assign(this.local, { older, olderLeft: page.more, looking: false });
      this._settle();
      this.update({});
      this._read();
      if (this._atEnd) this._follow();
    } catch (refusal) {
      this.update({ looking: false });
      if (refusal.code !== "not_yet" && refusal.code !== "not_found") screen.say(reason(refusal));
    }
  },

  _pieces() {
    const entries = entriesOf(live.store.get(`chat:${this.query.id}`), this.local);
    return pieces(talk.rows({ entries, outgoing: [], me: this.local.me, nowMs: live.now() }));
  },

  /** The lines are others now: what is drawn of them? */
  _settle() {
    this.local.window = settled(this._pieces(), this.local.window, this._atEnd);
  },

  _later() {
    const last = this.data.pieces[this.data.pieces.length - 1].rows[0];
    this.update({ window: later(this._pieces(), this.local.window) });
    setTimeout(() => screen.stayAt(`#${last.id}`), DRAWN_MS);
  },

  _follow() {
    if (this._atEnd) setTimeout(() => this.gone || screen.toEnd(), DRAWN_MS);
  },
});

/** Half a line that was left behind, by conversation. */
const kept = new Map();

/** The log and what is older, oldest first; addresses of images that were too old are renewed. */
function entriesOf(log, { older, images }) {
  return talk.joined(older, log.value).map((line) => (images[line.seq] ? { ...line, image_url: images[line.seq] } : line));
}

function orderOf({ buyer, owner }) {
  if (buyer && buyer.value) return buyer.value;
  return owner && owner.value ? owner.value : null;
}

function statusOf({ typing, presence }, me) {
  const there = (view) => Boolean(view && view.value && view.value.some(({ user_id: id }) => id !== me));
  if (there(typing)) return words.typing;
  return there(presence) ? words.here : "";
}

function orderContext(order, listing, nowMs) {
  const { label, tone } = orderWords.states[order.state];
  const { photo, category } = pictureOf(listing);
  return {
    title: order.title, photo, category, label, tone, line: time.period(order.start_ms, order.end_ms, nowMs), price: price(order.total_fen),
    url: `/deal/order/order?id=${order.order_id}&role=${order.role}`,
  }; // prettier-ignore
}

function listingContext(listing) {
  if (!listing || !listing.value) return null;
  const { listing_id: id, title, status, price_day_fen: day, price_hour_fen: hour, price_week_fen: week } = listing.value;
  const [fen, unit] = day !== null ? [day, "day"] : hour !== null ? [hour, "hour"] : [week, "week"];
  return {
    ...pictureOf(listing), title, label: status === "live" ? "" : words.gone, tone: "warn", line: words.aboutListing,
    price: `${price(fen)}${words.units[unit]}`, url: `/deal/listing/listing?id=${id}`,
  }; // prettier-ignore
}

function pictureOf(listing) {
  const value = listing && listing.value;
  return { photo: value ? photoUrl(value.photos[0]) : "", category: value ? value.category : "other" };
}
