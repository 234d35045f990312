// WeChat's map with priced pins. It is told places as the wire has them, and tells them so.
const { mapOf } = require("../../platform/place");
const { fromMap, toMap } = require("../../lib/geo");

/** What a pin looks like: free, held by somebody who is about to order, in use. */
const PINS = {
  free: { icon: "/icons/marker-free.png", ink: "#0B6B57", ground: "#FFFFFF" },
  held: { icon: "/icons/marker-held.png", ink: "#8A4B00", ground: "#FFF3DC" },
  in_use: { icon: "/icons/marker-used.png", ink: "#4A554F", ground: "#EDF1EE" },
};

Component({
  properties: {
    center: { type: Object, value: { lat: 31.2304, lng: 121.4737 } },
    scale: { type: Number, value: 14 },
    /** [{id, lat, lng, text, state}]; `id` is any string */
    pins: { type: Array, value: [] },
    chosen: { type: String, value: "" },
    /** a place that is only about right: metres around `center`; 0: none */
    blurM: { type: Number, value: 0 },
    /** only to be looked at */
    still: Boolean,
  },
  data: { latitude: 31.2304, longitude: 121.4737, markers: [], circles: [] },
  observers: {
    "pins, chosen"(given, chosen) {
      const pins = given || [];
      this._ids = pins.map(({ id }) => id);
      if (!pins.length && !this.data.markers.length) return;
      this.setData({ markers: pins.map((pin, index) => marker(pin, index, pin.id === chosen)) });
    },
    "center.**, blurM"(center, blurM) {
      if (!center) return;
      const { lat, lng } = toMap(center);
      const { latitude, longitude, circles } = this.data;
      if (lat === latitude && lng === longitude && blurM === (circles.length ? circles[0].radius : 0)) return;
      const blur = { latitude: lat, longitude: lng, radius: blurM, color: "#0B6B5766", fillColor: "#0B6B5722", strokeWidth: 1 };
      this.setData({ latitude: lat, longitude: lng, circles: blurM ? [blur] : [] });
    },
  },
  lifetimes: {
    attached() {
      this._map = mapOf("map", this);
      if (!this.data.still) this._timer = setTimeout(() => this._tell(), 300); // the map knows its edges once it is drawn
    },
    detached() {
      clearTimeout(this._timer);
      this._map = null;
    },
  },
  methods: {
    tapPin({ detail }) {
      const id = (this._ids || [])[detail.markerId];
      if (id !== undefined) this.triggerEvent("choose", { id });
    },
    tapMap() {
      this.triggerEvent("choose", { id: "" });
    },
    moved({ type, detail }) {
      if ((detail.type || type) === "end" || detail.causedBy) this._tell();
    },
    locate() {
      this.triggerEvent("locate");
    },
    async _tell() {
      const region = this._map && (await this._map.region());
      if (!region || !this._map) return;
      const low = fromMap({ lat: region.south, lng: region.west });
      const high = fromMap({ lat: region.north, lng: region.east });
      this.triggerEvent("move", { box: { south: low.lat, west: low.lng, north: high.lat, east: high.lng } });
    },
  },
});

function marker({ lat, lng, text, state }, index, chosen) {
  const { icon, ink, ground } = PINS[state] || PINS.free;
  const place = toMap({ lat, lng });
  return {
    id: index, latitude: place.lat, longitude: place.lng, iconPath: icon, width: chosen ? 36 : 28, height: chosen ? 36 : 28,
    zIndex: chosen ? 9 : 1,
    callout: {
      content: text, display: "ALWAYS", fontSize: 13, padding: 6, borderRadius: 14, textAlign: "center",
      color: chosen ? "#FFFFFF" : ink, bgColor: chosen ? "#0B6B57" : ground, borderColor: chosen ? "#0B6B57" : ink, borderWidth: 1,
    },
  }; // prettier-ignore
}
