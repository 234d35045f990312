// What scrolls and what slides.
import { B, N, S, make, num } from "./kinds.mjs";

const isSet = (value) => value !== null && value !== undefined && value !== "";

const scrollView = {
  name: "scroll-view",
  props: {
    scrollX: B, scrollY: B, upperThreshold: num(50), lowerThreshold: num(50), scrollTop: null, scrollLeft: null, scrollIntoView: S,
    scrollWithAnimation: B, enableBackToTop: B, enableFlex: B, scrollAnchoring: B, enhanced: B, bounces: B, showScrollbar: B,
    pagingEnabled: B, fastDeceleration: B, refresherEnabled: B, refresherThreshold: N, refresherDefaultStyle: S, refresherBackground: S,
    refresherTriggered: B, usingSticky: B, type: S, scrollIntoViewAlignment: S, enablePassive: null,
  },
  init(element) {
    let before = { top: 0, left: 0, isLow: false, isUp: true };
    element.addEventListener("scroll", () => {
      const { scrollTop, scrollLeft, scrollHeight, scrollWidth, clientHeight, clientWidth } = element;
      const { scrollX, upperThreshold, lowerThreshold } = this.data;
      const deltaX = before.left - scrollLeft;
      const deltaY = before.top - scrollTop;
      this.triggerEvent("scroll", { scrollTop, scrollLeft, scrollHeight, scrollWidth, deltaX, deltaY });
      const rest = scrollX ? scrollWidth - clientWidth - scrollLeft : scrollHeight - clientHeight - scrollTop;
      const isLow = rest <= lowerThreshold;
      const isUp = (scrollX ? scrollLeft : scrollTop) <= upperThreshold;
      if (isLow && !before.isLow) this.triggerEvent("scrolltolower", { direction: scrollX ? "right" : "bottom" });
      if (isUp && !before.isUp) this.triggerEvent("scrolltoupper", { direction: scrollX ? "left" : "top" });
      before = { top: scrollTop, left: scrollLeft, isLow, isUp };
    });
  },
  update(element) {
    const { scrollX, scrollY, scrollTop, scrollLeft, scrollIntoView, scrollWithAnimation, enableFlex } = this.data;
    element.style.overflowX = scrollX ? "auto" : "hidden";
    element.style.overflowY = scrollY ? "auto" : "hidden";
    element.style.scrollBehavior = scrollWithAnimation ? "smooth" : "auto";
    element.toggleAttribute("scroll-x", scrollX);
    element.toggleAttribute("enable-flex", enableFlex);
    if (isSet(scrollTop) && scrollTop !== this.lastTop) element.scrollTop = parseFloat((this.lastTop = scrollTop));
    if (isSet(scrollLeft) && scrollLeft !== this.lastLeft) element.scrollLeft = parseFloat((this.lastLeft = scrollLeft));
    if (scrollIntoView && scrollIntoView !== this.lastInto) {
      // after the children of the same setData exist; only this view moves, not what it is in
      setTimeout(() => {
        const target = element.querySelector(`[wx-id="${scrollIntoView}"]`);
        if (!target) return;
        const [to, from] = [target.getBoundingClientRect(), element.getBoundingClientRect()];
        element.scrollTop += to.top - from.top;
        element.scrollLeft += to.left - from.left;
      });
    }
    this.lastInto = scrollIntoView;
  },
}; // prettier-ignore

