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
  states: { held: "已被预订", in_use: "使用中", off: "已下架" },
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
    rent_extension: "延长使用", minimum: "补足最低消费", deposit: "押金", other: "其他费用",
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

/** By state; where it differs, by the side that reads it. */
const order = {
  title: "订单详情",
  backText: "返回",
  refresh: "刷新",
  close: "关闭",
  made: "下单时间",
  piece: "份",
  states: {
    requested: ["等待物主确认", { buyer: "物主同意后你有 15 分钟付款，现在不会扣款", owner: "对方想租用你的物品，请尽快答复" }],
    pending_payment: ["等待付款", { buyer: "超时未付款，订单会自动关闭", owner: "对方付款后即可准备交接" }],
    expiring: ["正在关闭", { buyer: "正在与微信核对付款，若已付款订单会继续", owner: "正在与微信核对对方的付款" }],
    ready: ["等待交接", { buyer: "见面时把交接码出示给物主", owner: "见面时请对方出示交接码，输入后开始计时" }],
    in_use: ["使用中", { buyer: "归还时请物主出示交接码，输入后完成归还", owner: "对方归还时，把交接码出示给对方" }],
    returned: ["等待物主验收", { buyer: "物主验收后押金立即退回；48 小时未处理自动退回", owner: "请检查物品；没有问题就确认，有损坏可在 48 小时内申请扣款" }],
    claimed: ["物主申请扣除押金", { buyer: "请查看理由与凭证：同意则扣除，不同意由平台裁定；72 小时未答复转平台裁定", owner: "等待对方答复；72 小时未答复转平台裁定" }],
    disputed: ["平台处理中", { buyer: "平台会查看双方凭证后裁定，最迟 7 天", owner: "平台会查看双方凭证后裁定，最迟 7 天" }],
    completed: ["已完成", { buyer: "感谢使用，给对方一个评价吧", owner: "款项结算中，给对方一个评价吧" }],
    declined: ["物主没有同意", { buyer: "没有扣款，可以换个时间或看看别的", owner: "你没有同意这次租用" }],
    expired: ["已关闭", { buyer: "没有按时付款，时段已释放", owner: "对方没有按时付款，时段已释放" }],
    cancelled: ["已取消", { buyer: "款项按取消规则退回", owner: "订单已取消，时段已释放" }],
    refunded: ["已全额退款", { buyer: "全部款项已退回", owner: "平台裁定全额退款给对方" }],
  },
  /** What comes next, after a countdown or a date; where these differ, both. */
  dues: {
    start: ["后开始", "开始使用"], end: ["后需归还", "前归还"],
    forget: "后自动取消请求", expire: "后自动关闭", abandon: "后关闭", lapse: "后未交接将自动取消", settle: "后自动验收",
    escalate: "后转平台裁定", overdue: "后转平台处理", give_up: "后自动全额退款", extend_expire: "后延长失效", extend_abandon: "后关闭延长",
  }, // prettier-ignore
  steps: {
    placed: "下单", paid: "付款", using: "交接", returned: "归还", done: "验收", settling: "处理中",
    ended: { declined: "未同意", expired: "已关闭", cancelled: "已取消", refunded: "已退款" },
  }, // prettier-ignore
  actions: {
    pay: "去付款", cancel: "取消订单", approve: "同意", decline: "不同意", start: "输入交接码", return: "归还", accept: "确认无误",
    claim: "申请扣款", concede: "同意扣款", contest: "不同意", dispute: "申请平台介入", evidence: "补充凭证", extend: "延长使用",
    pay_extension: "支付延长费用", forgo: "放弃延长",
  }, // prettier-ignore
  doing: "正在处理…",
  sending: "等待网络恢复后发送…",
  more: "更多",
  chat: "联系对方",
  rate: "去评价",
  roles: { buyer: "我租的", owner: "我出租的" },
  codeTitle: { buyer: "把交接码出示给物主", owner: "把交接码出示给对方" },
  codeHint: { buyer: "物主输入后开始使用；见到物品前不要告诉任何人", owner: "对方输入后完成归还；收到物品前不要告诉任何人" },
  copy: "复制",
  copied: "已复制",
  period: "租用时间",
  address: "取还地点",
  addressLater: "付款后可见详细地址",
  number: "订单编号",
  price: "费用",
  reason: "说明",
  claim: "扣款申请",
  claimAmount: "申请扣除",
  late: (amount) => `超时费用 ${amount}，从押金中扣除`,
  lateNow: "已超过归还时间，超时按小时从押金中扣除",
  evidence: "双方凭证",
  by: { buyer: "租客", owner: "物主", operator: "平台" },
  extension: {
    title: "延长使用",
    state: { pending_payment: "等待付款", expiring: "正在关闭", paid: "已延长", expired: "未付款，已失效" },
    until: (text) => `延长到 ${text}`,
    pick: "新的归还时间",
    none: "之后已有其他预订，不能再延长",
    cost: "需补差价",
    submit: "确认延长",
    hint: "时间会立即为你占住，15 分钟内付款生效",
  },
  money: {
    title: "资金明细",
    paid: "买家支付",
    heldRent: "托管中的租金",
    heldDeposit: "托管中的押金",
    refunded: "已退回租客",
    owner: "物主所得",
    fee: "平台服务费",
    expected: "预计到手",
    refunds: "退款",
    status: { wanted: "准备退款", sent: "退款中", done: "已到账", stuck: "退款受阻，平台处理中" },
    reasons: { cancelled: "订单取消", deposit: "押金退回", refund: "退款" },
    failed: "资金明细暂时无法获取",
  },
  sheets: {
    start: { title: "输入对方的交接码", hint: "请对方打开订单，出示 6 位数字" },
    return: { title: "输入物主的交接码", hint: "请物主打开订单，出示 6 位数字" },
    photos: "归还照片（可选）",
    photosHint: "拍下物品现状，会发到聊天中，作为双方凭证",
    cancel: { title: "取消订单", placeholder: "可以说明原因（选填）" },
    decline: { title: "不同意这次租用", placeholder: "可以说明原因（选填）" },
    contest: { title: "不同意扣款", placeholder: "说明你的理由", hint: "平台会根据双方凭证裁定" },
    dispute: { title: "申请平台介入", placeholder: "说明发生了什么", hint: "介入后订单由平台裁定，双方都可以补充凭证" },
    evidence: { title: "补充凭证", placeholder: "补充说明", hint: "提交后不能修改或撤回，对方和平台可见" },
    claim: { title: "申请扣除押金", placeholder: "说明损坏情况", amount: "扣除金额（元）", most: (amount) => `最多 ${amount}`, hint: "对方可以同意或不同意，不同意由平台裁定" },
    submit: "提交",
    refundAll: "取消后全额退款",
    refundNothing: "尚未付款，取消不产生费用",
    refund: (back, kept) => `取消后退回 ${back}，按规则扣除 ${kept}`,
    ownerCancels: "取消后对方获得全额退款，你的成交率会受影响",
    badAmount: "请输入正确的金额",
    noText: "请填写说明",
    noEvidence: "请填写说明或上传照片",
    badCode: "请输入 6 位数字",
    uploading: "照片还在上传，请稍候",
  },
  ask: {
    approve: ["同意这次租用？", "对方将有 15 分钟付款，时段会为其保留"],
    accept: ["确认物品无误？", "押金会立即退回对方，租金结算给你，之后不能再申请扣款"],
    concede: ["同意扣款？", (amount) => `将从押金中扣除 ${amount}，其余退回给你`],
    forgo: ["放弃延长？", "已占的延长时间会释放"],
  },
  payConfirming: "付款已完成，正在确认…",
  payCancelled: "你取消了付款",
  payFailed: "付款没有成功，没有扣款，请再试一次",
};

