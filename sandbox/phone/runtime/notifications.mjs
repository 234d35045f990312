// WeChat's service notifications: what the sandbox has been given to send to this phone's person, shown over whatever the phone shows.

const EVERY_MS = 1000;
const SHOWN_MS = 8000;
/** The scene of who comes by a subscribe message. */
const SCENE = 1014;

export class Notifications {
  /** @param phone {settings, life, title() the app's name, open(url, scene) as WeChat opens it} */
  constructor(phone) {
    Object.assign(this, phone);
    this._seen = null;
    this._banner = null;
    this.life.on("show", () => this._hide());
  }

  /** From now on. What was sent before is in WeChat's list, and not shown again. */
  follow() {
    if (this.settings.wechat) this._look();
  }

  async _look() {
    if (this.life.online) await this._ask().catch(() => {}); // the sandbox is away: it will be back
    window.setTimeout(() => this._look(), EVERY_MS);
  }

  async _ask() {
    const { wechat, openid } = this.settings;
    const answer = await fetch(`${wechat}/sandbox/messages?touser=${encodeURIComponent(openid)}&after=${this._seen ?? 0}`);
    const { messages, last } = await answer.json();
    const isFirst = this._seen === null || last < this._seen; // a sandbox that began anew counts anew
    this._seen = last;
    if (!isFirst) for (const message of messages) this._show(message);
  }

  _show({ title, rows, page }) {
    this._hide();
    const layer = make("div", "mp-notified", document.body);
    layer.dataset.away = String(!this.life.shown);
    if (!this.life.shown) make("time", "", layer, new Date().toLocaleTimeString("zh-CN", { hour: "2-digit", minute: "2-digit" }));
    const banner = make("button", "mp-notification", layer);
    banner.dataset.testid = "notification";
    const head = make("div", "mp-notification-head", banner);
    make("i", "", head);
    make("span", "", head, `服务通知 · ${this.title()}`);
    make("em", "", head, "现在");
    make("h4", "", banner, title);
    for (const { label, value } of rows) {
      const row = make("p", "", banner);
      make("span", "", row, label);
      make("b", "", row, value);
    }
    layer.onclick = ({ target }) => target === layer && this._hide(); // put aside
    banner.onclick = () => {
      this._hide();
      this.open(page ? `/${page}` : null, SCENE);
    };
    this._banner = layer;
    this._tell(true);
    if (this.life.shown) window.setTimeout(() => this._banner === layer && this._hide(), SHOWN_MS);
  }

  _hide() {
    if (!this._banner) return;
    this._banner.remove();
    this._banner = null;
    this._tell(false);
  }

  /** The stage around the phone: something lies over the screen, also while the app is away. */
  _tell(notified) {
    window.parent?.postMessage({ phone: this.settings.phone, notified }, "*");
  }
}

function make(tag, className, parent, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}
