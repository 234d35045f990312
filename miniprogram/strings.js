// Every word that people read and that does not come from the server. One section per page or component.
"use strict";

const time = require("./lib/time");
const { price } = require("./lib/money");

/** By the stable code of a refusal. A function is given the refusal's data. */
const errors = {
  network: "网络不太好，请稍后再试",
  timeout: "网络不太好，这次没有成功，请稍后再试",
  unavailable: "服务繁忙，请稍后再试",
  busy: "服务繁忙，请稍后再试",
  rate_limited: "操作太频繁了，请稍等片刻",
  internal: "服务器出了点问题，我们已经收到报告",
  payment_provider: "微信支付暂时没有响应，请稍后再试",
  invalid: "填写的内容有误，请检查后再试",
  too_large: "内容太大了，请精简后再试",
  unknown_command: "当前版本过旧，请更新小程序",
  unknown_topic: "当前版本过旧，请更新小程序",
  key_required: "当前版本过旧，请更新小程序",
  key_reused: "请返回后重新操作一次",
  unauthenticated: "登录已失效，请重新登录",
  token_expired: "登录已失效，请重新登录",
  session_revoked: "账号已在别处退出，请重新登录",
  bad_login_code: "微信登录没有成功，请再试一次",
  bad_signature: "链接已失效，请重新打开",
  forbidden: "你没有权限进行此操作",
  not_found: "内容不存在，或已不可见",
  conflict: "状态刚刚发生了变化，请查看后再试",
  version_conflict: "内容刚刚更新过，请查看后再试",
  illegal_transition: "订单状态刚刚发生了变化，请按最新状态操作",
  slot_taken: "这个时段刚刚被别人订走了，换个时间吧",
  held: ({ until_ms: untilMs }, nowMs) =>
    untilMs ? `有人正在预订这个时段，${time.left(untilMs - nowMs)} 后可能释放` : "有人正在预订这个时段，请稍后再试",
  hold_spent: "保留时间已用完，请直接下单或换个时段",
  not_bookable: "这个时段暂时不能预订",
  owner_not_onboarded: "物主还没有开通收款，已经通知对方，请稍后再来",
  stale_quote: "物主刚刚调整了价格或规则，请确认新的价格",
  not_yet: "信息还在同步，请稍等几秒再试",
  wrong_code: "交接码不正确，请向对方核对",
  too_much: ({ limit_fen: limit }) => (limit === undefined ? "超出了上限" : `最多可填 ${price(limit)}`),
  already_done: "已经完成过了，无需重复操作",
  too_many_topics: "打开的内容太多了，请返回几页再试",
  too_many_unpaid: "你有多笔订单待付款或待确认，请先处理它们",
  too_many_connections: "账号在太多设备上打开，请关闭其中一些",
  outbox_full: "待发送的操作太多，请等网络恢复",
  bad_frame: "当前版本过旧，请更新小程序",
  refused: "暂时无法连接，请稍后再试",
  closed: "连接已断开，请重新登录后再试",
  ended: "你已退出登录",
  logged_out: "你已退出登录",
  unknown: "没有成功，请稍后再试",
};

/**
 * Why something was refused, for people.
 * @param {{code?: string, data?: object}} refusal
 * @param {number} [nowMs]  by the server's clock
 */
function reason(refusal, nowMs = Date.now()) {
  const text = errors[refusal && refusal.code] || errors.unknown;
  return typeof text === "function" ? text(refusal.data || {}, nowMs) : text;
}

const common = {
  name: "邻里共享",
  ok: "确定",
  cancel: "取消",
  retry: "重试",
  back: "返回",
  close: "关闭",
  save: "保存",
  gotIt: "知道了",
  loading: "加载中",
  someone: "微信用户",
};

const connection = {
  connecting: "正在连接…",
  offline: "网络已断开，操作会在恢复后自动发送",
  ended: (why) => `${errors[why] || errors.closed} · 点此重新连接`,
};

const state = {
  emptyTitle: "这里还没有内容",
  errorTitle: "加载失败",
  notFoundTitle: "内容不存在",
  notFoundHint: "它可能已被删除，或者你没有权限查看",
};

const categories = {
  tools: "工具",
  bicycles: "自行车",
  spaces: "场地空间",
  skills: "技能服务",
  cameras: "摄影器材",
  outdoor: "户外装备",
  books: "图书",
  other: "其他",
};

module.exports = { errors, reason, common, connection, state, categories };
