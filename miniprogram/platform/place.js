// Where the user is, in WGS-84 whatever WeChat's maps have. WeChat allows a fuzzy place to everybody, and the exact one to few: choosing on a map always works.
"use strict";

const { fromMap, toMap } = require("../lib/geo");

/**
 * About where the phone is, WGS-84.
 * @returns {Promise<{lat: number, lng: number} | null>}  null: it would not say
 */
function whereabouts() {
  return new Promise((resolve) => {
    const ask = wx.getFuzzyLocation || wx.getLocation;
    ask({
      type: "gcj02",
      success: ({ latitude, longitude }) => resolve(fromMap({ lat: latitude, lng: longitude })),
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
      success: ({ latitude, longitude, name, address }) => resolve({ ...fromMap({ lat: latitude, lng: longitude }), name, address }),
      fail: () => resolve(null),
    });
  });
}

/** Show a place in WeChat's map, which knows the way there. */
function openPlace({ lat, lng, name, address }) {
  const there = toMap({ lat, lng });
  wx.openLocation({ latitude: there.lat, longitude: there.lng, name, address, scale: 16 });
}

/**
 * What is asked of a <map> by its id in a page or component. Its places are the map's own.
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
  };
}

module.exports = { whereabouts, choosePlace, openPlace, mapOf };
