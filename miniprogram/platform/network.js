// Whether the phone has a network.
"use strict";

/**
 * @param {(connected: boolean) => void} told  on each change, of the kind of network too
 */
function onChange(told) {
  wx.onNetworkStatusChange(({ isConnected }) => told(isConnected));
}

module.exports = { onChange };
