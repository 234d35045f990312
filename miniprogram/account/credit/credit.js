const ratings = require("../../services/ratings");
const session = require("../../services/session");
const users = require("../../services/users");
const screen = require("../../platform/screen");
const { livePage } = require("../../services/live-page");
const { aspects, level, waivedPercent, stars } = require("../../lib/stars");
const time = require("../../lib/time");
const live = require("../../services/live");
const { credit: words, rating: ratingWords, reason } = require("../../strings");

livePage({
  data: { state: "loading", t: words.text },

  local: { user: "", whom: null, credit: null, listed: [], next: null, people: {}, state: "loading", why: "", more: false },

  topics() {
    return {};
  },

  present(_, { credit, whom, listed, next, people, state, why, user, more }) {
    const nowMs = live.now();
    const means = aspects(listed);
    return {
      state, why, more,
      mine: Boolean(session.user && user === session.user.user_id),
      whom: whom ? { name: whom.nickname, avatar: whom.avatar_url } : null,
      centistars: credit ? credit.credit_centistars : 400,
      ratings: credit ? credit.ratings : 0,
      reasons: credit ? words.reasons(credit.ratings, stars(credit.credit_centistars)) : [],
      waiver: credit ? words.waiver(waivedPercent(credit.credit_centistars, credit.ratings), level(credit.credit_centistars, credit.ratings)) : { tone: "", text: "" },
      aspects: means ? ratingWords.aspects.map(({ id, label }) => ({ id, label, value: means[id], text: stars(means[id]) })) : [],
      rows: listed.map((one) => row(one, people[one.rater_id], nowMs)),
      over: state === "ready" && !next && listed.length > 5,
    };
  }, // prettier-ignore

  onLoad({ user }) {
    this.local.user = user || (session.user ? session.user.user_id : "");
    if (user && session.user && user !== session.user.user_id) this._introduce(user);
    this._load();
  },

  onReachBottom() {
    if (this.local.next && !this.local.more) this._older();
  },

  retry() {
    this.update({ state: "loading" });
    this._load();
  },

  async _load() {
    try {
      const { user } = this.local;
      const [credit, page] = await Promise.all([ratings.credit(user), ratings.ofUser(user)]);
      this.update({ credit, listed: page.ratings, next: page.next, state: "ready" });
      this._meet();
    } catch (refusal) {
      this.update({ state: "error", why: reason(refusal) });
    }
  },

  async _introduce(user) {
    screen.title(words.theirs);
    this.update({ whom: await users.profile(user).catch(() => null) });
  },

  async _older() {
    this.update({ more: true });
    try {
      const page = await ratings.ofUser(this.local.user, this.local.next);
      this.update({ listed: this.local.listed.concat(page.ratings), next: page.next, more: false });
      this._meet();
    } catch (refusal) {
      this.update({ more: false });
      screen.say(reason(refusal));
    }
  },

  async _meet() {
    const ids = [...new Set(this.local.listed.map(({ rater_id: id }) => id))].filter((id) => !this.local.people[id]);
    const met = await users.profiles(ids);
    if (met.length) this.update({ people: { ...this.local.people, ...Object.fromEntries(met.map((one) => [one.user_id, one])) } });
  },
});

function row(rating, rater, nowMs) {
  const mean = Math.round((100 * (rating.punctuality + rating.condition + rating.communication)) / 3);
  return {
    id: rating.rating_id, name: rater ? rater.nickname : "", avatar: rater ? rater.avatar_url : "", stars: mean,
    side: words.sides[rating.rater_side], comment: rating.comment || words.noComment, silent: !rating.comment, when: time.ago(rating.given_ms, nowMs),
  }; // prettier-ignore
}