const ratingStars = {
  none: "还没有评分",
  said: (stars) => `${stars} 星`,
};

const credit = {
  levels: { great: "信用极好", good: "信用优秀", fair: "信用良好", low: "信用一般", new: "新用户" },
  noRatings: "还没有人评价",
  count: (ratings) => `${ratings} 人评价`,
  theirs: "信用",
  sides: { buyer: "租客", owner: "物主" },
  noComment: "没有写文字评价",
  reasons: (ratings, stars) => [
    "每个人都从 4 星开始，相当于已有 5 人各给了 4 星，所以一两次评价不会让分数大起大落。",
    ratings ? `之后每笔完成的订单，对方在守时、物品状况和沟通三方面的评分都会计入。你已有 ${ratings} 次评价，现在是 ${stars} 星。` : "完成订单并互相评价后，对方在守时、物品状况和沟通三方面的评分就会计入。",
    "双方都评价之后，或 14 天到期后，评价才公开并计入信用；写下后不能修改。",
  ],
  waiver: (percent, level) => {
    if (percent === 100) return { tone: "note-brand", text: "你可以免交押金（物主开启了信用免押的物品）。" };
    if (percent > 0) return { tone: "note-brand", text: "你的押金可以减半（物主开启了信用免押的物品）。达到 4.7 星且有 12 次评价时全免。" };
    return { tone: "", text: level === "new" ? "达到 4.5 星且有 5 次评价时押金减半，4.7 星且有 12 次评价时全免。" : "再积累一些好评：4.5 星且有 5 次评价时押金减半，4.7 星且有 12 次评价时全免。" };
  },
};

