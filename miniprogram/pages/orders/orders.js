const badges = require("../../services/badges");
const live = require("../../services/live");
const { photoUrl } = require("../../services/listings");
const orders = require("../../services/orders");
const notices = require("../../services/notices");
const screen = require("../../platform/screen");
const session = require("../../services/session");
const { livePage } = require("../../services/live-page");
const { duty, deadline, mayRate, chosen, merged } = require("../../lib/order-list");
const { mentioned } = require("../../lib/inbox");
const { isLate } = require("../../lib/late");
const { price } = require("../../lib/money");
const time = require("../../lib/time");
const { orders: words, reason } = require("../../strings");

/** Topics per list: a screen has so many at most, and older orders hardly change. */
const LIVE = 40;

const NOTHING = { state: "loading", listed: [], next: null, why: "" };

livePage({
  data: { state: "loading", t: words.text },

  local: { role: "buyer", filter: "all", buyer: NOTHING, owner: NOTHING, fresh: [], wares: [], more: false },

  topics({ role, buyer, owner, fresh, wares }) {
    const topics = {};
    for (const [side, { listed }] of [["buyer", buyer], ["owner", owner]]) {
      for (const { order_id: id } of listed.slice(0, LIVE)) topics[`${side} ${id}`] = `order:${id}:${side}`;
      for (const id of fresh) topics[`${side} ${id}`] = `order:${id}:${side}`;
    }
    const shown = role === "buyer" ? buyer : owner;
    for (const id of shown.listed.slice(0, LIVE).map(({ listing_id: ware }) => ware).concat(wares)) topics[`listing ${id}`] = `listing:${id}`;
    return topics;
  },

  present(views, local) {
    const nowMs = live.now();
    const known = { buyer: ordersOf(views, local, "buyer"), owner: ordersOf(views, local, "owner") };
    const count = (role) => chosen(known[role], "todo", nowMs).length;
    const todo = { buyer: count("buyer"), owner: count("owner") };
    const mine = local[local.role];
    const rows = chosen(known[local.role], local.filter, nowMs);
    return {
      role: local.role,
      roles: words.roles.map((role) => ({ ...role, badge: todo[role.id] })),
      filter: local.filter,
      filters: words.filters.map((filter) => ({ ...filter, badge: filter.id === "todo" ? todo[local.role] : 0 })),
      state: mine.state === "ready" && !rows.length ? "empty" : known[local.role].length ? "ready" : mine.state,
      why: mine.why,
      empty: words.empty[local.filter === "all" ? local.role : local.filter],
      rows: rows.map((order) => row(order, views[`listing ${order.listing_id}`], nowMs)),
      more: local.more,
      over: mine.state === "ready" && !mine.next && rows.length > 6,
    };
  },

  /** What a fresh order is about is known as soon as the order is. */
  onDraw() {
    const known = ["buyer", "owner"].flatMap((side) => ordersOf(this.views(), this.local, side));
    const wares = known.filter(({ order_id: id }) => this.local.fresh.includes(id)).map(({ listing_id: id }) => id);
    if (wares.some((id) => !this.local.wares.includes(id))) this.update({ wares });
  },

  onLoad({ role }) {
    if (role === "owner") this.update({ role });
    this._follow();
    session.onUser(() => this._follow());
  },

  onShow() {
    badges.draw();
    for (const role of ["buyer", "owner"]) if (this.local[role].state !== "ready") this._load(role);
  },

  onHide() {
    this._count();
  },

  onUnload() {
    if (this._stop) this._stop();
  },

  onReachBottom() {
    const { role } = this.local;
    if (this.local[role].next && !this.local.more) this._load(role, this.local[role].next);
  },

  async onPullDownRefresh() {
    await this._load(this.local.role);
    screen.refreshed();
  },

  pickRole({ currentTarget }) {
    const { id } = currentTarget.dataset;
    this.update({ role: id });
    if (this.local[id].state === "error") this._load(id);
  },

  pickFilter({ currentTarget }) {
    this.update({ filter: currentTarget.dataset.id });
  },

  retry() {
    this._load(this.local.role);
  },

  explore() {
    screen.openTab(this.local.role === "buyer" ? "/pages/discover/discover" : "/pages/publish/publish");
  },

  open({ currentTarget }) {
    screen.open(`/deal/order/order?id=${currentTarget.dataset.id}&role=${this.local.role}`);
  },

  chat({ currentTarget }) {
    screen.open(`/deal/chat/chat?id=${currentTarget.dataset.id}&role=${this.local.role}`);
  },

  rate({ currentTarget }) {
    screen.open(`/deal/rating/rating?id=${currentTarget.dataset.id}`);
  },

  /** An order that somebody has just begun with me is known by its notice; which side I am on, its topics say. */
  _follow() {
    const topic = notices.topic();
    if (this.gone || !topic || topic === this._followed) return;
    if (this._stop) this._stop();
    this._followed = topic;
    let seen = null;
    this._stop = live.store.watch(topic, ({ value }) => {
      if (!value) return;
      const entries = value.map(({ payload }) => payload);
      if (seen !== null) this._meet(mentioned(entries, seen, "order_id"));
      seen = entries.length ? entries[entries.length - 1].seq : 0;
    });
  },

  /** For the tab, from what is known at the moment. */
  _count() {
    const todo = ["buyer", "owner"].map((role) => chosen(ordersOf(this.views(), this.local, role), "todo", live.now()).length);
    badges.orders(todo[0] + todo[1]);
  },

  _meet(ids) {
    const known = new Set([...this.local.buyer.listed, ...this.local.owner.listed].map(({ order_id: id }) => id).concat(this.local.fresh));
    const fresh = ids.filter((id) => !known.has(id));
    if (fresh.length) this.update({ fresh: this.local.fresh.concat(fresh) });
  },

  async _load(role, before = null) {
    if (before) this.update({ more: true });
    else if (this.local[role].state === "error") this.update({ [role]: { ...this.local[role], state: "loading" } });
    try {
      const page = await orders.mine(role, before);
      const listed = before ? this.local[role].listed.concat(page.orders) : page.orders;
      this.update({ [role]: { state: "ready", listed, next: page.next_before, why: "" }, more: false });
      this._count();
    } catch (refusal) {
      this.update({ [role]: { ...this.local[role], state: this.local[role].listed.length ? "ready" : "error", why: reason(refusal) }, more: false });
    }
  },
});

function ordersOf(views, local, role) {
  const ids = local[role].listed.map(({ order_id: id }) => id).concat(local.fresh);
  const pushed = ids.map((id) => views[`${role} ${id}`]).filter((view) => view && view.value);
  return merged(local[role].listed, pushed.map(({ value }) => value));
}

function row(order, listing, nowMs) {
  const due = duty(order, nowMs);
  const until = deadline(order, nowMs);
  const earns = order.role === "owner" && order.payout_fen > 0;
  const { label, tone } = isLate(order, nowMs) ? words.overdue : words.states[order.state];
  return {
    id: order.order_id,
    title: order.title,
    photo: listing && listing.value ? photoUrl(listing.value.photos[0]) : "",
    category: listing && listing.value ? listing.value.category : "other",
    when: time.period(order.start_ms, order.end_ms, nowMs),
    seats: order.seats > 1 ? words.seats(order.seats) : "",
    money: price(earns ? order.payout_fen : order.total_fen),
    moneyLabel: earns ? words.payout : order.deposit_fen ? words.withDeposit : words.total,
    label,
    tone,
    duty: due ? words.duties[due] : "",
    hint: until !== null && until > nowMs ? words.until(time.moment(until, nowMs)) : "",
    rate: mayRate(order, nowMs),
  };
}
