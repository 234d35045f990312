// Form controls.
import { absoluteUrl } from "../pages.mjs";
import { B, N, S, componentOf, host, list, make, num, str } from "./kinds.mjs";

const FIELDS = "wx-input,wx-textarea,wx-switch,wx-slider,wx-picker,wx-radio-group,wx-checkbox-group";

function raiseForm(from, type) {
  const form = from.closest("wx-form");
  if (!form) return;
  const value = {};
  for (const field of form.querySelectorAll(FIELDS)) {
    const component = componentOf(field);
    if (!component?.data.name) continue;
    if (type === "reset") component.reset?.();
    else value[component.data.name] = component.formValue ? component.formValue() : component.data.value;
  }
  componentOf(form).triggerEvent(type, type === "submit" ? { value } : {});
}

const INPUT_TYPES = { number: "text", digit: "text", idcard: "text", nickname: "text", "safe-password": "password" };

const textField = (name, tag) => ({
  name, wxml: "",
  props: {
    value: str(""), type: str("text"), password: B, placeholder: S, placeholderStyle: S, placeholderClass: S, disabled: B,
    maxlength: num(140), focus: B, autoFocus: B, confirmType: S, confirmHold: B, cursor: num(-1), cursorSpacing: N, cursorColor: S,
    selectionStart: num(-1), selectionEnd: num(-1), adjustPosition: B, alwaysEmbed: B, holdKeyboard: B, name: S, autoHeight: B,
    fixed: B, showConfirmBar: B, disableDefaultPadding: B, adjustKeyboardTo: S,
  },
  init(element) {
    const field = (this.field = make(tag, element, { className: `mp-${name}` }));
    if (tag === "textarea") field.rows = 1;
    const raise = (type, detail) => this.triggerEvent(type, { value: field.value, ...detail });
    field.addEventListener("input", (event) => {
      event.stopPropagation();
      this.setData({ value: field.value });
      raise("input", { cursor: field.selectionStart ?? field.value.length, keyCode: 0 });
      this.grow();
    });
    field.addEventListener("focus", () => raise("focus", { height: 0 }));
    field.addEventListener("blur", () => raise("blur", { cursor: 0 }));
    field.addEventListener("change", (event) => {
      event.stopPropagation();
      if (tag === "input") raise("change", {});
    });
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.isComposing && (tag === "input" || this.data.confirmType === "send")) {
        event.preventDefault();
        raise("confirm", {});
        if (!this.data.confirmHold) field.blur();
      }
    });
  },
  update(element) {
    const { field, data } = this;
    if (tag === "input") {
      field.type = data.password ? "password" : (INPUT_TYPES[data.type] ?? data.type ?? "text");
      field.inputMode = { number: "numeric", digit: "decimal" }[data.type] ?? "";
    } else {
      element.toggleAttribute("auto-height", data.autoHeight);
    }
    if (field.value !== String(data.value ?? "")) field.value = data.value ?? "";
    field.placeholder = data.placeholder ?? "";
    field.disabled = data.disabled;
    if (data.maxlength >= 0) field.maxLength = data.maxlength;
    else field.removeAttribute("maxlength");
    if (data.name) field.name = data.name;
    if (data.ariaLabel) field.setAttribute("aria-label", data.ariaLabel);
    if ((data.focus || data.autoFocus) && !this.focused) queueMicrotask(() => field.focus());
    this.focused = data.focus || data.autoFocus;
    this.grow();
  },
  grow() {
    if (tag !== "textarea" || !this.data.autoHeight) return;
    this.field.style.height = "auto";
    if (this.field.scrollHeight) this.field.style.height = `${this.field.scrollHeight}px`;
  },
  reset() {
    this.setData({ value: "" });
  },
}); // prettier-ignore

const toggle = (name, type) => ({
  name, props: { checked: B, value: S, disabled: B, color: S, name: S, type: S },
  init(element) {
    this.field = make("input", null, { type });
    element.insertBefore(this.field, element.firstChild);
    this.field.addEventListener("change", (event) => {
      event.stopPropagation();
      const checked = this.field.checked;
      this.setData({ checked });
      if (name === "switch") return this.triggerEvent("change", { value: checked });
      const group = element.closest(`wx-${name}-group`);
      if (!group) return undefined;
      if (name === "radio") {
        for (const other of group.querySelectorAll("wx-radio")) if (other !== element) componentOf(other).setData({ checked: false });
      }
      return componentOf(group).triggerEvent("change", { value: componentOf(group).formValue() });
    });
  },
  update() {
    this.field.checked = this.data.checked;
    this.field.disabled = this.data.disabled;
    if (this.data.color) this.field.style.setProperty("--mp-color", this.data.color);
    if (this.data.ariaLabel) this.field.setAttribute("aria-label", this.data.ariaLabel);
    if (name === "switch") this.field.setAttribute("role", "switch");
  },
  formValue() {
    return this.data.checked;
  },
}); // prettier-ignore

