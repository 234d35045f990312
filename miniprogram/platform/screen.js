// What pages do to the screen beside their own data: go elsewhere, say something, ask something.
"use strict";

const { common } = require("../strings");

/** Pages beyond this would not open: WeChat keeps ten. */
const DEEPEST = 9;

/** @param {string} url */
function open(url) {
  if (getCurrentPages().length >= DEEPEST) wx.redirectTo({ url });
  else wx.navigateTo({ url });
}

function replace(url) {
  wx.redirectTo({ url });
}

function openTab(url) {
  wx.switchTab({ url });
}

function restart(url) {
  wx.reLaunch({ url });
}

/** Back, or to the first tab for who came in by a link. */
function back() {
  if (getCurrentPages().length > 1) wx.navigateBack();
  else openTab("/pages/discover/discover");
}

function title(text) {
  wx.setNavigationBarTitle({ title: text });
}

/** A short word that vanishes. */
function say(text) {
  wx.showToast({ title: text, icon: "none", duration: 2200 });
}

/**
 * @param {{title: string, content?: string, confirm?: string, cancel?: string, dangerous?: boolean}} question
 * @returns {Promise<boolean>}
 */
function confirm({ title: asked, content = "", confirm: yes = common.ok, cancel = common.cancel, dangerous = false }) {
  return new Promise((resolve) => {
    wx.showModal({
      title: asked, content, confirmText: yes, cancelText: cancel, confirmColor: dangerous ? "#B42318" : "#0B6B57",
      success: ({ confirm: agreed }) => resolve(agreed),
      fail: () => resolve(false),
    }); // prettier-ignore
  });
}

/** Something to read and close. */
function tell(heading, content) {
  wx.showModal({ title: heading, content, showCancel: false, confirmText: common.gotIt, confirmColor: "#0B6B57" });
}

/**
 * @param {string[]} items
 * @param {string} [about]  what is to be known before one chooses
 * @returns {Promise<number>}  -1: none
 */
function choose(items, about = "") {
  return new Promise((resolve) => {
    wx.showActionSheet({ itemList: items, ...(about && { alertText: about }), success: ({ tapIndex }) => resolve(tapIndex), fail: () => resolve(-1) });
  });
}

/** The number at a tab: 0 takes it away, 99 is the most that fits. */
function badge(index, count) {
  if (count > 0) wx.setTabBarBadge({ index, text: count > 99 ? "99+" : String(count), fail() {} });
  else wx.removeTabBarBadge({ index, fail() {} });
}

/** The user does not want the app. */
function leave() {
  if (wx.exitMiniProgram) wx.exitMiniProgram({ fail() {} });
}

/** WeChat's own page of what the app declared to it. */
function openContract() {
  if (wx.openPrivacyContract) wx.openPrivacyContract({ fail() {} });
}

function copy(text) {
  wx.setClipboardData({ data: text });
}

/** A tap that is felt, for what matters. */
function buzz() {
  wx.vibrateShort({ type: "light", fail() {} });
}

/** What was pulled down is new now. */
function refreshed() {
  wx.stopPullDownRefresh();
}

/** @param {string} selector */
function scrollTo(selector) {
  wx.pageScrollTo({ selector, duration: 200, fail() {} });
}

function toTop() {
  wx.pageScrollTo({ scrollTop: 0, duration: 0, fail() {} });
}

function toEnd() {
  wx.pageScrollTo({ scrollTop: 1e7, duration: 0, fail() {} });
}

/** Where that was, it stays, below what has come above it. @param {string} selector */
function stayAt(selector) {
  wx.pageScrollTo({ selector, duration: 0, offsetTop: -120, fail() {} });
}

module.exports = {
  open, replace, openTab, restart, back, leave, openContract, title, say, confirm, tell, choose, badge, copy, buzz, refreshed, scrollTo, toTop, toEnd,
  stayAt,
};
