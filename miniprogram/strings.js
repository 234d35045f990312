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
  yes: "是",
  no: "否",
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

const card = {
  deposit: (amount) => `押金 ${amount}`,
  depositMayBeWaived: "信用可免押",
  noDeposit: "免押金",
  states: { held: "有人正在预订", in_use: "使用中", off: "已下架" },
  isNew: "新发布",
  cheaper: (percent) => `比附近低 ${percent}%`,
  liked: "好评",
};

const discover = {
  title: "发现",
  search: "搜索工具、自行车、场地、技能…",
  all: "全部",
  sorts: { match: "综合", distance: "距离最近", price: "价格最低", rating: "评分最高" },
  filter: "筛选",
  map: "地图",
  list: "列表",
  freshAfter: "件新发布，点此查看",
  loading: "正在加载更多…",
  retry: "重试",
  emptyTitle: "附近没有找到",
  emptyHint: "换个关键词、放宽筛选条件，或看看更远的地方",
  emptyAction: "清除条件",
  widen: "扩大范围再找",
  end: "已经到底了",
  far: "放大地图后显示实时状态",
  count: (count) => `${count} 件可租`,
  noneHere: "这片区域暂时没有，移动地图看看",
  here: "我的附近",
  noPlace: "没有获得位置，正在显示默认区域",
  sheet: {
    title: "筛选",
    price: "日租价格（元）",
    least: "最低",
    most: "最高",
    when: "可用时间",
    anyTime: "不限",
    day: "日期",
    from: "开始",
    length: "时长",
    lengths: [["1小时", 1], ["2小时", 2], ["4小时", 4], ["1天", 24], ["3天", 72], ["7天", 168]],
    radius: "范围",
    radii: [["2 km", 2000], ["5 km", 5000], ["10 km", 10000], ["30 km", 30000]],
    reset: "重置",
    done: "查看结果",
    badPrice: "请输入正确的价格，最低不能高于最高",
  },
};

const policies = {
  flexible: { name: "宽松取消", about: "开始前 1 小时可免费取消" },
  moderate: { name: "适中取消", about: "开始前 24 小时可免费取消" },
  strict: { name: "严格取消", about: "开始前 7 天可免费取消" },
};

const calendar = {
  weekdays: ["一", "二", "三", "四", "五", "六", "日"],
  month: (year, month) => `${year}年${month}月`,
  before: "上个月",
  after: "下个月",
  all: "空闲",
  part: "部分空闲",
  none: "已订满",
  start: "开始时间",
  end: "结束时间",
};

const bill = {
  lines: {
    rent_hour: "租金（按小时）", rent_day: "租金（按天）", rent_week: "租金（按周）",
    surcharge_hour: "高峰日加价", surcharge_day: "高峰日加价", surcharge_week: "高峰日加价",
    minimum: "补足最低消费", deposit: "押金", overtime: "延长费用", extension: "延长费用", other: "其他费用",
  }, // prettier-ignore
  units: { rent_hour: "小时", rent_day: "天", rent_week: "周", surcharge_hour: "小时", surcharge_day: "天" },
  back: "可退",
  total: "合计",
  saved: (amount) => `长租优惠已省 ${amount}`,
  waived: (amount) => `信用良好，免押 ${amount}`,
  before: (moment) => `${moment} 前`,
  later: "之后",
  always: "任何时候",
  kept: (amount) => `扣除 ${amount}`,
  free: "全额退款",
};

