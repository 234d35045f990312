const asking = require("../../services/asking");
const badges = require("../../services/badges");
const live = require("../../services/live");
const publishing = require("../../services/publishing");
const wallet = require("../../services/wallet");
const screen = require("../../platform/screen");
const { choosePlace } = require("../../platform/place");
const { newKey } = require("../../lib/key");
const { livePage } = require("../../services/live-page");
const { STEPS, NOTICES, BUFFERS, blank, begun, faults, firstFault, storable, when } = require("../../lib/publish-form");
const { NAMES } = require("../../lib/plan");
const { parseYuan, price, yuan } = require("../../lib/money");
const time = require("../../lib/time");
const { publish: words, reason } = require("../../strings");

/** What was typed is kept so soon. Milliseconds. */
const KEEP_MS = 400;

livePage({
  data: { state: "loading", t: words.text },

  local: { form: null, kinds: [], state: "loading", why: "", tried: false, suggestion: null, suggestedFor: "", uploading: false, sending: false, saved: "", found: false, done: null, unpaid: false },

  topics({ done }) {
    return { listing: done ? `listing:${done.listing_id}` : null };
  },

  present(views, local) {
    const { form, kinds, tried, suggestion, done } = local;
    if (!form) return { state: local.state, why: local.why };
    const kind = kinds.find(({ category }) => category === form.category);
    const attributes = (kind && kind.attributes) || [];
    const wrong = tried ? faults(form, form.step, attributes) : {};
    const result = done && { ...done, ...(views.listing && views.listing.value ? { status: views.listing.value.status } : {}) };
    return {
      state: local.state,
      why: local.why,
      form,
      step: STEPS[form.step],
      number: form.step,
      heading: words.steps[form.step],
      progress: STEPS.map((name, index) => ({ name, on: index <= form.step })),
      categories: kinds.map(({ category, label }) => ({ category, label, on: category === form.category })),
      attributes: attributes.map((attribute) => field(attribute, form.attributes[attribute.name], wrong[`attribute ${attribute.name}`])),
      days: NAMES.map((label, index) => ({ label: label.slice(1), index, on: form.days[index] })),
      whenText: when(form),
      closed: form.closed.map((day) => ({ day, text: time.dayName(time.fromDayKey(day), live.now()) })),
      today: time.dayKey(live.now()),
      suggestions: suggested(suggestion),
      policies: words.policies.map((one) => ({ ...one, on: one.id === form.policy })),
      bookings: words.bookings.map((one) => ({ ...one, on: one.id === form.booking })),
      notices: NOTICES.map((minutes, index) => words.notices[index]),
      notice: Math.max(0, NOTICES.indexOf(form.notice)),
      buffers: BUFFERS.map((minutes, index) => words.buffers[index]),
      buffer: Math.max(0, BUFFERS.indexOf(form.buffer)),
      summary: form.step === STEPS.length - 1 ? summary(form, kind) : [],
      cover: form.photos.length ? form.photos[0].url : "",
      whole: form.step < STEPS.length - 2 && firstFault(form, attributes) === STEPS.length,
      faults: Object.fromEntries(Object.keys(wrong).map((name) => [name, words.faults[wrong[name]]])),
      editing: isShown(form),
      uploading: local.uploading,
      sending: local.sending,
      saved: local.saved,
      found: local.found && !form.note,
      unpaid: local.unpaid,
      result: result && { ...words.results[(result.status === "live" && result.edit) || result.status], title: result.title, status: result.status, id: result.listing_id },
    };
  },

  onShow() {
    badges.draw();
    // Another page may have opened something to be edited.
    const kept = publishing.draft();
    const { form } = this.local;
    if (!form || kept.listing_id !== form.listing_id || (!kept.listing_id && kept.key !== form.key)) this.update({ form: kept, done: null, tried: false, uploading: false, found: !form && begun(kept) && !isShown(kept) });
    if (!this.local.kinds.length) this._load();
  },

  onHide() {
    this._keepNow();
  },

  retry() {
    this._load();
  },

  // --- what ---

  pickCategory({ currentTarget }) {
    const { category } = currentTarget.dataset;
    if (category !== this.local.form.category) this._set({ category, attributes: {} });
  },

  type({ currentTarget, detail }) {
    this._set({ [currentTarget.dataset.name]: detail.value });
  },

  typeAttribute({ currentTarget, detail }) {
    const { name, type, low, high } = currentTarget.dataset;
    const text = String(detail.value).trim();
    const value = type === "number" ? Math.min(high, Math.max(low, Math.round(Number(text)))) : text;
    this._attribute(name, text === "" || Number.isNaN(value) ? undefined : value);
  },

  pickAttribute({ currentTarget }) {
    const { name, value } = currentTarget.dataset;
    this._attribute(name, this.local.form.attributes[name] === value ? undefined : value);
  },

  flipAttribute({ currentTarget, detail }) {
    this._attribute(currentTarget.dataset.name, detail.value || undefined);
  },

  // --- photos and place ---

  changePhotos({ detail }) {
    this._set({ photos: detail.value }, { uploading: detail.busy });
    this._keepNow(); // nobody chooses them twice
  },

  async pickPlace() {
    const place = await choosePlace();
    if (!place) return;
    const address = this.local.form.address && this.local.form.address !== this.local.form.place ? this.local.form.address : place.address || place.name;
    this._set({ lat: place.lat, lng: place.lng, place: place.name || place.address, address });
  },

  // --- times ---

  flipDay({ currentTarget }) {
    const days = this.local.form.days.slice();
    days[currentTarget.dataset.index] = !days[currentTarget.dataset.index];
    this._set({ days, plan: null });
  },

  pickDays({ currentTarget }) {
    const { set } = currentTarget.dataset;
    this._set({ days: NAMES.map((_, day) => set === "all" || (set === "work" ? day < 5 : day > 4)), plan: null });
  },

  flipAllDay({ detail }) {
    this._set({ allDay: detail.value, plan: null });
  },

  pickTime({ currentTarget, detail }) {
    this._set({ [currentTarget.dataset.name]: detail.value, plan: null });
  },

  addClosed({ detail }) {
    const { closed } = this.local.form;
    if (!closed.includes(detail.value)) this._set({ closed: closed.concat(detail.value).sort() });
  },

  dropClosed({ currentTarget }) {
    this._set({ closed: this.local.form.closed.filter((day) => day !== currentTarget.dataset.day) });
  },

  // --- price ---

  useSuggestion({ currentTarget }) {
    const { unit, fen } = currentTarget.dataset;
    this._set({ [unit]: yuan(Number(fen)).replace(/,/g, "") });
  },

  flip({ currentTarget, detail }) {
    this._set({ [currentTarget.dataset.name]: detail.value });
  },

  pick({ currentTarget }) {
    this._set({ [currentTarget.dataset.name]: currentTarget.dataset.value });
  },

  pickMinutes({ currentTarget, detail }) {
    const { name } = currentTarget.dataset;
    this._set({ [name]: (name === "notice" ? NOTICES : BUFFERS)[Number(detail.value)] });
  },

  count({ currentTarget }) {
    this._set({ capacity: Math.min(100, Math.max(1, this.local.form.capacity + Number(currentTarget.dataset.by))) });
  },

  // --- going on ---

  next() {
    const { form } = this.local;
    if (this.local.uploading) return screen.say(words.waitForPhotos);
    if (Object.keys(faults(form, form.step, this._attributes())).length) {
      this.update({ tried: true });
      return screen.say(words.incomplete);
    }
    this._go(form.step + 1);
    this._store();
  },

  back() {
    if (this.local.uploading) return screen.say(words.waitForPhotos);
    this._go(this.local.form.step - 1);
  },

  toEnd() {
    if (this.local.uploading) return screen.say(words.waitForPhotos);
    this._go(STEPS.length - 1);
    this._store();
  },

  jump({ currentTarget }) {
    this._go(Number(currentTarget.dataset.step));
  },

  async submit() {
    const { form } = this.local;
    if (this.local.sending) return;
    const at = firstFault(form, this._attributes());
    if (at < STEPS.length) {
      this._go(at);
      this.update({ tried: true });
      return screen.say(words.incomplete);
    }
    this.update({ sending: true });
    asking.offer(asking.OFFERING);
    try {
      await this._storing;
      const listing = await publishing.submit(this._keyed());
      screen.buzz();
      publishing.forget();
      const edit = !isShown(form) ? "" : listing.pending ? "pending" : "saved";
      this.update({ done: { listing_id: listing.listing_id, status: listing.status, title: form.title, edit }, form: blank(), sending: false, saved: "" });
      screen.toTop();
      wallet.onboarding().then(({ status }) => this.update({ unpaid: status === "none" || status === "rejected" }), () => {}); // prettier-ignore
    } catch (refusal) {
      this.update({ sending: false });
      screen.tell(words.notDone, words.refused[refusal.code] || reason(refusal));
    }
  },

  async startOver() {
    if (!(await screen.confirm(words.startOver))) return;
    publishing.forget();
    this.update({ form: blank(), tried: false, uploading: false, suggestion: null, suggestedFor: "", saved: "", found: false });
    screen.toTop();
  },

  another() {
    this.update({ done: null, tried: false, found: false });
  },

  /** What was rejected is opened again, with the reason. */
  async mend() {
    try {
      const form = publishing.reopen(await publishing.one(this.local.done.listing_id));
      this.update({ form, done: null, tried: false });
    } catch (refusal) {
      screen.say(reason(refusal));
    }
  },

  openOnboarding() {
    screen.open("/account/onboarding/onboarding");
  },

  openMine() {
    screen.open("/account/mine/mine");
  },

  openListing() {
    screen.open(`/deal/listing/listing?id=${this.local.done.listing_id}`);
  },

  // --- inside ---

  _attributes() {
    const kind = this.local.kinds.find(({ category }) => category === this.local.form.category);
    return (kind && kind.attributes) || [];
  },

  _attribute(name, value) {
    const attributes = { ...this.local.form.attributes };
    if (value === undefined) delete attributes[name];
    else attributes[name] = value;
    this._set({ attributes });
  },

  _set(change, more = {}) {
    this.update({ form: { ...this.local.form, ...change }, ...more });
    this._unkept = true;
    clearTimeout(this._keeping);
    this._keeping = setTimeout(() => this._keepNow(), KEEP_MS);
  },

  /** Only what was changed here: another page may have put something else there. */
  _keepNow() {
    clearTimeout(this._keeping);
    if (this._unkept && !this.local.done) publishing.keep(this.local.form);
    this._unkept = false;
  },

  _keyed() {
    if (!this.local.form.key) this._set({ key: newKey() });
    this._keepNow();
    return this.local.form;
  },

  _go(step) {
    this._set({ step: Math.min(STEPS.length - 1, Math.max(0, step)) }, { tried: false, found: false });
    screen.toTop();
    if (STEPS[this.local.form.step] !== "price") return;
    this._suggest();
    asking.prepare();
  },

  /**
   * On the server as well, so that another phone, or this one after it was lost, has it. One saving after the other. What people see
   * changes when its owner says so, and not with every step.
   */
  _store() {
    if (!storable(this.local.form) || isShown(this.local.form)) return;
    const before = this._storing || Promise.resolve();
    this._storing = before.then(async () => {
      try {
        if (isShown(this.local.form)) return;
        const told = this._keyed();
        const stored = await publishing.store(told);
        if (!this.local.done && this.local.form.key === told.key) this._set({ ...stored, status: this.local.form.status || "draft" }, { saved: words.saved });
      } catch (refusal) {
        this.update({ saved: words.savedHere });
      }
    });
  },

  async _suggest() {
    const { form, suggestedFor } = this.local;
    const wanted = `${form.category} ${form.lat} ${form.lng}`;
    if (!storable(form) || wanted === suggestedFor) return;
    const suggestion = await publishing.prices(form.category, form).catch(() => null);
    this.update({ suggestion, suggestedFor: suggestion ? wanted : "" });
  },

  async _load() {
    try {
      this.update({ kinds: await publishing.kinds(), state: "ready" });
    } catch (refusal) {
      this.update({ state: "error", why: reason(refusal) });
    }
  },
});

