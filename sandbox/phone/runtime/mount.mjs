// One component by itself, for unit tests.
import { glassEasel } from "./engine.mjs";

const RAISED = { bubbles: true, composed: true, capturePhase: true };

/** @returns {instance, box, events, listen, find, findAll, fire, set, text, show, hide, unmount} */
export function mountComponent({ space, view }, id, properties = {}) {
  // within another component: one with a virtual host has no element of its own, and cannot be a root
  const wrapper = `__mount/${id}`;
  space.addComponentStaticConfig(wrapper, { component: true, styleIsolation: "shared", usingComponents: { "mounted-one": `/${id}` } });
  space.componentEnv(wrapper, (env) => env.Component({}));
  const root = view.createRoot("mount-host", space, wrapper);
  const shadow = root.getComponent().getShadowRoot();
  const node = shadow.createComponent("mounted-one", "mounted-one");
  shadow.appendChild(node);
  const instance = node.getMethodCaller();
  if (Object.keys(properties).length) instance.setData(properties);
  const box = document.createElement("div");
  const place = box.appendChild(document.createElement("span"));
  document.body.append(box);
  root.attach(box, place);
  const tree = () => instance._$.getShadowRoot();
  const events = [];
  return {
    instance,
    box,
    events,
    get text() {
      return box.textContent;
    },
    listen(...names) {
      for (const name of names) instance._$.addListener(name, ({ detail }) => void events.push({ type: name, detail }));
      return this;
    },
    find: (selector) => tree().querySelector(selector),
    findAll: (selector) => tree().querySelectorAll(selector),
    fire(target, name, detail = {}) {
      const element = typeof target === "string" ? tree().querySelector(target) : target;
      if (!element) throw new Error(`nothing matches ${target}`);
      glassEasel.Event.triggerEvent(element, name, detail, RAISED);
      return this;
    },
    set(values) {
      instance.setData(values);
      return this;
    },
    show() {
      instance._$.triggerPageLifetime("show", []);
      return this;
    },
    hide() {
      instance._$.triggerPageLifetime("hide", []);
      return this;
    },
    unmount() {
      root.release();
      box.remove();
    },
  };
}
