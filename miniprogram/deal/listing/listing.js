const files = require("../../platform/files");
const screen = require("../../platform/screen");
const live = require("../../services/live");
const orders = require("../../services/orders");
const publishing = require("../../services/publishing");
const session = require("../../services/session");
const listings = require("../../services/listings");
const { livePage } = require("../../services/live-page");
const { reason } = require("../../strings");
const { listing: words } = require("../strings");
const { LOCAL, present } = require("./present");

livePage({
  data: { words },
  local: LOCAL,

  topics: (local, { id }) => ({ listing: listings.topics.listing(id), calendar: orders.topics.calendar(id), holds: orders.topics.holds(id) }),

  present: (views, local) => present(views, local, { nowMs: live.now(), userId: session.user && session.user.user_id }),

  onLoad({ id }) {
    listings.opened(id);
  },

  onDraw() {
    this._price();
    const listing = this.views().listing.value;
    if (listing && Object.keys(listing.attributes || {}).length) this._nameAttributes();
  },

  async _nameAttributes() {
    if (this._naming) return;
    this._naming = true;
    const kinds = await publishing.kinds().catch(() => null);
    if (kinds) this.update({ kinds });
    else this._naming = false; // asked again at the next change
  },

  choose({ detail: { startMs, endMs } }) {
    this.update({ startMs, endMs });
  },

  changeSeats({ currentTarget }) {
    const seats = Math.min(Math.max(1, this.local.seats + Number(currentTarget.dataset.by)), this.data.maxSeats);
    this.update({ seats });
  },

  /** The price of what is chosen, by the terms of now: asked once for each. */
  async _price() {
    const { startMs, endMs, seats, quoteOf } = this.local;
    const { calendar } = this.data;
    if (!startMs || !calendar) return;
    const of = [startMs, endMs, seats, calendar.terms_version].join();
    if (of === quoteOf) return;
    this.update({ quoteOf: of, busy: true });
    try {
      const quote = await orders.quote({ listingId: this.query.id, startMs, endMs, seats });
      if (this.local.quoteOf === of) this.update({ quote, busy: false, refusal: "" });
    } catch (refusal) {
      if (this.local.quoteOf === of) this.update({ quote: null, busy: false, refusal: reason(refusal, live.now()) });
    }
  },

  retryPrice() {
    this.update({ quoteOf: "" });
  },

  preview({ currentTarget }) {
    const { photos } = this.data.listing;
    files.preview(photos, photos[currentTarget.dataset.index]);
  },

  openOwner() {
    screen.open(`/account/credit/credit?user=${this.data.listing.owner.id}`);
  },

  ask() {
    screen.open(`/deal/chat/chat?listing=${this.query.id}`);
  },

  manage() {
    screen.open("/account/mine/mine");
  },

  book() {
    const { mayBook, startMs, endMs, seats } = this.data;
    if (!startMs) return this._toCalendar();
    if (mayBook) screen.open(`/deal/booking/booking?listing=${this.query.id}&start=${startMs}&end=${endMs}&seats=${seats}`);
  },

  _toCalendar() {
    screen.say(words.pickFirst);
    screen.scrollTo("#calendar");
  },

  back() {
    screen.back();
  },
});
