// Which servers this build talks to.
"use strict";

const KINDS = require("../config");

function read() {
  const kind = wx.getAccountInfoSync().miniProgram.envVersion || "develop";
  const host = wx.getExtConfigSync ? wx.getExtConfigSync() : {};
  return { ...(KINDS[kind] || KINDS.release), ...(host && host.sharehub) };
}

/** @type {{api: string, hubs: string[]}} */
module.exports = read();
