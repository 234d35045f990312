const live = require("../../services/live");
const notices = require("../../services/notices");
const ratings = require("../../services/ratings");
const screen = require("../../platform/screen");
const { livePage } = require("../../services/live-page");
const { mentioned } = require("../../lib/inbox");
const time = require("../../lib/time");
const { rating: words, reason } = require("../../strings");

const BLANK = { punctuality: 0, condition: 0, communication: 0, comment: "" };

livePage({
  data: { state: "loading", t: words.text },

  local: { form: BLANK, view: null, role: "", state: "loading", why: "", sending: false },

  topics({ role }, { id }) {
    return {
      buyer: role === "owner" ? null : `order:${id}:buyer`,
      owner: role === "buyer" ? null : `order:${id}:owner`,
    };
  },

  present(views, { form, view, state, why, sending }) {
    const nowMs = live.now();
    const order = orderOf(views);
    const early = Boolean(order && !isOver(order) && !view);
    const gone = isGone(views);
    const over = view && !view.mine && (view.revealed || nowMs >= view.closes_ms);
    return {
      state: early || gone ? "error" : state, why: early ? words.early : gone ? reason({ code: "not_found" }) : why, retry: early || gone ? "" : words.text.retry, sending,
      title: order ? order.title : "",
      other: words.other[order ? order.role : "buyer"],
      aspects: words.aspects.map((aspect) => ({ ...aspect, value: form[aspect.id] * 100, word: words.grades[form[aspect.id]] })),
      comment: form.comment,
      count: form.comment.length,
      tags: words.tags[order ? order.role : "buyer"],
      ready: form.punctuality > 0 && form.condition > 0 && form.communication > 0 && !sending,
      stage: !view ? "" : view.mine || view.theirs ? "done" : over ? "over" : "open",
      closes: view ? words.closes(time.moment(view.closes_ms, nowMs)) : "",
      mine: view && view.mine ? shown(view.mine) : null,
      theirs: view && view.theirs ? shown(view.theirs) : null,
      waiting: view ? words.waiting(view.they_have_rated, time.moment(view.closes_ms, nowMs)) : "",
      revealed: Boolean(view && view.revealed),
    };
  }, // prettier-ignore

  /** There is nothing to ask for before the order is over. */
  onDraw() {
    const order = orderOf(this.views());
    if (this._asked || !order || !isOver(order)) return;
    this._asked = true;
    this._load();
  },

  onLoad({ id }) {
    const topic = notices.topic();
    let seen = null;
    if (!topic) return;
    // The other's words come with no push: that they can be seen now does.
    this._stop = live.store.watch(topic, ({ value }) => {
      if (!value || !value.length) return;
      const entries = value.map(({ payload }) => payload);
      const news = seen === null ? [] : entries.filter(({ seq, kind }) => seq > seen && kind.startsWith("rating"));
      if (mentioned(news, 0, "order_id").includes(id)) this._load();
      seen = entries[entries.length - 1].seq;
    });
  },

  onUnload() {
    if (this._stop) this._stop();
  },

  retry() {
    this.update({ state: "loading" });
    this._load();
  },

  pick({ currentTarget, detail }) {
    this.update({ form: { ...this.local.form, [currentTarget.dataset.id]: detail.value / 100 } });
  },

  type({ detail }) {
    this.update({ form: { ...this.local.form, comment: detail.value } });
  },

  addTag({ currentTarget }) {
    const { comment } = this.local.form;
    const { text } = currentTarget.dataset;
    if (comment.includes(text)) return;
    this.update({ form: { ...this.local.form, comment: (comment ? `${comment.replace(/[，。]?$/, "，")}${text}` : text).slice(0, 500) } });
  },

  async submit() {
    if (!this.data.ready) return;
    this.update({ sending: true });
    try {
      const view = await ratings.rate(this.query.id, { ...this.local.form, comment: this.local.form.comment.trim() });
      screen.buzz();
      this.update({ view, sending: false });
    } catch (refusal) {
      this.update({ sending: false });
      screen.say(reason(refusal));
      if (refusal.code === "already_done" || refusal.code === "conflict") this._load();
    }
  },

  async _load() {
    try {
      this.update({ view: await ratings.ofOrder(this.query.id), state: "ready" });
    } catch (refusal) {
      this.update({ state: "error", why: refusal.code === "not_found" ? words.early : reason(refusal) });
    }
  },
});

function orderOf({ buyer, owner }) {
  return [buyer, owner].map((one) => one && one.value).find(Boolean) || null;
}

/** Neither party's: it is somebody else's, or none. */
function isGone({ buyer, owner }) {
  const asked = [buyer, owner].filter(Boolean);
  return asked.length > 0 && asked.every(({ status }) => status === "refused");
}

function isOver({ state }) {
  return state === "completed";
}

function shown({ punctuality, condition, communication, comment }) {
  const values = { punctuality, condition, communication };
  return { aspects: words.aspects.map(({ id, label }) => ({ id, label, value: values[id] * 100 })), comment };
}
