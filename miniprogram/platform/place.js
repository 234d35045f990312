// Where the user is. WeChat allows a fuzzy place to everybody, and the exact one to few: choosing on a map always works.
"use strict";

/**
 * About where the phone is, WGS-84.
 * @returns {Promise<{lat: number, lng: number} | null>}  null: it would not say
 */
function whereabouts() {
  return new Promise((resolve) => {
    const ask = wx.getFuzzyLocation || wx.getLocation;
    ask({
      type: "wgs84",
      success: ({ latitude, longitude }) => resolve({ lat: latitude, lng: longitude }),
      fail: () => resolve(null),
    });
  });
}

/**
 * Let the user choose a place on WeChat's map.
 * @returns {Promise<{lat: number, lng: number, name: string, address: string} | null>}  null: nothing was chosen
 */
function choosePlace() {
  return new Promise((resolve) => {
    wx.chooseLocation({
      success: ({ latitude, longitude, name, address }) => resolve({ lat: latitude, lng: longitude, name, address }),
      fail: () => resolve(null),
    });
  });
}

/** Show a place in WeChat's map, which knows the way there. */
function openPlace({ lat, lng, name, address }) {
  wx.openLocation({ latitude: lat, longitude: lng, name, address, scale: 16 });
}

/**
 * What is moved and asked of a <map> by its id in a page or component.
 * @param {string} id
 * @param {object} [owner]  the component
 */
function mapOf(id, owner) {
  const context = wx.createMapContext(id, owner);
  return {
    /** What it shows now; null while it does not know. */
    region: () =>
      new Promise((resolve) => {
        context.getRegion({
          success: ({ southwest, northeast }) =>
            resolve(
              southwest && typeof southwest.latitude === "number"
                ? { south: southwest.latitude, west: southwest.longitude, north: northeast.latitude, east: northeast.longitude }
                : null,
            ),
          fail: () => resolve(null),
        });
      }),
    center: ({ lat, lng }) => context.moveToLocation({ latitude: lat, longitude: lng }),
  };
}

module.exports = { whereabouts, choosePlace, openPlace, mapOf };
