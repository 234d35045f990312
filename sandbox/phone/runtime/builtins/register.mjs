// Makes glass-easel know the built-in components, under their plain names.
import { glassEasel } from "../engine.mjs";
import { builtIns } from "./index.mjs";
import { COMMON } from "./kinds.mjs";

const { TEMP_EXTRA } = glassEasel.StyleSegmentIndex;
const ARIA = Object.keys(COMMON).filter((name) => name.startsWith("aria") || name === "role" || name === "tabindex");
const attributeOf = (name) => (name === "ariaRole" ? "role" : name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`));

function hoverable(component, element) {
  const className = () => component.data.hoverClass;
  const clear = () => component._$.toggleNodeClass?.(className(), false);
  element.addEventListener("pointerdown", () => {
    if (!className() || className() === "none" || component.data.disabled) return;
    component._$.toggleNodeClass?.(className(), true);
    for (const name of ["pointerup", "pointercancel", "pointerleave"]) {
      element.addEventListener(name, () => setTimeout(clear, component.data.hoverStayTime || 70), { once: true });
    }
  });
}

function define(space, core, common, { name, props = {}, wxml, init, update, tap, detach, ...methods }) {
  const id = `builtin/${name}`;
  const sync = function () {
    const { element, data } = this;
    if (!element) return;
    if (this.wasHidden !== data.hidden) {
      this.wasHidden = data.hidden;
      this._$.setNodeStyle(data.hidden ? "display:none!important" : "", TEMP_EXTRA);
    }
    for (const key of ARIA) {
      if (data[key] !== null && data[key] !== undefined && data[key] !== "") element.setAttribute(attributeOf(key), data[key]);
    }
    update?.call(this, element);
  };
  const type = space.componentEnv(id, (env) =>
    env.Component({
      options: { multipleSlots: false },
      behaviors: [common],
      properties: props,
      methods,
      observers: { "**": sync },
      lifetimes: {
        attached() {
          this.element = this._$.$$;
          init?.call(this, this.element);
          hoverable(this, this.element);
          sync.call(this);
          if (tap) this._$.addListener("tap", (event) => tap.call(this, this.element, event.getOriginalEvent?.() ?? event));
        },
        detached() {
          detach?.call(this);
        },
      },
    }),
  );
  core.setGlobalUsingComponent(name, type._$);
}

export function registerBuiltIns({ space, core }, templates) {
  const common = space.behavior().definition({ properties: COMMON }).register();
  for (const builtIn of builtIns) {
    const id = `builtin/${builtIn.name}`;
    space.addComponentStaticConfig(id, { component: true });
    space.addCompiledTemplate(id, { groupList: templates, content: templates[id] });
    define(space, core, common, builtIn);
  }
}
