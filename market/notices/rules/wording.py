"""Every sentence that a user is told, in one place.

Templates know: {title} of the listing; {total} {rent} {deposit} {amount} in yuan; {start} {end} {pay_by} in Beijing time,
as WHEN writes them; {stars}; {note}, why something was rejected. Letters are WeChat's subscribe messages.
"""

from __future__ import annotations

from typing import Literal

Role = Literal["buyer", "owner"]

WHEN = "{at.month}月{at.day}日 {at:%H:%M}"

ORDER: dict[tuple[str, Role], tuple[str, str]] = {
    ("requested", "buyer"): ("预订申请已提交", "「{title}」（{start} 至 {end}）的申请已发给对方，请等待确认。"),
    ("requested", "owner"): ("有新的预订申请", "有人申请预订「{title}」（{start} 至 {end}），请尽快确认或婉拒。"),
    ("declined", "buyer"): ("申请未通过", "对方婉拒了「{title}」的预订申请，你无需付款。"),
    ("declined", "owner"): ("已婉拒申请", "你已婉拒「{title}」的预订申请，时段已重新开放。"),
    ("pending_payment", "buyer"): ("订单待支付", "「{title}」已为你留好，请在 {pay_by} 前支付 {total} 元。"),
    ("pending_payment", "owner"): ("有新订单", "有人预订了「{title}」（{start} 至 {end}），正在等待对方支付。"),
    ("expiring", "buyer"): ("支付时间已到", "「{title}」的支付时间已到，正在核对是否已付款。"),
    ("expiring", "owner"): ("支付时间已到", "「{title}」的支付时间已到，正在核对对方是否已付款。"),
    ("ready", "buyer"): ("支付成功", "「{title}」预订成功，请于 {start} 按约定交接。"),
    ("ready", "owner"): ("订单已支付", "「{title}」的订单已支付 {total} 元，由平台托管。请于 {start} 按约定交接。"),
    ("in_use", "buyer"): ("开始使用", "「{title}」已交接，请在 {end} 前归还。"),
    ("in_use", "owner"): ("已交接", "「{title}」已交给对方使用，预计 {end} 归还。"),
    ("returned", "buyer"): ("已归还", "「{title}」已归还，等待对方验收。"),
    ("returned", "owner"): ("请验收", "「{title}」已归还，请检查并确认验收。"),
    ("completed", "buyer"): ("订单已完成", "「{title}」的订单已完成，欢迎评价对方。"),
    ("completed", "owner"): ("订单已完成", "「{title}」的订单已完成，租金将结算给你，欢迎评价对方。"),
    ("claimed", "buyer"): ("对方提出赔偿", "「{title}」归还后对方要求从押金中赔偿，请在 72 小时内同意或提出异议。"),
    ("claimed", "owner"): ("已提出赔偿", "你对「{title}」提出的赔偿已发给对方，72 小时内未答复将由平台处理。"),
    ("expired", "buyer"): ("订单已超时", "「{title}」的订单已超时，已自动关闭。"),
    ("expired", "owner"): ("订单已超时", "「{title}」的订单已超时，时段已重新开放。"),
    ("cancelled", "buyer"): ("订单已取消", "「{title}」的订单已取消，应退的款项将原路退回。"),
    ("cancelled", "owner"): ("订单已取消", "「{title}」的订单已取消，时段已重新开放。"),
    ("disputed", "buyer"): ("订单有争议", "「{title}」的订单进入争议处理，平台会查看双方的说明。"),
    ("disputed", "owner"): ("订单有争议", "「{title}」的订单进入争议处理，平台会查看双方的说明。"),
    ("refunded", "buyer"): ("争议已处理", "「{title}」的订单已全额退款，款项将原路退回。"),
    ("refunded", "owner"): ("争议已处理", "「{title}」的订单已全额退款给对方。"),
}  # fmt: skip
"""(state of the order, role) -> (title, body). Every state has a sentence for both roles, which a test makes sure of."""

_LONGER = {
    "buyer": ("续期成功", "「{title}」可以使用到 {end}，请在此之前归还。"),
    "owner": ("对方已续期", "「{title}」的使用时间延长到 {end}，续期租金由平台托管。"),
}
_NOT_LONGER = ("续期未成功", "「{title}」的续期没有付款，仍请在 {end} 前归还。")
EXTENSION: dict[tuple[str, Role], tuple[str, str]] = {
    ("extend_pay", "buyer"): _LONGER["buyer"],
    ("extend_pay", "owner"): _LONGER["owner"],
    ("extend_free", "buyer"): _LONGER["buyer"],
    ("extend_free", "owner"): _LONGER["owner"],
    ("extend_close", "buyer"): _NOT_LONGER,
    ("extend_abandon", "buyer"): _NOT_LONGER,
}
"""(step of an order's extension, role) -> (title, body), of those that are told."""