/** Whether people see it, or are about to. */
function isShown({ status }) {
  return !["", "draft", "rejected"].includes(status);
}

function field(attribute, value, fault) {
  const { name, label, type, required, unit, low, high, longest, choices } = attribute;
  return {
    name, label, type, required, unit, low, high, longest, fault: fault ? words.faults[fault] : "",
    value: value === undefined ? (type === "flag" ? false : "") : value,
    choices: choices.map((choice) => ({ ...choice, on: choice.value === value })),
  }; // prettier-ignore
}

function suggested(suggestion) {
  if (!suggestion) return [];
  return ["hour", "day", "week"]
    .map((unit) => [unit, suggestion[`per_${unit}`]])
    .filter(([, range]) => range)
    .map(([unit, { low_fen: low, middle_fen: middle, high_fen: high, n }]) => ({ unit, fen: middle, text: words.suggestion(unit, price(low), price(high), n), use: words.use(price(middle)) }));
}

function summary(form, kind) {
  const amounts = ["hour", "day", "week"].filter((unit) => form[unit].trim()).map((unit) => `${price(parseYuan(form[unit]) || 0)}${words.units[unit]}`);
  const attributes = ((kind && kind.attributes) || [])
    .filter(({ name }) => form.attributes[name] !== undefined)
    .map(({ name, label, type, unit, choices }) => {
      const value = form.attributes[name];
      if (type === "flag") return label;
      return type === "choice" ? choices.find((choice) => choice.value === value).label : `${label} ${value}${unit}`;
    });
  return [
    { step: 0, label: words.rows.what, text: [kind ? kind.label : "", ...attributes].join(" · ") },
    { step: 1, label: words.rows.photos, text: words.photoCount(form.photos.length) },
    { step: 2, label: words.rows.place, text: form.address || form.place },
    { step: 3, label: words.rows.times, text: [when(form) || words.ownPlan, form.closed.length ? words.closedDays(form.closed.length) : ""].filter(Boolean).join("，") },
    { step: 4, label: words.rows.price, text: amounts.join("，") },
    { step: 4, label: words.rows.deposit, text: form.deposit.trim() ? `${price(parseYuan(form.deposit) || 0)}${form.waives ? words.waives : ""}` : words.noDeposit },
    { step: 4, label: words.rows.rules, text: `${words.bookings.find(({ id }) => id === form.booking).label} · ${words.policies.find(({ id }) => id === form.policy).label}` },
  ];
}
