const chat = require("../../services/chat");
const badges = require("../../services/badges");
const live = require("../../services/live");
const notices = require("../../services/notices");
const session = require("../../services/session");
const users = require("../../services/users");
const screen = require("../../platform/screen");
const inbox = require("../../lib/inbox");
const { livePage } = require("../../services/live-page");
const { fold, joined } = require("../../lib/talk");
const time = require("../../lib/time");
const { messages: words, reason } = require("../../strings");

/** Conversations whose lines are followed: the server has two hundred topics for one connection. */
const LIVE = 40;

/** Notices on the screen; the next ones follow at the end of the list. */
const SHOWN = 40;

livePage({
  data: { tab: "chats", chatsState: "loading", t: words.text },

  local: {
    tab: "chats", me: null, chats: { state: "loading", listed: [], cursor: "", why: "" }, people: {}, more: false,
    older: [], olderLeft: true, shown: SHOWN,
  }, // prettier-ignore

  topics({ me, chats }) {
    const topics = { inbox: me && `user:${me}` };
    for (const { conversation_id: id } of chats.listed.slice(0, LIVE)) topics[`chat ${id}`] = `chat:${id}`;
    return topics;
  },

  present(views, local) {
    const nowMs = live.now();
    const entries = joined(local.older, views.inbox && views.inbox.value);
    const told = inbox.notices(entries);
    // Every order has a conversation: those in which nobody has said anything are found at the order.
    const chats = local.chats.listed
      .map((view) => fold(view, linesOf(views[`chat ${view.conversation_id}`]), local.me))
      .filter(({ kind, last_line: line }) => line || kind === "enquiry")
      .sort((a, b) => b.last_ms - a.last_ms);
    const unreadChats = chats.reduce((sum, { unread }) => sum + unread, 0);
    const unreadNotices = told.filter(({ read }) => !read).length;
    const heard = Boolean(views.inbox && (views.inbox.value || views.inbox.status !== "waiting"));
    return {
      tab: local.tab,
      tabs: words.tabs.map((tab) => ({ ...tab, badge: short(tab.id === "chats" ? unreadChats : unreadNotices) })),
      chatsState: chats.length ? "ready" : local.chats.state === "ready" ? "empty" : local.chats.state,
      noticesState: told.length ? "ready" : heard ? "empty" : "loading",
      why: local.chats.why,
      chats: chats.map((view) => chatRow(view, local, nowMs)),
      notices: told.slice(0, local.shown).map((notice) => noticeRow(notice, nowMs)),
      more: local.more,
    };
  },

  onLoad() {
    this._begin(session.user);
    session.onUser((user) => this._begin(user));
  },

  onShow() {
    badges.draw();
    if (this.local.chats.state !== "ready") this._load();
    this._markSeen();
  },

  onUnload() {
    if (this._stop) this._stop();
  },

  onReachBottom() {
    if (this.local.more) return;
    if (this.local.tab === "chats") {
      if (this.local.chats.cursor) this._load(this.local.chats.cursor);
    } else {
      this._olderNotices();
    }
  },

  async onPullDownRefresh() {
    await this._load();
    screen.refreshed();
  },

  pickTab({ currentTarget }) {
    this.update({ tab: currentTarget.dataset.id });
    this._markSeen();
  },

  retry() {
    this._load();
  },

  explore() {
    screen.openTab("/pages/discover/discover");
  },

  openChat({ currentTarget }) {
    const { id } = currentTarget.dataset;
    const view = this.local.chats.listed.find(({ conversation_id: one }) => one === id);
    const role = view.buyer_id === this.local.me ? "buyer" : "owner";
    screen.open(`/deal/chat/chat?id=${id}&kind=${view.kind}&listing=${view.listing_id}&role=${role}&other=${otherOf(view, this.local.me)}`);
  },

  openNotice({ currentTarget }) {
    if (currentTarget.dataset.leads) screen.open(currentTarget.dataset.leads);
  },

  _begin(user) {
    if (!user || this.local.me === user.user_id) return;
    if (this._stop) this._stop();
    this.update({ me: user.user_id, chats: { state: "loading", listed: [], cursor: "", why: "" }, older: [], olderLeft: true });
    let seen = null;
    this._stop = live.store.watch(`user:${user.user_id}`, ({ value }) => {
      if (!value) return;
      const entries = value.map(({ payload }) => payload);
      if (seen !== null) this._meet(inbox.mentioned(entries, seen, "conversation_id"));
      seen = entries.length ? entries[entries.length - 1].seq : 0;
    });
    if (this.local.chats.state !== "ready") this._load();
  },

  /** Somebody has written in a conversation that we have not heard of: only a list has its title and its parties. */
  _meet(ids) {
    const known = new Set(this.local.chats.listed.map(({ conversation_id: id }) => id));
    if (this.local.chats.state === "ready" && ids.some((id) => !known.has(id))) this._load();
  },

  /** Who looks at the notices has seen them. */
  _markSeen() {
    const view = this.views().inbox;
    if (this.local.tab !== "notices" || !view || !view.value || !view.value.length) return;
    const { unread } = inbox.badges(view.value.map(({ payload }) => payload));
    if (unread) notices.markRead(view.version).catch(() => {});
  },

  async _load(cursor = "") {
    if (!this.local.me || this._loading) return;
    this._loading = true;
    if (cursor) this.update({ more: true });
    else if (this.local.chats.state === "error") this.update({ chats: { ...this.local.chats, state: "loading" } });
    try {
      const page = await chat.conversations(cursor);
      for (const { conversation_id: id, last_seq: seq } of page.conversations) live.store.begin(`chat:${id}`, seq);
      const ids = new Set(page.conversations.map(({ conversation_id: id }) => id));
      const kept = cursor ? this.local.chats.listed.filter(({ conversation_id: id }) => !ids.has(id)) : [];
      this.update({ chats: { state: "ready", listed: kept.concat(page.conversations), cursor: page.cursor, why: "" }, more: false });
      this._meetPeople();
    } catch (refusal) {
      const { listed } = this.local.chats;
      this.update({ chats: { ...this.local.chats, state: listed.length ? "ready" : "error", why: reason(refusal) }, more: false });
    }
    this._loading = false;
  },

  async _meetPeople() {
    const ids = [...new Set(this.local.chats.listed.map((view) => otherOf(view, this.local.me)))].filter((id) => !this.local.people[id]);
    const met = await users.profiles(ids);
    if (met.length) this.update({ people: { ...this.local.people, ...Object.fromEntries(met.map((one) => [one.user_id, one])) } });
  },

  async _olderNotices() {
    const view = this.views().inbox;
    const known = joined(this.local.older, view && view.value);
    this.update({ shown: this.local.shown + SHOWN });
    if (!this.local.olderLeft || !known.length || known[0].seq <= 1) return;
    this.update({ more: true });
    try {
      const page = await notices.before(known[0].seq);
      this.update({ older: page.entries.concat(this.local.older), olderLeft: page.more, more: false });
    } catch (refusal) {
      this.update({ more: false });
      screen.say(reason(refusal));
    }
  },
});

function otherOf(view, me) {
  return view.buyer_id === me ? view.owner_id : view.buyer_id;
}

function linesOf(view) {
  return view && view.value ? view.value.map(({ payload }) => payload) : [];
}

function short(count) {
  return count > 99 ? "99+" : count ? String(count) : "";
}

function chatRow(view, local, nowMs) {
  const other = local.people[otherOf(view, local.me)];
  const line = view.last_line;
  return {
    id: view.conversation_id,
    name: other ? other.nickname : "",
    avatar: other ? other.avatar_url : "",
    subject: words.subject(view.kind, view.title, view.owner_id === local.me),
    text: line ? words.line(line, line.sender_id === local.me) : words.silent,
    when: line ? time.ago(view.last_ms, nowMs) : "",
    unread: short(view.unread),
  };
}

function noticeRow(notice, nowMs) {
  return {
    id: `n${notice.seq}`, title: notice.title, body: notice.body, when: time.ago(notice.at_ms, nowMs), read: notice.read,
    icon: words.icons[notice.kind.split(".")[0]] || "bell", leads: inbox.leads(notice) || "",
  }; // prettier-ignore
}
