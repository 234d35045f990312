// What WeChat lays over an app: toasts, dialogs, sheets, the payment, pickers.

function make(tag, className, parent, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  parent?.append(element);
  return element;
}

const REGIONS = [
  { value: ["上海市", "上海市", "黄浦区"], code: ["310000", "310100", "310101"], postcode: "200001" },
  { value: ["北京市", "北京市", "东城区"], code: ["110000", "110100", "110101"], postcode: "100010" },
  { value: ["广东省", "深圳市", "南山区"], code: ["440000", "440300", "440305"], postcode: "518052" },
  { value: ["浙江省", "杭州市", "西湖区"], code: ["330000", "330100", "330106"], postcode: "310013" },
];

export class Sheets {
  constructor(settings) {
    this.settings = settings;
    this._toast = null;
  }

  toast(title, { icon = "none", ms = 1500 } = {}) {
    this._toast?.remove();
    this._toast = null;
    if (!title) return;
    const toast = (this._toast = make("div", "mp-toast", document.body));
    toast.dataset.icon = icon;
    toast.setAttribute("role", "status");
    if (icon !== "none") make("i", `mp-icon-${icon}`, toast);
    make("span", "", toast, title);
    if (ms) setTimeout(() => this._toast === toast && this.toast(null), ms);
  }

  /** A layer over all; `build(box, done)` fills it. Resolves with what `done` is given. */
  _layer(kind, build, { dismiss } = {}) {
    return new Promise((resolve) => {
      const layer = make("div", `mp-layer mp-${kind}`, document.body);
      layer.setAttribute("role", "dialog");
      const box = make("div", "mp-box", layer);
      const done = (result) => {
        layer.remove();
        resolve(result);
      };
      if (dismiss !== undefined) layer.onclick = (event) => event.target === layer && done(dismiss);
      build(box, done);
    });
  }

  async modal({ title, content, showCancel = true, cancelText = "取消", confirmText = "确定", confirmColor, cancelColor, editable, placeholderText }) {
    return this._layer("modal", (box, done) => {
      if (title) make("h3", "", box, title);
      if (content && !editable) make("p", "", box, content);
      const field = editable ? make("input", "", box) : null;
      if (field) Object.assign(field, { value: content ?? "", placeholder: placeholderText ?? "" });
      const buttons = make("div", "mp-buttons", box);
      const button = (text, color, confirm) => {
        const element = make("button", confirm ? "mp-confirm" : "mp-cancel", buttons, text);
        if (color) element.style.color = color;
        element.onclick = () => done({ confirm, cancel: !confirm, content: confirm && field ? field.value : null });
      };
      if (showCancel) button(cancelText, cancelColor, false);
      button(confirmText, confirmColor, true);
      field?.focus();
    });
  }

  async confirm(content, title) {
    return (await this.modal({ title, content, cancelText: "拒绝", confirmText: "允许" })).confirm;
  }

  /** The index of what was chosen; -1 for none. */
  choose(title, items) {
    return this._layer("actions", (box, done) => {
      if (title) make("p", "", box, title);
      items.forEach((item, index) => (make("button", "", box, item).onclick = () => done(index)));
      make("button", "mp-cancel", box, "取消").onclick = () => done(-1);
    }, { dismiss: -1 }); // prettier-ignore
  }

  /** Whether the person pays; `amount_fen` and `description` are shown when they are known. */
  pay({ amount_fen: fen, description }) {
    return this._layer("pay", (box, done) => {
      const close = make("button", "mp-close", box, "×");
      close.setAttribute("aria-label", "关闭");
      close.dataset.testid = "pay-cancel";
      close.onclick = () => done(false);
      make("h3", "", box, description || "微信支付");
      if (fen !== undefined) make("strong", "", box, `¥${(fen / 100).toFixed(2)}`);
      make("p", "", box, "沙箱支付，不会产生真实扣款");
      make("div", "mp-method", box, "零钱");
      const confirm = make("button", "mp-confirm", box, "确认支付");
      confirm.dataset.testid = "pay-confirm";
      confirm.onclick = () => done(true);
    });
  }

  paid() {
    this.toast("支付成功", { icon: "success", ms: 900 });
  }

