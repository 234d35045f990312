// What only WeChat can do: say who the user is, take money, ask for permission to send a message.
"use strict";

/** A login code, good once. */
function loginCode() {
  return new Promise((resolve, reject) => {
    wx.login({ success: ({ code }) => resolve(code), fail: ({ errMsg }) => reject(new Error(errMsg)) });
  });
}

/**
 * WeChat's payment sheet.
 * @param {object} params  of the prepayment
 * @returns {Promise<"paid" | "cancelled" | "failed">}  "paid" is what the phone says; the order's state says whether it is true
 */
function pay(params) {
  return new Promise((resolve) => {
    wx.requestPayment({
      ...params,
      success: () => resolve("paid"),
      fail: ({ errMsg }) => resolve(/cancel/.test(errMsg || "") ? "cancelled" : "failed"),
    });
  });
}

/**
 * May we send the user one message of each of these templates? Must follow a tap.
 * @param {string[]} templates  at most three
 * @returns {Promise<string[]>}  those that were agreed to; none when WeChat would not ask
 */
function askToNotify(templates) {
  return new Promise((resolve) => {
    wx.requestSubscribeMessage({
      tmplIds: templates,
      success: (answers) => resolve(templates.filter((template) => answers[template] === "accept")),
      fail: () => resolve([]),
    });
  });
}

module.exports = { loginCode, pay, askToNotify };