const photos = {
  add: "添加照片",
  remove: "删除照片",
  retry: "重试",
  cover: "封面",
  progress: (done, all) => `正在上传，已完成 ${done}/${all}`,
  refused: {
    photo_type: "只支持 JPG、PNG 和 WebP 图片",
    photo_large: "图片不能超过 5 MB",
    picture_large: "证件照片不能超过 2 MB",
    photo_gone: "找不到这张图片了，请重新选择",
    photo_refused: "图片没有通过检查，请换一张",
    bad_image: "这张图片无法显示，请换一张",
    quota_spent: "今天上传的图片已达上限，请明天再试",
  },
};

const orders = {
  roles: [
    { id: "buyer", label: "我租的" },
    { id: "owner", label: "我出租的" },
  ],
  filters: [
    { id: "all", label: "全部" },
    { id: "todo", label: "待我处理" },
    { id: "active", label: "进行中" },
    { id: "over", label: "已结束" },
  ],
  empty: {
    buyer: { title: "还没有租过东西", hint: "看看附近的邻居在分享什么", action: "去发现" },
    owner: { title: "还没有人租你的东西", hint: "发布闲置物品，让它们为你赚点零花钱", action: "去发布" },
    todo: { title: "没有要处理的订单", hint: "需要你付款、交接或确认的订单会出现在这里", action: "" },
    active: { title: "没有进行中的订单", hint: "", action: "" },
    over: { title: "没有已结束的订单", hint: "", action: "" },
  },
  states: {
    requested: { label: "待物主确认", tone: "warn" },
    pending_payment: { label: "待付款", tone: "warn" },
    expiring: { label: "核对付款中", tone: "info" },
    ready: { label: "待交接", tone: "brand" },
    in_use: { label: "使用中", tone: "brand" },
    returned: { label: "待验收", tone: "info" },
    claimed: { label: "索赔待答复", tone: "danger" },
    disputed: { label: "平台处理中", tone: "danger" },
    completed: { label: "已完成", tone: "plain" },
    declined: { label: "未通过", tone: "plain" },
    expired: { label: "已超时", tone: "plain" },
    cancelled: { label: "已取消", tone: "plain" },
    refunded: { label: "已退款", tone: "plain" },
  },
  duties: { pay: "去付款", answer: "答复索赔", meet: "查看交接码", give_back: "去归还", decide: "去确认", inspect: "去验收", hand_over: "去交接" },
  until: (moment) => `${moment} 前`,
  seats: (seats) => `${seats} 份`,
  payout: "到手",
  rent: "租客支付",
  total: "合计",
  withDeposit: "合计（含押金）",
};

const messages = {
  tabs: [
    { id: "chats", label: "聊天" },
    { id: "notices", label: "通知" },
  ],
  icons: { order: "orders", payment: "wallet", rating: "star", ratings: "star", credit: "shield", notice: "bell", listing: "box" },
  silent: "还没有消息",
  subject: (kind, title, own) => (kind === "order" ? `订单 · ${title}` : own ? `咨询你的「${title}」` : `咨询 · ${title}`),
  line: (line, mine) => {
    const text = line.erased ? "[消息已清除]" : line.kind === "image" ? "[图片]" : line.text.replace(/\s+/g, " ");
    return mine ? `我：${text}` : text;
  },
};

const chat = {
  states: { sending: "发送中", sent: "已发送", read: "已读", failed: "", "": "" },
  failedHint: "未发出，点此处理",
  erased: "这条消息已被清除",
  notOpen: "它可能还没有建立好，或者你没有权限查看",
  typing: "对方正在输入…",
  here: "对方正在看这个对话",
  resend: "重新发送",
  discard: "删除这条",
  copy: "复制",
  gone: "已下架",
  aboutListing: "正在咨询这件物品",
  units: { hour: "/小时", day: "/天", week: "/周" },
};

