// How far an order has come, and what its actions are to a person: which is the next step, which asks for what.
"use strict";

const STEPS = ["placed", "paid", "using", "returned", "done"];

/** Which step is under way in a state. */
const AT = {
  requested: 0, pending_payment: 1, expiring: 1, ready: 2, in_use: 3, returned: 4, claimed: 4, disputed: 4, completed: 5,
}; // prettier-ignore

/** Orders that have come to nothing. */
const FAILED = ["declined", "expired", "cancelled", "refunded"];

/** The one that is wanted most comes first; the others are behind "more". */
const FIRST = ["pay", "pay_extension", "approve", "start", "return", "accept", "concede"];

/** Those that are offered beside the first. */
const SECOND = ["decline", "claim", "contest", "extend", "evidence", "forgo"];

/** How an action is asked for: at once, after a question, or with a form. */
const FORMS = {
  pay: "now", pay_extension: "now", approve: "ask", accept: "ask", concede: "ask", forgo: "ask",
  start: "code", return: "code", cancel: "reason", decline: "reason", contest: "case", dispute: "case", evidence: "case",
  claim: "claim", extend: "extend",
}; // prettier-ignore

/**
 * @param {string} state
 * @param {object} labels  by step, and `ended` by state
 * @returns {Array<{code: string, label: string, state: "done" | "now" | "next" | "failed"}>}
 */
function timeline(state, labels) {
  if (FAILED.includes(state)) {
    return [
      { code: "placed", label: labels.placed, state: "done" },
      { code: state, label: labels.ended[state], state: "failed" },
    ];
  }
  return STEPS.map((code, index) => ({
    code,
    label: state === "claimed" || state === "disputed" ? (code === "done" ? labels.settling : labels[code]) : labels[code],
    state: index < AT[state] ? "done" : index === AT[state] ? "now" : "next",
  }));
}

/**
 * An order's actions, as buttons: one in front, at most one beside it, the others behind "more".
 * @param {string[]} actions  by the server
 */
function buttons(actions) {
  const known = actions.filter((action) => FORMS[action]);
  const first = FIRST.find((action) => known.includes(action)) || "";
  const second = SECOND.find((action) => known.includes(action)) || "";
  return { first, second, more: known.filter((action) => action !== first && action !== second) };
}

module.exports = { FAILED, FORMS, timeline, buttons };
