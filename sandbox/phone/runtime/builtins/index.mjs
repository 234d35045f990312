// The built-in components, as glass-easel components. `wxml` is "<slot/>" unless said; "" draws by itself. `init(element)` runs when attached,
// `update(element)` after every change of a property, `tap(element, event)` on a tap; `this` is the component. Nothing here touches the DOM
// on import: the build reads the names.
import { form } from "./form.mjs";
import { B, N, S, plain } from "./kinds.mjs";
import { map } from "./map.mjs";
import { media } from "./media.mjs";
import { scroll } from "./scroll.mjs";

export const builtIns = [
  ...["view", "cover-view", "block", "movable-area", "match-media", "share-element", "open-data", "official-account", "camera", "editor", "keyboard-accessory", "live-player"].map((name) => plain(name)),
  plain("cover-image", { src: S }),
  plain("root-portal", { enable: B }),
  plain("movable-view", { direction: S, x: N, y: N, disabled: B }),
  plain("page-meta", { pageStyle: S, rootFontSize: S, backgroundColor: S }),
  plain("page-container", { show: B }),
  plain("text", { selectable: B, userSelect: B, space: S, decode: B, overflow: S, maxLines: N }),
  ...form,
  ...media,
  ...scroll,
  map,
];