const publish = {
  steps: [
    { title: "分享什么", hint: "说清楚是什么，别人才知道合不合用" },
    { title: "照片", hint: "最多 9 张，第一张是封面" },
    { title: "在哪里交接", hint: "选一个你方便的地方" },
    { title: "什么时候可以租", hint: "之后随时可以改" },
    { title: "价格与规则", hint: "租金归你，平台只在成交后收服务费" },
    { title: "看一遍再提交", hint: "点任何一项都可以修改" },
  ],
  faults: {
    category: "请选择类别", title: "标题至少 2 个字", attribute: "请选择", place: "请在地图上选择位置", days: "请至少选择一天",
    price: "租金至少填一项", amount: "请填写正确的金额，如 35 或 35.5",
  },
  incomplete: "还有必填项没有填好",
  waitForPhotos: "照片还在上传，请稍等",
  notDone: "没有提交成功",
  refused: {
    incomplete: "还有必填项没有填好，请检查后再提交",
    bad_attribute: "有一项细节不符合要求，请检查后再提交",
    duplicate: "你已经发布过同样的物品了，请到“我的发布”里修改",
    conflict: "现在不能提交，请到“我的发布”查看它的状态",
    not_found: "有照片没有上传成功，请删除后重新添加",
    illegal_transition: "它正在检查中，请到“我的发布”查看",
  },
  saved: "草稿已保存",
  savedHere: "草稿已保存在手机上",
  startOver: { title: "清空重新填写？", content: "已填写的内容会丢失。", confirm: "清空", dangerous: true },
  suggestion: (unit, low, high, n) => `附近 ${n} 件同类${{ hour: "每小时", day: "每天", week: "每周" }[unit]} ${low}–${high}`,
  use: (middle) => `用 ${middle}`,
  units: { hour: "/小时", day: "/天", week: "/周" },
  policies: [
    { id: "flexible", label: "宽松", hint: "开始前 1 小时以上取消，全额退款" },
    { id: "moderate", label: "适中", hint: "开始前 24 小时以上取消，全额退款" },
    { id: "strict", label: "严格", hint: "开始前较久取消才全额退款，越晚扣得越多" },
  ],
  bookings: [
    { id: "instant", label: "直接预订", hint: "付款即成交，更容易租出去" },
    { id: "request", label: "先由我确认", hint: "你同意后对方再付款，24 小时内答复" },
  ],
  notices: ["不限", "1 小时", "12 小时", "1 天", "2 天"],
  buffers: ["不需要", "30 分钟", "1 小时", "4 小时", "1 天"],
  rows: { what: "类别", place: "地点", times: "时间", price: "租金", deposit: "押金", rules: "规则" },
  ownPlan: "自定义时间",
  closedDays: (days) => `另有 ${days} 天不出租`,
  waives: "，信用好的人少付",
  noDeposit: "不收押金",
  results: {
    live: { icon: "check-circle", heading: "已上架", text: "附近的人现在就能看到它。" },
    review: { icon: "clock", heading: "已提交，正在检查", text: "通常几秒内完成；需要人工复核时会通知你。" },
    rejected: { icon: "alert", heading: "没有通过检查", text: "请到“我的发布”查看原因，修改后重新提交。" },
    paused: { icon: "check-circle", heading: "已保存", text: "物品仍在暂停中，可以在“我的发布”里恢复。" },
    draft: { icon: "edit", heading: "已保存为草稿", text: "可以随时继续填写。" },
    closed: { icon: "box", heading: "已下架", text: "" },
  },
};

