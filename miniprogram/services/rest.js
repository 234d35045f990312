// REST as the user who is logged in.
"use strict";

const { ask } = require("./http");
const session = require("./session");

/**
 * @param {import("./http").Question} question
 * @returns {Promise<any>} the answer's body, or a Refusal
 */
function rest(question) {
  return ask({ ...question, token: (how) => session.token(how) });
}

module.exports = { rest };
