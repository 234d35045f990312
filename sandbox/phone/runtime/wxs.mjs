// What compiled WXS asks of its host: types by name, change:prop, events that WXS handles itself.
import { glassEasel } from "./engine.mjs";

const { TEMP_EXTRA } = glassEasel.StyleSegmentIndex;

/** WeChat's ComponentDescriptor of an element. */
export function descriptorOf(element) {
  if (!element) return null;
  if (element.__descriptor) return element.__descriptor;
  const scope = () => element.getShadowRoot?.() ?? element.ownerShadowRoot;
  const self = {
    instance: null,
    selectComponent: (selector) => descriptorOf(scope().querySelector(selector)),
    selectAllComponents: (selector) => scope().querySelectorAll(selector).map(descriptorOf),
    setStyle(style) {
      const text = typeof style === "string" ? style : Object.entries(style).map(([key, to]) => `${key}:${to}`).join(";");
      element.setNodeStyle(text, TEMP_EXTRA);
      return self;
    },
    addClass(name) {
      element.toggleNodeClass?.(name, true);
      return self;
    },
    removeClass(name) {
      element.toggleNodeClass?.(name, false);
      return self;
    },
    hasClass: (name) => element.classList?.contains(name),
    getDataset: () => element.dataset,
    callMethod(name, argument) {
      const caller = element.getMethodCaller?.() ?? element;
      caller[name]?.call(caller, argument);
    },
    requestAnimationFrame: (callback) => requestAnimationFrame(callback),
    setTimeout: (callback, ms) => setTimeout(callback, ms),
    clearTimeout: (timer) => clearTimeout(timer),
    getState: () => (element.__wxsState ??= {}),
    triggerEvent: (name, detail, options) => element.triggerEvent(name, detail, options),
    getBoundingClientRect() {
      const { left, top, right, bottom, width, height } = element.$$?.getBoundingClientRect() ?? {};
      return { left, top, right, bottom, width, height };
    },
    getComputedStyle(keys) {
      const style = element.$$ ? getComputedStyle(element.$$) : {};
      return Object.fromEntries(keys.map((key) => [key, style[key]]));
    },
  };
  return (element.__descriptor = self);
}

function isMethod(host, caller, listener) {
  const methods = host.getComponentDefinition?.().behavior.getMethods() ?? {};
  return Object.values(methods).includes(listener) || caller[listener.name] === listener;
}

export const wxsHost = {
  typeName: (value) => (value == null ? undefined : Object.prototype.toString.call(value).slice(8, -1)),
  /** change:prop="{{wxs.f}}", called when the subtree exists, as on a phone. */
  onChange: (listener) => (now, before, host, element) =>
    queueMicrotask(() => listener.call(null, now, before, descriptorOf(host), descriptorOf(element))),
  /** bind:x="{{wxs.f}}"; what is a method of the component is called as one. */
  onEvent(caller, event, listener) {
    const host = caller._$ ?? caller;
    if (isMethod(host, caller, listener)) return listener.call(caller, event);
    const seen = Object.create(event);
    seen.instance = descriptorOf(event.currentTarget._$ ?? event.currentTarget);
    return listener.call(null, seen, descriptorOf(host));
  },
};
