// Shorthand for the properties of built-in components.
export const S = String;
export const B = Boolean;
export const N = Number;
export const A = Array;
export const num = (value) => ({ type: Number, value });
export const str = (value) => ({ type: String, value });
export const list = { type: Array, value: [] };

/** Filled by main.mjs: what a built-in component needs of the phone around it. */
export const host = { pages: null, files: null, wx: null, sheets: null };

/** A component without behaviour of its own. */
export const plain = (name, props = {}) => ({ name, props });

export const make = (tag, parent, properties = {}) => {
  const element = Object.assign(document.createElement(tag), properties);
  parent?.append(element);
  return element;
};

/** The component whose host element this is. */
export const componentOf = (element) => element?.__wxElement?.getMethodCaller?.();

/** What every built-in accepts; aria-* goes to the DOM, so that roles and names can be found there. */
export const COMMON = {
  hidden: B, hoverClass: S, hoverStyle: S, hoverStartTime: N, hoverStayTime: N, hoverStopPropagation: B, animation: null,
  ariaRole: S, role: S, ariaLabel: S, ariaHidden: null, ariaLabelledby: S, ariaDescribedby: S, ariaBusy: null, ariaDisabled: null,
  ariaChecked: null, ariaModal: null, ariaLive: S, ariaValuemax: null, ariaValuemin: null, ariaValuenow: null, ariaValuetext: null,
  ariaHaspopup: null, ariaExpanded: null, ariaSelected: null, ariaControls: S, ariaRoledescription: S, ariaCurrent: null, ariaOwns: S,
  tabindex: null, catchMove: B,
}; // prettier-ignore
