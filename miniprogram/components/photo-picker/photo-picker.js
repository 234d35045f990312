// Photos that are chosen, sent up one by one, and can be taken away again. `change` has all of them, each time something is different.
const { choose } = require("../../platform/screen");
const { choosePhotos, preview } = require("../../platform/files");
const { photos: words, reason } = require("../../strings");
const photos = require("../../services/photos");

/** So many at once: more only make each slower. */
const AT_ONCE = 2;

Component({
  properties: {
    /** {key, url}: those that are there already; `url` is for looking at */
    value: { type: Array, value: [] },
    most: { type: Number, value: 9 },
    /** photo or chat */
    purpose: { type: String, value: "photo" },
    conversation: String,
    hint: String,
  },
  data: { items: [], left: 9, words, summary: "" },
  observers: {
    "value, most"(given, most) {
      const value = given || [];
      // What comes back is what was told. Something else comes from elsewhere: a draft, say.
      const known = this.data.items.filter(({ key }) => key).map(({ key }) => key).join();
      if (value.map(({ key }) => key).join() !== known) {
        this._items = value.map(({ key, url }) => ({ id: key, key, src: url, state: "done", percent: 100, why: "" }));
      }
      this._show(most);
    },
  },
  lifetimes: {
    created() {
      this._items = [];
      this._lastId = 0;
    },
    detached() {
      this._gone = true;
    },
  },
  methods: {
    async add() {
      const chosen = await choosePhotos(this.data.most - this._items.length);
      if (!chosen.length) return;
      for (const { path } of chosen.slice(0, this.data.most - this._items.length)) {
        this._lastId += 1;
        this._items.push({ id: `n${this._lastId}`, key: "", src: path, state: "waiting", percent: 0, why: "" });
      }
      this._changed();
      this._pump();
    },

    tap({ currentTarget }) {
      const item = this._items.find(({ id }) => id === currentTarget.dataset.id);
      if (!item) return;
      if (item.state === "failed") {
        item.state = "waiting";
        this._changed();
        this._pump();
      } else {
        preview(this._items.map(({ src }) => src), item.src);
      }
    },

    /** The first is the one that people see in a list. */
    async hold({ currentTarget }) {
      const item = this._items.find(({ id }) => id === currentTarget.dataset.id);
      if (this.data.purpose !== "photo" || this._items.length < 2 || item === this._items[0]) return;
      if ((await choose([words.makeCover])) !== 0 || !this._items.includes(item)) return;
      this._items = [item, ...this._items.filter((one) => one !== item)];
      this._changed();
    },

    remove({ currentTarget }) {
      this._items = this._items.filter(({ id }) => id !== currentTarget.dataset.id);
      this._changed();
      this._pump();
    },

    _pump() {
      while (this._items.filter(({ state }) => state === "sending").length < AT_ONCE && !this._gone) {
        const next = this._items.find(({ state }) => state === "waiting");
        if (!next) return;
        this._send(next);
      }
    },

    async _send(item) {
      const { purpose, conversation } = this.data;
      const place = purpose === "chat" ? { purpose, conversation_id: conversation } : { purpose };
      Object.assign(item, { state: "sending", percent: 5, why: "" });
      this._show();
      try {
        const { key, url } = await photos.upload(item.src, place, (percent) => {
          item.percent = percent;
          this._show();
        });
        Object.assign(item, { state: "done", key, url: url || item.src });
      } catch (refusal) {
        Object.assign(item, { state: "failed", why: words.refused[refusal.code] || reason(refusal) });
      }
      if (!this._items.includes(item)) return; // taken away meanwhile
      this._changed();
      this._pump();
    },

    _changed() {
      if (this._gone) return; // what was told last is what was there
      this._show();
      const done = this._items.filter(({ state }) => state === "done").map(({ key, url, src }) => ({ key, url: url || src }));
      this.triggerEvent("change", { value: done, busy: this._items.some(({ state }) => state === "sending" || state === "waiting") });
    },

    _show(most = this.data.most) {
      if (this._gone) return;
      const done = this._items.filter(({ state }) => state === "done").length;
      const failed = this._items.filter(({ state }) => state === "failed");
      const all = this._items.length;
      this.setData({
        items: this._items.map(({ id, key, src, state, percent }) => ({ id, key, src, state, percent })),
        left: Math.max(0, most - all),
        summary: failed.length ? failed[0].why : done < all ? words.progress(done, all) : "",
      });
    },
  },
});
