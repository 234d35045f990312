// Whether the user has agreed to the terms, on this phone.
"use strict";

const { load, save } = require("../platform/storage");

const KEPT = "consent";

/** Raised when the terms change: everybody is asked again. */
const VERSION = 1;

function given() {
  return load(KEPT) === VERSION;
}

function give() {
  save(KEPT, VERSION);
}

module.exports = { given, give, VERSION };
