// glass-easel, WeChat's component framework, driving our DOM: host tags, styles, events, and what tests need to see.
import * as glassEasel from "glass-easel";
import { MiniProgramEnv } from "glass-easel-miniprogram-adapter";
import { builtIns } from "./builtins/index.mjs";

export { glassEasel };

const HOSTS = new Set([...builtIns.map(({ name }) => name), "page"]);
/** The only events of the DOM that a phone raises too; bind:click or bind:change must never see the browser's own. */
const NATIVE = /^(touch(start|move|end|cancel)|transitionend|animation(start|iteration|end))$/;

export const rpx = (text) => String(text).replace(/(-?\d*\.?\d+)rpx\b/g, (_, number) => `${+(number / 7.5).toFixed(5)}vw`);
const inlineStyle = (text) =>
  rpx(text)
    .replace(/(-?\d*\.?\d+)vh\b/g, (_, number) => `calc(var(--mp-vh, 1vh) * ${number})`)
    .replace(/env\(\s*safe-area-inset-(\w+)\s*(?:,[^)]*)?\)/g, "var(--mp-safe-$1, 0px)");

function hostTag(tag) {
  if (HOSTS.has(tag)) return `wx-${tag}`;
  if (tag.startsWith("dom-")) return tag.slice("dom-".length);
  return tag.includes("-") ? tag : `wx-${tag}`;
}

class Backend extends glassEasel.CurrentWindowBackendContext {
  constructor() {
    super();
    this.sheets = new Map();
    this.document = {
      createElement(tag) {
        const element = document.createElement(hostTag(tag));
        const set = element.setAttribute;
        element.setAttribute = function (name, value) {
          set.call(this, name, name === "style" ? inlineStyle(value) : value);
        };
        return element;
      },
      createTextNode: (text) => document.createTextNode(text),
      createDocumentFragment: () => document.createDocumentFragment(),
    };
  }

  setListenerStats(element, type, ...rest) {
    if (NATIVE.test(type)) super.setListenerStats(element, type, ...rest);
  }

  /** Once for each path, also when a page is opened again. */
  appendStyleSheetPath(path, scope) {
    if (!this.sheets.has(path)) {
      const before = document.head.lastElementChild;
      const id = super.appendStyleSheetPath(path, scope);
      const element = document.head.lastElementChild;
      this.sheets.set(path, { id, element: element === before ? null : element });
    }
    return this.sheets.get(path).id;
  }
}

const touch = ({ identifier = 0, pageX, pageY, clientX, clientY }) => ({ identifier, pageX, pageY, clientX, clientY });

function touchesOf(type, event) {
  if (event?.touches) return { touches: [...event.touches].map(touch), changedTouches: [...event.changedTouches].map(touch) };
  if (type === "tap" && event) return { touches: [touch(event)], changedTouches: [touch(event)] };
  return {};
}

/** data-* and id are properties of glass-easel's elements; selectors of tests and of wxss look into the DOM. */
function showInDom() {
  const { prototype } = glassEasel.Element;
  const { setDataset } = prototype;
  prototype.setDataset = function (name, value) {
    setDataset.call(this, name, value);
    if (this.$$?.setAttribute && /^(string|number|boolean)$/.test(typeof value)) {
      this.$$.setAttribute(`data-${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`, value);
    }
  };
  const { addListener } = prototype;
  prototype.addListener = function (name, ...rest) {
    if (name === "tap" || name === "longpress") this.$$?.setAttribute?.("mp-tap", "");
    return addListener.call(this, name, ...rest);
  };
  const id = Object.getOwnPropertyDescriptor(prototype, "id");
  Object.defineProperty(prototype, "id", {
    ...id,
    set(value) {
      id.set.call(this, value);
      this.$$?.setAttribute?.("wx-id", String(value));
    },
  });
}

const elementAt = (node) => {
  while (node && !node.__wxElement) node = node.parentNode;
  return node?.__wxElement;
};

/** WeChat raises longpress after 350 ms; glass-easel leaves it to its host. */
function raiseLongPresses() {
  let timer;
  const cancel = () => clearTimeout(timer);
  const options = { bubbles: true, composed: true, capturePhase: true };
  document.addEventListener("pointerdown", (event) => {
    cancel();
    timer = setTimeout(() => {
      const element = elementAt(event.target);
      for (const name of element ? ["longpress", "longtap"] : []) {
        glassEasel.Event.triggerEvent(element, name, { x: event.clientX, y: event.clientY }, options);
      }
    }, 350);
  }, true); // prettier-ignore
  for (const name of ["pointerup", "pointermove", "pointercancel"]) document.addEventListener(name, cancel, true);
}

export function makeEngine(audit) {
  showInDom();
  const env = new MiniProgramEnv();
  const space = env.createCodeSpace("", true);
  const core = space.getComponentSpace();
  core.updateComponentOptions({ writeFieldsToNode: false }); // a property called dataset must not shadow the element's own
  const backend = new Backend();
  const view = env.associateBackend(backend);
  backend.onEvent((target, type, detail, options) => {
    const event = new glassEasel.Event(type, detail, { ...options, extraFields: touchesOf(type, options.originalEvent) });
    glassEasel.Event.dispatchEvent(target, event);
    return event.getEventBubbleStatus();
  });
  glassEasel.addGlobalErrorListener((error, info) => {
    audit.problem("component", `${info?.type ?? ""} ${error?.message ?? error}`, error);
    return false;
  });
  raiseLongPresses();
  return { env, space, core, backend, view };
}