const listing = {
  title: "详情",
  back: "返回",
  goneHint: "它可能已被删除，或者链接不正确",
  cancelling: "取消规则",
  gone: "这件物品已下架",
  paused: "物主暂停了出租，恢复后会显示在这里",
  mine: "这是你发布的物品",
  seats: (count) => `共 ${count} 份`,
  depositIs: (amount) => `押金 ${amount}`,
  depositNone: "无需押金",
  depositWaived: "信用良好可免押",
  everyDay: "每天",
  details: "参数",
  total: "合计",
  seatsLabel: "数量",
  instant: "即时预订",
  request: "需物主确认",
  about: "物品介绍",
  noAbout: "物主还没有填写介绍",
  owner: "物主",
  deal: (percent) => `成交率 ${percent}%`,
  done: (count) => `完成 ${count} 单`,
  ratings: (count) => `${count} 条评价`,
  newOwner: "新物主，还没有评价",
  rules: "租用规则",
  place: "取还地点",
  placeBlurred: "地图显示大致范围，付款后可见详细地址",
  calendar: "选择时间",
  calendarHint: "点选日期，再选择开始和结束时间；跨天请再点结束日",
  price: "价格明细",
  priceHint: "选择时间后显示完整价格，下单前不收取任何费用",
  chosen: (period, length) => `${period} · 共 ${length}`,
  heldByOther: (period) => `有人正在预订 ${period}`,
  heldYours: "有人正在预订你选的时段，可能很快被订走",
  ask: "聊一聊",
  book: "预订",
  pickFirst: "请先选择时间",
  edit: "管理",
  busyAt: {
    past: "开始时间已过，请重新选择",
    soon: "离开始太近了，请选更晚的时间",
    far: "太远的日期还不能预订",
    short: "时间太短，请延长一些",
    long: "时间太长，请缩短一些",
    closed: "这个时段物主不开放",
    taken: "这个时段刚刚被订走了，请重新选择",
    seats: "没有这么多份",
    paused: "物主暂停了出租",
  },
  facts: {
    shortest: (length) => `最短租 ${length}`,
    longest: (length) => `最长租 ${length}`,
    notice: (length) => `需提前 ${length} 预订`,
    minimum: (amount) => `最低消费 ${amount}`,
    surcharge: (days, percent) => `${days}加价 ${percent}%`,
    late: "超时归还按小时计费，从押金中扣除",
  },
};

const booking = {
  title: "确认预订",
  holding: "已为你保留此时段，剩余 ",
  holdingHint: "保留期间，其他人会看到有人正在预订",
  heldBefore: "其他人正在预订此时段，",
  heldAfter: " 后可能释放；你也可以直接下单，先下单者得",
  retryText: "重试",
  price: "价格明细",
  lengthOf: "共",
  piece: "份",
  payWord: "支付",
  submitWord: "提交并支付",
  spent: "保留时间已用完。时段仍可能空闲，你可以直接下单",
  noHold: "暂时无法保留时段，不影响下单",
  period: "租用时间",
  deposit: "关于押金",
  depositHow: "押金由微信支付托管，归还并确认无误后原路退回；如有损坏，物主须提出凭证，由你确认或平台裁定后才会扣除。",
  depositLate: (amount) => `超时归还每小时 ${amount}，从押金中扣除，超时 15 分钟内免费。`,
  noDeposit: "这次预订不需要押金。",
  cancelling: "取消规则",
  escrow: "款项由平台托管，使用结束后才结算给物主",
  request: "发送预订请求",
  requestHint: "物主同意后你有 15 分钟付款，现在不会扣款",
  submitting: "正在提交…",
  changedTitle: "价格有变动",
  changed: (before, after) => `物主刚刚调整了规则：${before} → ${after}，请确认后再提交`,
  changedSame: "物主刚刚调整了出租规则，价格没有变化，请确认后再提交",
  taken: "这个时段刚刚被别人订走了，没有扣款",
  chooseAgain: "重新选择时间",
  payTitle: "订单已生成，等待付款",
  payLeft: "请在 ",
  payLeftAfter: " 内付款",
  cancelled: "你取消了付款，订单仍为你保留",
  failed: "付款没有成功，没有扣款，请再试一次",
  confirming: "付款已完成，正在确认…",
  toOrder: "查看订单",
  ended: "订单已关闭，时段已释放，没有扣款",
  missing: "缺少预订信息，请从物品页重新进入",
};

module.exports = {
  errors, reason, common, connection, state, categories, card, discover, policies, calendar, bill, listing, booking,
};
