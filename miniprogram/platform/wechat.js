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
 * May we send the user one message of each of these templates? Must follow a tap, or a payment.
 * @param {string[]} templates  at most three
 * @returns {Promise<{[template: string]: "accept" | "reject" | "ban" | "filter"}>}  nothing when WeChat would not ask
 */
function askToNotify(templates) {
  return new Promise((resolve) => {
    wx.requestSubscribeMessage({
      tmplIds: templates,
      success: (answers) => resolve(Object.fromEntries(templates.filter((id) => answers[id]).map((id) => [id, answers[id]]))),
      fail: () => resolve({}),
    });
  });
}

/**
 * Whether WeChat asks at all, and what it does not ask again because the user said so.
 * @returns {Promise<{on: boolean, kept: {[template: string]: string}}>}
 */
function notifySettings() {
  return new Promise((resolve) => {
    wx.getSetting({
      withSubscriptions: true,
      success: ({ subscriptionsSetting: { mainSwitch = true, itemSettings = {} } = {} }) => resolve({ on: mainSwitch, kept: itemSettings }),
      fail: () => resolve({ on: true, kept: {} }),
    });
  });
}

/** WeChat's own page of what the user allows this app. Resolves once it is closed. */
function openNotifySettings() {
  return new Promise((resolve) => {
    wx.openSetting({ withSubscriptions: true, complete: () => resolve() });
  });
}

module.exports = { loginCode, pay, askToNotify, notifySettings, openNotifySettings };
