// Where the phone is, and maps.

export function place({ calls, life, settings, account, sheets, pages }) {
  let here = settings.place ?? { latitude: 31.2304, longitude: 121.4737 };
  const location = () => ({ ...here, speed: 0, accuracy: 12, altitude: 4, verticalAccuracy: 8, horizontalAccuracy: 12 });
  const shownMap = (id, owner) => {
    const within = owner?._$?.getShadowRoot?.()?.getElementById(id);
    const element = within ?? document.querySelector(`.mp-page:not([hidden]) [wx-id="${id}"]`)?.__wxElement;
    if (!element) throw new Error(`there is no map ${id}`);
    return element.getMethodCaller();
  };
  const mapContext = (id, owner) => {
    const api = (name, answer) => calls.api(name, (options) => answer(shownMap(id, owner), options));
    return {
      getCenterLocation: api("getCenterLocation", (map) => ({ ...map.center })),
      getScale: api("getScale", (map) => ({ scale: map.zoom })),
      getRegion: api("getRegion", (map) => map.region()),
      moveToLocation: api("moveToLocation", (map, { latitude, longitude }) => map.moveTo(latitude === undefined ? { ...here } : { latitude, longitude }, map.zoom, "update")),
      includePoints: api("includePoints", (map, { points, padding = [40] }) => {
        map.include(points, Math.max(...padding));
        map.moveTo(map.center, map.zoom, "update");
      }),
      translateMarker: api("translateMarker", (map, { markerId, destination, animationEnd }) => {
        map.setData({ markers: map.data.markers.map((marker) => (marker.id === markerId ? { ...marker, ...destination } : marker)) });
        animationEnd?.();
      }),
      addMarkers: api("addMarkers", (map, { markers, clear }) => map.setData({ markers: [...(clear ? [] : map.data.markers), ...markers] })),
      removeMarkers: api("removeMarkers", (map, { markerIds }) => map.setData({ markers: map.data.markers.filter(({ id }) => !markerIds.includes(id)) })),
      moveAlong: api("moveAlong", () => ({})),
      initMarkerCluster: api("initMarkerCluster", () => ({})),
      on() {},
    }; // prettier-ignore
  };
  return {
    getLocation: calls.api("getLocation", async () => {
      await account.permit("userLocation", "获取你的位置信息");
      return location();
    }),
    getFuzzyLocation: calls.api("getFuzzyLocation", async () => {
      await account.permit("userFuzzyLocation", "获取你的模糊位置信息");
      return { latitude: here.latitude, longitude: here.longitude };
    }),
    chooseLocation: calls.api("chooseLocation", async (options) => {
      const chosen = await sheets.place({ ...here, ...options });
      if (!chosen) throw new Error("cancel");
      return chosen;
    }),
    openLocation: calls.api("openLocation", ({ name = "", address = "" }) => sheets.toast(`导航至 ${name || address}`)),
    startLocationUpdate: calls.api("startLocationUpdate", () => ({})),
    startLocationUpdateBackground: calls.api("startLocationUpdateBackground", () => ({})),
    stopLocationUpdate: calls.api("stopLocationUpdate", () => ({})),
    onLocationChange: (listener) => life.on("location", listener),
    offLocationChange: (listener) => life.off("location", listener),
    createMapContext: mapContext,
    __place: () => here,
    __moveTo(to) {
      here = to;
      life.emit("location", location());
      for (const element of document.querySelectorAll("wx-map")) element.__wxElement?.getMethodCaller().draw();
      return pages().top?.path;
    },
  };
}
