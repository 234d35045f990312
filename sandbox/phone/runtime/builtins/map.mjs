// <map>: a drawn town under Web Mercator, with markers, callouts, lines and circles, to drag and to zoom.
import { drawTown } from "./town.mjs";
import { A, B, N, S, host, list, make, num } from "./kinds.mjs";

const TILE_PX = 256;
const mercator = (lat) => (Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360)) * 180) / Math.PI;
const latOf = (y) => (Math.atan(Math.exp((y * Math.PI) / 180)) * 360) / Math.PI - 90;

function bubble(parent, callout, className) {
  const element = make("span", parent, { className, textContent: callout.content });
  Object.assign(element.style, {
    color: callout.color ?? "", background: callout.bgColor ?? "", fontSize: callout.fontSize ? `${callout.fontSize}px` : "",
    borderRadius: `${callout.borderRadius ?? 6}px`, padding: `${callout.padding ?? 4}px ${(callout.padding ?? 4) + 4}px`,
    border: callout.borderWidth ? `${callout.borderWidth}px solid ${callout.borderColor ?? "#000"}` : "",
    fontWeight: callout.fontWeight ?? "",
  }); // prettier-ignore
  return element;
}

export const map = {
  name: "map",
  props: {
    latitude: N, longitude: N, scale: num(16), markers: list, polyline: list, circles: list, polygons: list, includePoints: A, controls: A,
    showLocation: B, subkey: S, layerStyle: N, rotate: N, skew: N, enable3D: B, showCompass: B, showScale: B, enableZoom: { type: B, value: true },
    enableScroll: { type: B, value: true }, enableRotate: B, enableOverlooking: B, enableSatellite: B, enableTraffic: B, enablePoi: B,
    enableBuilding: B, setting: null, minScale: num(3), maxScale: num(20),
  },
  init(element) {
    this.ground = make("canvas", null, { className: "mp-ground" });
    this.layer = make("div", null, { className: "mp-map" });
    element.prepend(this.ground, this.layer);
    this.center = { latitude: this.data.latitude, longitude: this.data.longitude };
    this.zoom = this.data.scale;
    this._dragging(element);
    this.sizes = new ResizeObserver(() => this.draw());
    this.sizes.observe(element);
    queueMicrotask(() => this.triggerEvent("updated", {}));
  },
  detach() {
    this.sizes?.disconnect();
  },
  update() {
    const { latitude, longitude, scale, includePoints } = this.data;
    const asked = JSON.stringify([latitude, longitude, scale, includePoints]);
    if (asked !== this.asked) {
      this.asked = asked;
      this.center = { latitude, longitude };
      this.zoom = scale;
      if (includePoints?.length) this.include(includePoints);
    }
    this.draw();
  },
  pixelsPerDegree() {
    return (TILE_PX * 2 ** this.zoom) / 360;
  },
  /** Pixels from the middle. */
  project(latitude, longitude) {
    const k = this.pixelsPerDegree();
    return [(longitude - this.center.longitude) * k, (mercator(this.center.latitude) - mercator(latitude)) * k];
  },
  unproject(x, y) {
    const k = this.pixelsPerDegree();
    return { latitude: latOf(mercator(this.center.latitude) - y / k), longitude: this.center.longitude + x / k };
  },
  region() {
    const { clientWidth: width, clientHeight: height } = this.element;
    return { southwest: this.unproject(-width / 2, height / 2), northeast: this.unproject(width / 2, -height / 2) };
  },
  include(points, padding = 40) {
    const { clientWidth: width, clientHeight: height } = this.element;
    const lats = points.map((point) => point.latitude);
    const lngs = points.map((point) => point.longitude);
    const [south, north, west, east] = [Math.min(...lats), Math.max(...lats), Math.min(...lngs), Math.max(...lngs)];
    this.center = { latitude: (south + north) / 2, longitude: (west + east) / 2 };
    const degrees = Math.max((east - west) / Math.max(50, width - 2 * padding), (mercator(north) - mercator(south)) / Math.max(50, height - 2 * padding), 1e-7);
    this.zoom = Math.max(this.data.minScale, Math.min(this.data.maxScale, 18, Math.log2(360 / TILE_PX / degrees)));
  },
  moveTo(center, zoom, causedBy) {
    const raise = (type) => this.triggerEvent(type === "begin" || type === "end" ? "regionchange" : type, this._regionChange(type, causedBy));
    raise("begin");
    this.center = center;
    this.zoom = zoom;
    this.draw();
    raise("end");
  },
  _regionChange(type, causedBy) {
    return { type, causedBy, region: this.region(), centerLocation: { ...this.center }, scale: this.zoom, rotate: 0, skew: 0 };
  },
  _dragging(element) {
    let from = null;
    let moved = 0;
    element.addEventListener("pointerdown", (event) => {
      if (event.target.closest("wx-cover-view")) return;
      from = { x: event.clientX, y: event.clientY };
      moved = 0;
    });
    element.addEventListener("pointermove", (event) => {
      if (!from || !this.data.enableScroll) return;
      const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
      if (!moved && Math.hypot(dx, dy) < 4) return;
      if (!moved) {
        this.triggerEvent("regionchange", this._regionChange("begin", "gesture"));
        element.setPointerCapture?.(event.pointerId);
      }
      moved += Math.hypot(dx, dy);
      from = { x: event.clientX, y: event.clientY };
      this.center = this.unproject(-dx, -dy);
      this.draw();
    });
    const end = () => {
      if (from && moved) this.triggerEvent("regionchange", this._regionChange("end", "drag"));
      this.dragged = moved > 0;
      from = null;
    };
    element.addEventListener("pointerup", end);
    element.addEventListener("pointercancel", end);
    element.addEventListener("wheel", (event) => {
      if (!this.data.enableZoom) return;
      event.preventDefault();
      const zoom = Math.max(this.data.minScale, Math.min(this.data.maxScale, this.zoom - Math.sign(event.deltaY) * 0.25));
      this.moveTo(this.center, zoom, "scale");
    }, { passive: false });
  },
  draw() {
    const { element, layer } = this;
    if (!element || !Number.isFinite(this.center?.latitude)) return;
    drawTown(this.ground, element.clientWidth, element.clientHeight, this);
    layer.textContent = "";
    layer.dataset.center = `${this.center.latitude},${this.center.longitude}`;
    layer.dataset.scale = this.zoom;
    this._lines(layer);
    for (const marker of this.data.markers ?? []) this._marker(layer, marker);
    if (this.data.showLocation) {
      const { latitude, longitude } = host.wx.__place();
      this._place(make("i", layer, { className: "mp-here" }), latitude, longitude);
    }
  },
  _place(element, latitude, longitude) {
    const [x, y] = this.project(latitude, longitude);
    element.style.left = `calc(50% + ${x}px)`;
    element.style.top = `calc(50% + ${y}px)`;
  },
  _lines(layer) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const add = (tag, attributes) => {
      const shape = svg.appendChild(document.createElementNS(svg.namespaceURI, tag));
      for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, value);
    };
    const path = (points) => points.map((point) => this.project(point.latitude, point.longitude).join(",")).join(" ");
    for (const line of this.data.polyline ?? []) {
      add("polyline", { fill: "none", stroke: line.color ?? "#0099ff", "stroke-width": line.width ?? 4, "stroke-linejoin": "round", points: path(line.points) });
    }
    for (const area of this.data.polygons ?? []) {
      add("polygon", { fill: area.fillColor ?? "none", stroke: area.strokeColor ?? "#0099ff", "stroke-width": area.strokeWidth ?? 1, points: path(area.points) });
    }
    for (const circle of this.data.circles ?? []) {
      const [cx, cy] = this.project(circle.latitude, circle.longitude);
      const metresPerDegree = 111_320 * Math.cos((circle.latitude * Math.PI) / 180);
      const r = (circle.radius / metresPerDegree) * this.pixelsPerDegree();
      add("circle", { cx, cy, r, fill: circle.fillColor ?? "none", stroke: circle.color ?? "none", "stroke-width": circle.strokeWidth ?? 1 });
    }
    layer.append(svg);
  },
  _marker(layer, marker) {
    const element = make("span", layer, { className: "mp-marker" });
    element.dataset.id = marker.id;
    element.dataset.testid = `marker-${marker.id}`;
    element.setAttribute("role", "button");
    element.setAttribute("aria-label", marker.ariaLabel || marker.title || marker.callout?.content || marker.label?.content || String(marker.id));
    element.style.zIndex = marker.zIndex ?? "";
    element.style.opacity = marker.alpha ?? "";
    const anchor = marker.anchor ?? { x: 0.5, y: 1 };
    element.style.transform = `translate(${-anchor.x * 100}%, ${-anchor.y * 100}%)`;
    this._place(element, marker.latitude, marker.longitude);
    if (marker.iconPath) {
      const icon = make("img", element, { src: host.files.urlOf(marker.iconPath.replace(/^(?![a-z]+:|\/)/i, "/")), alt: "", draggable: false });
      icon.style.width = `${parseFloat(marker.width) || 30}px`;
      icon.style.height = `${parseFloat(marker.height) || 30}px`;
    } else {
      make("i", element, { className: "mp-pin" });
    }
    if (marker.label?.content) {
      const label = bubble(element, marker.label, "mp-label");
      label.style.transform = `translate(${marker.label.anchorX ?? 0}px, ${marker.label.anchorY ?? 0}px)`;
    }
    const callout = marker.callout ?? (marker.title ? { content: marker.title, display: "BYCLICK" } : null);
    if (callout?.content && (callout.display === "ALWAYS" || this.opened === marker.id)) {
      bubble(element, callout, "mp-callout").onclick = (event) => {
        event.stopPropagation();
        this.triggerEvent("callouttap", { markerId: marker.id });
      };
    }
    element.onclick = (event) => {
      event.stopPropagation();
      if (this.dragged) return;
      this.opened = marker.id;
      this.draw();
      this.triggerEvent("markertap", { markerId: marker.id });
    };
  },
}; // prettier-ignore
