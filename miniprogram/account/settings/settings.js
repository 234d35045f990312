const photos = require("../../services/photos");
const session = require("../../services/session");
const users = require("../../services/users");
const screen = require("../../platform/screen");
const { livePage } = require("../../services/live-page");
const { photos: photoWords, settings: words, reason } = require("../../strings");

livePage({
  data: { state: "loading", t: words.text },

  local: { user: null, nickname: "", avatar: "", state: "loading", why: "", saving: false, uploading: false },

  topics() {
    return {};
  },

  present(_, { user, nickname, avatar, state, why, saving, uploading }) {
    const name = nickname.trim();
    return {
      state, why, nickname, avatar, saving, uploading,
      changed: Boolean(user) && name.length > 0 && (name !== user.nickname || avatar !== user.avatar_url) && !saving && !uploading,
    };
  }, // prettier-ignore

  onLoad() {
    this._take(session.user);
    this._load();
  },

  retry() {
    this._load();
  },

  type({ detail }) {
    this.update({ nickname: detail.value });
  },

  async pickAvatar({ detail }) {
    this.update({ uploading: true });
    try {
      const { url } = await photos.upload(detail.avatarUrl, { purpose: "avatar" });
      this.update({ avatar: url, uploading: false });
    } catch (refusal) {
      this.update({ uploading: false });
      screen.say(photoWords.refused[refusal.code] || reason(refusal));
    }
  },

  async save() {
    if (!this.data.changed) return;
    const { user, nickname, avatar } = this.local;
    this.update({ saving: true });
    try {
      const changes = { nickname: nickname.trim() };
      if (avatar !== user.avatar_url) changes.avatar_url = avatar;
      this._take(await users.edit(changes));
      screen.say(words.saved);
      screen.back();
    } catch (refusal) {
      screen.say(reason(refusal));
    }
    this.update({ saving: false });
  },

  async _load() {
    try {
      this._take(await users.me());
    } catch (refusal) {
      if (!this.local.user) this.update({ state: "error", why: reason(refusal) });
    }
  },

  _take(user) {
    if (!user) return;
    const untouched = !this.local.user || this.local.nickname === this.local.user.nickname;
    this.update({ user, state: "ready", ...(untouched ? { nickname: user.nickname, avatar: user.avatar_url } : {}) });
  },
});