const checkedOf = (group, tag) => [...group._$.$$.querySelectorAll(tag)].map(componentOf).filter(({ data }) => data.checked);

const OPEN_TYPES = {
  getPhoneNumber: ["getphonenumber", { errMsg: "getPhoneNumber:ok", code: "sandbox-phone-number" }],
  getUserInfo: ["getuserinfo", { errMsg: "getUserInfo:ok", userInfo: { nickName: "微信用户" } }],
  agreePrivacyAuthorization: ["agreeprivacyauthorization", { errMsg: "agreePrivacyAuthorization:ok" }],
  openSetting: ["opensetting", { errMsg: "openSetting:ok", authSetting: {} }],
  contact: ["contact", { errMsg: "enterContact:ok" }],
};

export const form = [
  { name: "form", props: { reportSubmit: B } },
  textField("input", "input"),
  textField("textarea", "textarea"),
  toggle("switch", "checkbox"),
  toggle("checkbox", "checkbox"),
  toggle("radio", "radio"),
  { name: "radio-group", props: { name: S }, formValue() { return checkedOf(this, "wx-radio")[0]?.data.value ?? ""; } },
  { name: "checkbox-group", props: { name: S }, formValue() { return checkedOf(this, "wx-checkbox").map(({ data }) => data.value); } },
  {
    name: "label", props: { for: S },
    tap(element, event) {
      if (event.target !== element && event.target?.closest?.("input")) return;
      const target = this.data.for
        ? document.querySelector(`.mp-page:not([hidden]) [wx-id="${this.data.for}"]`)
        : element.querySelector("wx-radio,wx-checkbox,wx-switch,wx-input,wx-button");
      target?.querySelector("input")?.click();
    },
  },
  {
    name: "button",
    props: {
      type: str("default"), size: str("default"), plain: B, disabled: B, loading: B, formType: S, openType: S, lang: S, sessionFrom: S,
      sendMessageTitle: S, sendMessagePath: S, sendMessageImg: S, appParameter: S, showMessageCard: B, name: S, businessId: S,
    },
    update(element) {
      const { type, size, disabled, loading, plain } = this.data;
      element.setAttribute("role", "button");
      element.setAttribute("type", type);
      element.setAttribute("size", size);
      element.setAttribute("aria-disabled", String(disabled));
      for (const [name, on] of Object.entries({ disabled, loading, plain })) element.toggleAttribute(name, Boolean(on));
    },
    tap(element) {
      const { formType, openType, disabled } = this.data;
      if (disabled) return;
      if (formType) raiseForm(element, formType);
      if (openType === "share") host.pages.call(host.pages.top, "onShareAppMessage", { from: "button", target: this._$ });
      if (openType === "chooseAvatar") host.files.picture(0, { width: 400, height: 400 }).then((avatarUrl) => this.triggerEvent("chooseavatar", { avatarUrl }));
      if (OPEN_TYPES[openType]) this.triggerEvent(...OPEN_TYPES[openType]);
    },
  },
  {
    name: "navigator", props: { url: S, openType: str("navigate"), delta: num(1), target: S },
    tap() {
      const { url, openType, delta } = this.data;
      const verb = { navigate: "navigateTo", redirect: "redirectTo" }[openType] ?? openType;
      host.wx[verb]({ url: absoluteUrl(url, host.pages.top.path), delta });
    },
  },
  {
    name: "slider", wxml: "",
    props: {
      value: num(0), min: num(0), max: num(100), step: num(1), disabled: B, showValue: B, name: S, activeColor: S, backgroundColor: S,
      blockSize: N, blockColor: S,
    },
    init(element) {
      const field = (this.field = make("input", element, { type: "range" }));
      field.addEventListener("input", (event) => {
        event.stopPropagation();
        this.triggerEvent("changing", { value: +field.value });
      });
      field.addEventListener("change", (event) => {
        event.stopPropagation();
        this.setData({ value: +field.value });
        this.triggerEvent("change", { value: +field.value });
      });
    },
    update() {
      const { min, max, step, value, disabled, activeColor } = this.data;
      Object.assign(this.field, { min, max, step, value, disabled });
      if (activeColor) this.field.style.accentColor = activeColor;
      if (this.data.ariaLabel) this.field.setAttribute("aria-label", this.data.ariaLabel);
    },
  },
  {
    name: "picker",
    props: {
      mode: str("selector"), value: null, range: list, rangeKey: S, start: S, end: S, fields: S, disabled: B, headerText: S, customItem: S,
      name: S, level: S,
    },
    tap() {
      if (!this.data.disabled) host.sheets.picker(this);
    },
  },
]; // prettier-ignore