  /**
   * Which messages the person allows an app to send, once each.
   * @param items [{id, title}]
   * @returns {Promise<{allowed: string[], always: boolean}>}
   */
  subscribe(app, items) {
    return this._layer("subscribe", (box, done) => {
      make("p", "mp-asker", box, `${app} 申请`);
      make("h3", "", box, "发送一次以下消息");
      const line = (text, checked, parent) => {
        const label = make("label", "", parent);
        const check = make("input", "", label);
        Object.assign(check, { type: "checkbox", checked });
        make("span", "", label, text);
        return check;
      };
      const list = make("div", "mp-items", box);
      const checks = items.map(({ title }) => line(title, true, list));
      const always = line("总是保持以上选择，不再询问", false, make("div", "mp-always", box));
      always.dataset.testid = "subscribe-always";
      const buttons = make("div", "mp-choices", box);
      const end = (allowed) => done({ allowed, always: always.checked });
      make("button", "mp-cancel", buttons, "取消").onclick = () => end([]);
      make("button", "mp-confirm", buttons, "允许").onclick = () => end(items.filter((_, at) => checks[at].checked).map(({ id }) => id));
    });
  }

  /** Pictures side by side, beginning with number `at`. */
  preview(urls, at = 0) {
    return this._layer("preview", (box, done) => {
      for (const url of urls) make("img", "", make("div", "", box)).src = url;
      box.scrollLeft = at * box.clientWidth;
      const count = make("span", "mp-count", box.parentElement);
      const say = () => (count.textContent = urls.length > 1 ? `${Math.round(box.scrollLeft / box.clientWidth) + 1} / ${urls.length}` : "");
      box.onscroll = say;
      say();
      box.onclick = () => done({});
    }, { dismiss: {} }); // prettier-ignore
  }

  /** A place near `from`, by name; null when none was chosen. */
  async place({ latitude, longitude, name, address }) {
    const near = [
      [name || "当前位置", address || "地图选点", 0, 0], ["人民广场", "黄浦区人民大道 185 号", 0.0012, 0.0016],
      ["静安寺", "静安区南京西路 1686 号", -0.0046, -0.0221], ["外滩", "黄浦区中山东一路", 0.006, 0.0165], ["豫园", "黄浦区福佑路 168 号", -0.0033, 0.0187],
    ]; // prettier-ignore
    const index = await this.choose("选择位置", near.map(([title, where]) => `${title} · ${where}`));
    if (index < 0) return null;
    const [title, where, north, east] = near[index];
    return { name: title, address: where, latitude: +(latitude + north).toFixed(6), longitude: +(longitude + east).toFixed(6) };
  }

  /** <picker>, all modes of it; of the regions a few. */
  async picker(component) {
    const { mode, range, rangeKey, value, fields, start, end, headerText } = component.data;
    const label = (item) => String(rangeKey ? item[rangeKey] : item);
    let read;
    const picked = await this._layer("picker", (box, done) => {
      const head = make("div", "mp-head", box);
      make("button", "mp-cancel", head, "取消").onclick = () => done(false);
      make("span", "", head, headerText ?? "");
      make("button", "mp-confirm", head, "确定").onclick = () => done(true);
      const body = make("div", "mp-wheels", box);
      if (mode === "selector") read = wheel(body, range.map(label), value ?? 0);
      else if (mode === "multiSelector") {
        const wheels = range.map((items, column) =>
          wheel(body, items.map(label), value?.[column] ?? 0, (at) => component.triggerEvent("columnchange", { column, value: at })),
        );
        read = () => wheels.map((one) => one());
      } else if (mode === "region") {
        read = wheel(body, REGIONS.map(({ value: names }) => names.join(" ")), REGIONS.findIndex(({ value: names }) => String(names) === String(value)));
      } else {
        const field = make("input", "", body);
        field.type = mode === "date" && fields === "month" ? "month" : mode;
        Object.assign(field, { value: value ?? "", min: start ?? "", max: end ?? "" });
        read = () => field.value;
      }
    }, { dismiss: false }); // prettier-ignore
    if (!picked) return component.triggerEvent("cancel", {});
    const chosen = mode === "region" ? REGIONS[read()] : { value: read() };
    component.setData({ value: chosen.value });
    return component.triggerEvent("change", chosen);
  }
}

function wheel(parent, items, selected, changed) {
  const list = make("div", "mp-wheel", parent);
  list.setAttribute("role", "listbox");
  let at = Math.max(0, Math.min(Number(selected) || 0, items.length - 1));
  const mark = () => [...list.children].forEach((item, index) => item.setAttribute("aria-selected", String(index === at)));
  items.forEach((item, index) => {
    const option = make("button", "", list, item);
    option.setAttribute("role", "option");
    option.onclick = () => {
      at = index;
      mark();
      changed?.(at);
    };
  });
  mark();
  queueMicrotask(() => list.children[at]?.scrollIntoView?.({ block: "center" }));
  return () => at;
}