const swiper = {
  name: "swiper",
  props: {
    current: num(0), indicatorDots: B, indicatorColor: S, indicatorActiveColor: S, autoplay: B, interval: num(5000), duration: num(500),
    circular: B, vertical: B, previousMargin: S, nextMargin: S, displayMultipleItems: N, easingFunction: S, snapToEdge: B, currentItemId: S,
  },
  init(element) {
    this.dots = make("div", element, { className: "mp-dots" });
    this.watcher = new MutationObserver(() => this.layout());
    this.watcher.observe(element, { childList: true, subtree: true, attributeFilter: ["style"] }); // a template that sets an item's style takes ours away
    this.moved = 0;
    const at = (event) => (this.data.vertical ? event.clientY : event.clientX);
    let from = null;
    element.addEventListener("pointerdown", (event) => { from = at(event); });
    element.addEventListener("pointermove", (event) => {
      if (from === null) return;
      this.moved = at(event) - from;
      this.layout();
    });
    const end = (event) => {
      if (from === null) return;
      const { moved } = this;
      from = null;
      this.moved = 0;
      this.layout();
      if (Math.abs(moved) > 40) this.go(this.data.current + (moved < 0 ? 1 : -1), "touch");
    };
    for (const name of ["pointerup", "pointerleave", "pointercancel"]) element.addEventListener(name, end);
  },
  items() {
    return [...this._$.$$.children].filter((child) => child.localName === "wx-swiper-item");
  },
  go(index, source) {
    const { length } = this.items();
    const current = this.data.circular && length ? (index + length) % length : index;
    if (current < 0 || current >= length || current === this.data.current) return;
    this.setData({ current });
    this.triggerEvent("change", { current, currentItemId: "", source });
    this.triggerEvent("animationfinish", { current, source });
  },
  layout() {
    const { moved } = this; // by a finger, in pixels
    const { vertical, current, indicatorDots, indicatorColor, indicatorActiveColor } = this.data;
    const items = this.items();
    items.forEach((item, index) => {
      const transform = `translate${vertical ? "Y" : "X"}(calc(${(index - current) * 100}% + ${moved}px))`;
      if (item.style.getPropertyValue("--at") === transform) return;
      item.style.setProperty("--at", transform);
      item.style.transform = transform;
      item.style.transitionDuration = moved ? "0s" : "";
    });
    this.dots.hidden = !indicatorDots;
    if (!indicatorDots) return;
    while (this.dots.childElementCount < items.length) make("i", this.dots);
    while (this.dots.childElementCount > items.length) this.dots.lastChild.remove();
    [...this.dots.children].forEach((dot, index) => {
      dot.style.background = index === current ? indicatorActiveColor || "#000" : indicatorColor || "rgba(0,0,0,.3)";
    });
  },
  update() {
    this.layout();
    clearInterval(this.timer);
    if (this.data.autoplay) this.timer = setInterval(() => this.go(this.data.current + 1, "autoplay"), this.data.interval);
  },
  detach() {
    clearInterval(this.timer);
    this.watcher.disconnect();
  },
}; // prettier-ignore

/** One wheel of a picker-view: the row in the middle is the chosen one. */
const pickerViewColumn = {
  name: "picker-view-column",
  init(element) {
    let timer;
    element.addEventListener("scroll", () => {
      clearTimeout(timer);
      timer = setTimeout(() => element.closest("wx-picker-view")?.__wxElement.getMethodCaller().settled(), 120);
    });
  },
};

const pickerView = {
  name: "picker-view",
  props: { value: null, indicatorStyle: S, indicatorClass: S, maskStyle: S, maskClass: S, immediateChange: B },
  init() {
    setTimeout(() => this.place());
  },
  columns() {
    return [...this._$.$$.querySelectorAll("wx-picker-view-column")];
  },
  rowPx(column) {
    return column.firstElementChild?.getBoundingClientRect().height || 34;
  },
  update() {
    queueMicrotask(() => this.place());
  },
  place() {
    if (!this._$?.$$) return;
    this.columns().forEach((column, at) => {
      const row = this.rowPx(column);
      const margin = Math.max(0, (this._$.$$.clientHeight - row) / 2);
      column.style.paddingTop = column.style.paddingBottom = `${margin}px`;
      column.scrollTop = row * (this.data.value?.[at] ?? 0);
    });
  },
  settled() {
    const value = this.columns().map((column) => Math.round(column.scrollTop / this.rowPx(column)));
    if (JSON.stringify(value) === JSON.stringify(this.data.value)) return;
    this.setData({ value });
    this.triggerEvent("change", { value });
  },
};

export const scroll = [
  scrollView, swiper, { name: "swiper-item", props: { itemId: S, skipHiddenItemLayout: B } }, pickerView, pickerViewColumn,
]; // prettier-ignore
