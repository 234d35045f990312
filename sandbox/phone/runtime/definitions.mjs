// App, Page, Component and Behavior, as the app's modules call them. Which component a call defines is told by the module that is being
// run first: libraries call Component() from a module that all their components share.
import { BEHAVIORS } from "./behaviors.mjs";

const LIFETIMES_OF_APP = ["onLaunch", "onShow", "onHide", "onError", "onUnhandledRejection", "onPageNotFound"];

export function makeDefinitions({ space, core }, audit, config) {
  const running = [];
  let app = null;

  const behaviors = Object.fromEntries(
    Object.entries(BEHAVIORS).map(([name, definition]) => [name, space.behavior().definition(definition).register()]),
  );
  const prepared = (definition) => {
    definition.behaviors = definition.behaviors?.map((one) => {
      if (typeof one !== "string") return one;
      if (!behaviors[one]) audit.problem("definition", `there is no behavior ${one}`);
      return behaviors[one] ?? behaviors["wx://form-field-group"];
    });
    if (!definition.behaviors) delete definition.behaviors;
    for (const property of Object.values(definition.properties ?? {})) {
      if (property && typeof property === "object" && "type" in property && property.type === undefined) property.type = null;
    }
    return definition;
  };

  const define = (kind, definition) => {
    const id = running.at(-1);
    prepared(definition);
    const { styleIsolation, addGlobalClass } = definition.options ?? {};
    const json = space.getComponentStaticConfig(id);
    const isolation = styleIsolation ?? (addGlobalClass ? "apply-shared" : undefined);
    if (kind === "Component" && json && isolation && !json.styleIsolation) {
      space.addComponentStaticConfig(id, { ...json, styleIsolation: isolation }); // the adapter looks at JSON only
    }
    return space.componentEnv(id, (env) => env[kind](definition));
  };

  space.setOverallBehavior(
    core.define()
      .lifetime("created", function () { watchSetData(this, audit); })
      .lifetime("attached", function () { ready.add(this._$); })
      .registerBehavior(),
  ); // prettier-ignore

  const ready = new ReadyQueue();
  const globals = {
    Page: (definition) => define("Page", definition),
    Component: (definition) => define("Component", definition),
    Behavior: (definition) => space.componentEnv("", (env) => env.Behavior(prepared(definition))),
    App(definition) {
      app = { ...definition };
      for (const [name, part] of Object.entries(definition)) if (typeof part === "function") app[name] = part.bind(app);
    },
    getApp: () => app ?? {},
    getRegExp: (pattern, flags) => new RegExp(pattern, flags),
    getDate: (...parts) => new Date(...parts),
  };
  return {
    globals,
    ready,
    callApp(name, detail) {
      if (!LIFETIMES_OF_APP.includes(name) || typeof app?.[name] !== "function") return;
      try {
        app[name](detail);
      } catch (error) {
        audit.problem("app", `${name}: ${error.message}`, error);
      }
    },
    run(id, module) {
      running.push(id);
      try {
        module();
      } catch (error) {
        audit.problem("load", `${id}: ${error.message}`, error);
      } finally {
        running.pop();
      }
    },
    config,
  };
}

function watchSetData(caller, audit) {
  const id = caller.is ?? "";
  if (id.startsWith("builtin/") || typeof caller.setData !== "function") return;
  const isOwn = !id.startsWith("miniprogram_npm/");
  const setData = caller.setData;
  caller.setData = function (data, callback) {
    if (isOwn) audit.sawSetData(id, data);
    return setData.call(this, data, callback);
  };
}

/** `ready`, which glass-easel never raises: once the subtree is attached, children first; for a new page after onShow. */
class ReadyQueue {
  constructor() {
    this._waiting = [];
    this._held = 0;
  }

  add(component) {
    if (!this._waiting.length) queueMicrotask(() => this._flush());
    this._waiting.push(component);
  }

  hold() {
    this._held += 1;
  }

  release() {
    this._held -= 1;
    this._flush();
  }

  _flush() {
    if (this._held) return;
    const list = this._waiting.reverse();
    this._waiting = [];
    for (const component of list) component.triggerLifetime("ready", []);
  }
}