const mine = {
  filters: [
    { id: "open", label: "出租中" },
    { id: "waiting", label: "草稿与审核" },
    { id: "closed", label: "已下架" },
  ],
  groups: { open: ["live", "paused"], waiting: ["draft", "review", "rejected"], closed: ["closed"] },
  empty: {
    open: { title: "还没有出租中的物品", hint: "家里闲置的工具、自行车、相机，都可以分享" },
    waiting: { title: "没有草稿", hint: "没填完的发布会保存在这里" },
    closed: { title: "没有下架的物品", hint: "" },
  },
  states: {
    live: { label: "出租中", tone: "brand" },
    paused: { label: "已暂停", tone: "warn" },
    draft: { label: "草稿", tone: "plain" },
    review: { label: "检查中", tone: "info" },
    rejected: { label: "未通过", tone: "danger" },
    closed: { label: "已下架", tone: "plain" },
  },
  notes: { review: "正在检查文字和图片，通过后自动上架。", paused: "暂停中：别人搜不到，也不能预订；已有的订单不受影响。" },
  pending: "修改的内容正在检查，通过后会替换现在的内容。",
  untitled: "还没有标题",
  unpriced: "还没有定价",
  numbers: (created, completed, rate, stars, views) => [
    ...(views === undefined || views === null ? [] : [{ label: "浏览", value: String(views) }]),
    { label: "订单", value: String(Math.max(created, completed)) },
    { label: "完成", value: String(completed) },
    { label: "成交率", value: created ? `${rate}%` : "—" },
    { label: "评分", value: stars },
  ],
  moves: {
    live: [{ what: "close", label: "下架", look: "ghost" }, { what: "pause", label: "暂停", look: "" }, { what: "edit", label: "修改", look: "soft" }],
    paused: [{ what: "close", label: "下架", look: "ghost" }, { what: "edit", label: "修改", look: "" }, { what: "resume", label: "恢复出租", look: "main" }],
    draft: [{ what: "close", label: "删除", look: "ghost" }, { what: "edit", label: "继续填写", look: "main" }],
    review: [{ what: "withdraw", label: "撤回修改", look: "" }],
    rejected: [{ what: "close", label: "删除", look: "ghost" }, { what: "edit", label: "修改后重新提交", look: "main" }],
    closed: [],
  },
  sure: {
    close: { title: "确定下架？", content: "下架后不能恢复，需要重新发布。已有的订单不受影响。", confirm: "下架", dangerous: true },
    withdraw: { title: "撤回到草稿？", content: "检查会停止，修改后可以重新提交。", confirm: "撤回" },
  },
  done: { pause: "已暂停", resume: "已恢复出租", close: "已下架", withdraw: "已撤回到草稿" },
  replaceDraft: { title: "替换没填完的草稿？", content: "发布页里有一份没填完的内容，继续会用这件物品替换它。", confirm: "替换" },
};

const me = {
  sections: [
    {
      id: "own",
      links: [
        { id: "mine", icon: "box", label: "我的发布", url: "/pages/mine/mine" },
        { id: "wallet", icon: "wallet", label: "收款账户与收入", url: "/pages/onboarding/onboarding" },
        { id: "credit", icon: "star", label: "信用与评价", url: "/pages/credit/credit" },
      ],
    },
    {
      id: "choices",
      links: [
        { id: "privacy", icon: "lock", label: "隐私与数据", url: "/pages/privacy/privacy" },
      ],
    },
  ],
  leave: { title: "退出登录？", content: "退出后不会收到这台设备上的提醒。", confirm: "退出" },
};

const rating = {
  aspects: [
    { id: "punctuality", label: "守时", hint: "按约定时间交接和归还" },
    { id: "condition", label: "物品状况", hint: "与描述相符、爱护物品" },
    { id: "communication", label: "沟通", hint: "回复及时、说得清楚" },
  ],
  grades: ["", "很差", "不太好", "一般", "不错", "非常好"],
  other: { buyer: "物主", owner: "租客" },
  tags: {
    buyer: ["物品和描述一致", "交接很顺利", "物主很热心", "还会再租"],
    owner: ["很爱护物品", "准时归还", "沟通顺畅", "欢迎再来"],
  },
  closes: (moment) => `${moment} 前可以评价`,
  waiting: (rated, moment) => (rated ? "对方已经评价，等你的评价后一起公开。" : `对方评价后一起公开；最晚 ${moment} 公开。`),
  early: "订单完成后才能评价；刚刚完成的订单请稍等几秒",
};

const settings = { saved: "已保存" };

