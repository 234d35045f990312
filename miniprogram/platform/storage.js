// What the phone keeps between launches. A full or broken storage costs comfort, never the app.
"use strict";

/**
 * @param {string} name
 * @returns {any} null when there is nothing
 */
function load(name) {
  try {
    const value = wx.getStorageSync(name);
    return value === "" || value === undefined ? null : value;
  } catch (error) {
    return null;
  }
}

/** @returns {boolean} whether it is kept */
function save(name, value) {
  try {
    wx.setStorageSync(name, value);
    return true;
  } catch (error) {
    return false;
  }
}

function drop(name) {
  try {
    wx.removeStorageSync(name);
  } catch (error) {
    save(name, "");
  }
}

module.exports = { load, save, drop };