REVIEWED = {
    "approved": ("发布已通过审核", "「{title}」已通过审核，大家现在可以看到了。"),
    "rejected": ("发布未通过审核", "「{title}」未通过审核：{note}。请修改后重新提交。"),
}
EVIDENCE_ADDED = ("对方补充了证据", "对方在争议中补充了说明或照片，请查看。")
REFUNDED = ("退款到账", "{amount} 元已原路退回你的微信账户。")
SETTLED = ("收入到账", "{amount} 元已结算到你的余额。")
ONBOARDING = {
    "needed": (
        "请完成收款设置",
        "有人要为你的订单付款，但你还没有开通收款。请先在「我的 - 收款账户与收入」中提交资料。",
    ),
    "finished": ("收款已开通", "你的收款资料已通过微信支付审核，订单款项将结算到你的账户。"),
    "rejected": ("收款资料未通过", "微信支付没有通过你的收款资料：{reason}。请修改后重新提交。"),
}
RATING_GIVEN = ("收到评价", "对方已评价，互评后可见")
RATINGS_REVEALED = ("评价已公开", "双方的评价现在可以查看了。")
CREDIT_CHANGED = ("信用分已更新", "你的信用评分现在是 {stars} 星。")
CHAT = ("新消息", "你有新的聊天消息。")

REMINDERS: dict[tuple[str, Role], tuple[str, str]] = {
    ("order.starting", "buyer"): ("即将开始使用", "「{title}」将于 {start} 开始使用，请按约定交接。"),
    ("order.starting", "owner"): ("即将交接", "「{title}」将于 {start} 交给对方使用，请提前准备。"),
    ("order.ending", "buyer"): ("即将到期", "「{title}」将于 {end} 到期，请按时归还，或提前续期。"),
    ("order.ending", "owner"): ("即将归还", "「{title}」将于 {end} 归还，请留意交接。"),
}  # fmt: skip

LETTERS = {
    "booking": ("新预订提醒", "有人申请预订、付款时提醒"),
    "progress": ("订单进度提醒", "对方同意、婉拒、取消、归还或要求赔偿时提醒"),
    "reminder": ("租期提醒", "快要交接、快要到期时提醒"),
    "money": ("到账提醒", "退款、收入到账时提醒"),
    "chat": ("新消息提醒", "不在小程序里时，有人发来消息会提醒"),
}
"""Kind of letter -> (its title, what it is for)."""

ORDER_LETTER: dict[tuple[str, Role], tuple[str, str, str]] = {
    ("requested", "owner"): ("booking", "待确认", "有人申请预订，请尽快确认"),
    ("ready", "owner"): ("booking", "已支付", "租金由平台托管，请按时交接"),
    ("pending_payment", "buyer"): ("progress", "待支付", "请在{pay_by}前支付"),
    ("declined", "buyer"): ("progress", "未通过", "对方婉拒了申请，你无需付款"),
    ("returned", "owner"): ("progress", "待验收", "已归还，请检查并确认验收"),
    ("claimed", "buyer"): ("progress", "待答复", "对方要求赔偿，请在72小时内答复"),
    ("disputed", "buyer"): ("progress", "处理中", "订单有争议，请查看并补充说明"),
    ("disputed", "owner"): ("progress", "处理中", "订单有争议，请查看并补充说明"),
    ("expired", "buyer"): ("progress", "已超时", "订单已超时，已自动关闭"),
    ("cancelled", "buyer"): ("progress", "已取消", "应退的款项将原路退回"),
    ("cancelled", "owner"): ("progress", "已取消", "时段已重新开放"),
}  # fmt: skip
"""(state of the order, role) -> (kind of letter, phrase, note), of those that are told by letter. A note has 20 characters."""

MONEY_LETTER: dict[Role, tuple[str, str]] = {
    "buyer": ("已退款", "已原路退回你的微信账户"),
    "owner": ("已结算", "已结算到你的余额"),
}
REMINDER_LETTER: dict[tuple[str, Role], str] = {
    ("order.starting", "buyer"): "即将开始使用，请按约定交接",
    ("order.starting", "owner"): "即将交给对方，请提前准备",
    ("order.ending", "buyer"): "即将到期，请按时归还或续期",
    ("order.ending", "owner"): "即将归还，请留意交接",
}
LINE_LETTER = "给你发来一条新消息"
SOMEBODY = "对方"