const privacy = {
  parts: { me: "资料", credit: "信用", listings: "发布", orders: "订单", money: "账目", notices: "通知", chats: "聊天" },
  gathering: (part) => `正在整理${part}…`,
  file: "我的数据.json",
  notSaved: "没有保存成功，请再试一次",
  stillOpen: { title: "还有进行中的订单", text: (orders) => `你有 ${orders} 笔订单还没有结束。请先完成或取消它们，再注销账号。` },
  forget: { title: "注销账号？", content: "昵称、头像和微信身份会被删除，发布的物品会下架。", confirm: "继续", dangerous: true },
  forgetReally: { title: "真的要注销吗？", content: "注销后不能恢复。同一个微信再次登录会是新的账号。", confirm: "注销", dangerous: true },
  updated: (day) => `本说明自 ${day} 起生效。`,
  policy: [
    { title: "我们收集什么", text: "登录时：微信提供的用户标识，不含手机号。\n你填写的：昵称、头像、发布的内容、照片和交接地点。\n使用中产生的：订单、聊天、评价和账目。\n位置：仅在你查找附近物品时使用模糊位置，不在后台收集。" },
    { title: "怎么使用", text: "用来让附近的人找到你的物品、完成预订和交接、处理争议、计算信用。打开个性化排序时，会参考你看过和租过的东西调整搜索结果的顺序，可以随时关闭。" },
    { title: "谁能看到", text: "所有人：昵称、头像、发布的物品、信用和公开的评价；物品位置只显示 150–300 米内的大概范围。\n订单的另一方：付款后可见交接地址和聊天内容。\n微信支付：收款资料加密后直接交给微信支付审核，我们不保存。\n平台人员：只在处理争议时查看相关订单、聊天和证据。" },
    { title: "保存多久", text: "账号存在期间保存。聊天记录加密保存，发生争议时作为证据。注销后，你的昵称、头像和微信身份立即删除；订单和账目按法律要求的期限保留，但不再与你关联。" },
    { title: "你的权利", text: "随时查看和修改资料，导出全部数据，关闭个性化排序，注销账号。以上都可以在这个页面完成。" },
  ],
};

const consent = {
  points: [
    { icon: "pin", title: "位置", text: "用模糊位置查找附近的物品；不允许也能在地图上自己选。" },
    { icon: "user", title: "微信身份", text: "用来登录和付款，不获取手机号和通讯录。" },
    { icon: "chat", title: "聊天与订单", text: "加密保存，只有你和对方可见；发生争议时作为证据。" },
    { icon: "shield", title: "你的选择", text: "随时可以导出数据、关闭个性化排序或注销账号。" },
  ],
  refused: { title: "需要你的同意", content: "不同意就无法登录和使用。你可以再看看隐私说明，或退出小程序。", confirm: "再看看", cancel: "退出" },
};

const onboarding = {
  states: {
    none: { short: "未开通", icon: "wallet", tone: "", title: "还没有开通收款", text: "开通后，别人才能为你的物品付款。" },
    sending: { short: "提交中", icon: "clock", tone: "wait", title: "正在提交", text: "正在把资料交给微信支付。" },
    applied: { short: "审核中", icon: "clock", tone: "wait", title: "微信支付审核中", text: "通常 1–3 个工作日，有结果会通知你。" },
    finished: { short: "已开通", icon: "check-circle", tone: "good", title: "收款已开通", text: "订单完成后，租金会结算到你的银行卡。" },
    rejected: { short: "未通过", icon: "alert", tone: "bad", title: "没有通过审核", text: "请按说明修改后重新提交。" },
  },
  steps: [
    { title: "提交资料", text: "身份证和银行卡，大约 3 分钟。" },
    { title: "微信支付审核", text: "资料加密后直接交给微信支付，平台不保存。" },
    { title: "订单完成后到账", text: "租客的付款由微信支付托管，订单完成后结算给你。" },
  ],
  subjects: [
    { id: "micro", label: "小微商户（个人）", hint: "个人出租闲置物品选这个" },
    { id: "seller", label: "个人卖家", hint: "经营满 6 个月的个人" },
    { id: "sole_trader", label: "个体工商户", hint: "需要营业执照" },
    { id: "enterprise", label: "企业", hint: "需要营业执照" },
  ],
  faults: {
    name: "请填写完整姓名或名称", id: "身份证号码不正确", day: "请选择有效期的开始日期", until: "请选择有效期的结束日期", picture: "请上传清晰的照片",
    mobile: "手机号不正确", bank: "请填写开户银行", area: "请选择开户地区", account: "银行卡号不正确", shop: "店铺简称至少 2 个字", licence: "统一社会信用代码不正确",
  },
  incomplete: "还有内容需要填写或修改",
  refusedTitle: "没有提交成功",
  refused: "微信支付没有接受这些资料，请核对后再提交。",
  moves: { settled: "租金结算", released: "已打款", other: "其他" },
};

module.exports = {
  errors, reason, common, connection, state, categories, card, discover, policies, calendar, bill, listing, booking, order,
  ratingStars, credit, photos, orders, messages, chat, publish, mine, me, rating, settings, privacy, consent, onboarding,
}; // prettier-ignore
