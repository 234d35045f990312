// Pictures and other things to look at.
import { absoluteUrl } from "../pages.mjs";
import { B, N, S, host, make, str } from "./kinds.mjs";

const FIT = { aspectFit: "contain", aspectFill: "cover", scaleToFill: "fill", widthFix: "fill", heightFix: "fill" };
const SAFE_TAGS = /^(a|abbr|b|blockquote|br|code|dd|del|div|dl|dt|em|h[1-6]|hr|i|img|ins|li|ol|p|pre|q|s|small|span|strong|sub|sup|table|tbody|td|th|thead|tr|u|ul)$/;

function appended(parent, nodes) {
  for (const node of nodes ?? []) {
    if (node.type === "text") parent.append(node.text.replaceAll("&nbsp;", "\u00a0"));
    else if (SAFE_TAGS.test(node.name)) {
      const child = make(node.name, parent);
      for (const name of ["style", "class", "src", "width", "height", "alt"]) {
        if (node.attrs?.[name] != null) child.setAttribute(name, node.attrs[name]);
      }
      appended(child, node.children);
    }
  }
}

export const media = [
  {
    name: "image", wxml: "",
    props: { src: S, mode: str("scaleToFill"), lazyLoad: B, webp: B, showMenuByLongpress: B, forceHttps: B, fadeIn: B },
    init(element) {
      const picture = (this.picture = make("img", element, { alt: "" }));
      picture.onload = () => this.triggerEvent("load", { width: picture.naturalWidth, height: picture.naturalHeight });
      picture.onerror = () => this.triggerEvent("error", { errMsg: `GET ${picture.src} 404` });
    },
    update(element) {
      const { src, mode, ariaLabel, lazyLoad } = this.data;
      element.setAttribute("mode", mode);
      this.picture.alt = ariaLabel || "";
      this.picture.loading = lazyLoad ? "lazy" : "eager";
      this.picture.style.objectFit = FIT[mode] ?? "none";
      if (src === this.shownSource) return;
      this.shownSource = src;
      const url = src && host.files.urlOf(absoluteUrl(src, this._$.ownerShadowRoot?.getHostNode().is ?? ""));
      if (url) this.picture.src = url;
      else this.picture.removeAttribute("src");
    },
  },
  {
    name: "rich-text", wxml: "", props: { nodes: null, space: S, userSelect: B },
    update(element) {
      const { nodes } = this.data;
      element.textContent = "";
      if (Array.isArray(nodes)) appended(element, nodes);
      else element.innerHTML = nodes ?? "";
    },
  },
  {
    name: "canvas", props: { type: S, canvasId: S, disableScroll: B },
    init(element) { this.canvas = make("canvas", element); },
  },
  {
    name: "video", wxml: "",
    props: { src: S, controls: B, autoplay: B, poster: S, title: S, showCenterPlayBtn: B, objectFit: S, loop: B, muted: B },
  },
  {
    name: "web-view", wxml: "", props: { src: S },
    init(element) { this.frame = make("iframe", element); },
    update() { if (this.data.src) this.frame.src = this.data.src; },
  },
  { name: "icon", props: { type: S, size: S, color: S } },
  {
    name: "progress", wxml: "",
    props: { percent: N, showInfo: B, strokeWidth: N, activeColor: S, backgroundColor: S, active: B, borderRadius: N },
    init(element) { this.bar = make("i", element); },
    update(element) {
      const { percent, strokeWidth, activeColor, backgroundColor } = this.data;
      element.style.height = `${strokeWidth || 6}px`;
      element.style.background = backgroundColor || "";
      this.bar.style.width = `${percent}%`;
      this.bar.style.background = activeColor || "";
    },
  },
]; // prettier-ignore
