"""Letters: what is told by WeChat's subscribe messages to who is not looking. Only what somebody waits for, or must act on.

A template has fields of WeChat's kinds, each with a longest value: a `thing` has 20 characters, a `phrase` 5 of Chinese, an `amount`
10 digits and its sign, a `time` is 2026年1月31日 15:30. Source: developers.weixin.qq.com, 订阅消息参数值内容限制说明.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone

from market.kernel.facts import EXTENSION_MOVED, OrderMoved
from market.kernel.ids import Id
from market.kernel.money import yuan
from market.kernel.period import DAY_MS, HOUR_MS, MINUTE_MS
from market.notices.rules import wording
from market.notices.rules.wording import Role

THING_CHARACTERS = 20
FIELDS: dict[str, tuple[str, ...]] = {
    "booking": ("thing", "time", "phrase", "thing"),
    "progress": ("thing", "phrase", "thing"),
    "reminder": ("thing", "time", "thing"),
    "money": ("amount", "phrase", "thing"),
    "chat": ("thing", "thing", "time"),
}
"""Kind of letter -> the kinds of its template's fields, in the order of `Letter.values`."""

ORDER_PAGE = "deal/order/order?id={id}&role={role}"
CHAT_PAGE = "deal/chat/chat?id={id}"

MOST_REMAINING = 50
"""More than anybody needs; whoever allows always, allows again with each order."""

GRACE_MS = 2_000
WAITS_MS = (3_000, 5_000, 5_000, 15_000, 60_000)
"""Who has the app open sees the notice there: looked at again so often, and left alone then."""

CHAT_PAUSE_MS = 30 * MINUTE_MS
"""At most one letter of a conversation in this time."""

LINE_MS, NEWS_MS = 2 * HOUR_MS, DAY_MS
"""How long a letter of a chat line, and any other, is worth sending."""

LEAD_MS = HOUR_MS
FIRST_PAUSE_MS, LONGEST_PAUSE_MS = 2_000, 5 * MINUTE_MS

_BEIJING = timezone(timedelta(hours=8))


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """Before it is on its way. `about`: what it is about, for the pause between two of them. `until_ms` 0: as long as news is."""

    kind: str
    values: tuple[str, ...]
    page: str
    about: str
    until_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """`remaining`: how many letters of the kind the user still allows, as far as we know; WeChat counts for itself."""

    kind: str
    remaining: int = 0
    wanted: bool = True
    declined_ms: int = 0
    """When the user last said no; 0: never, or has said yes since."""

    @property
    def good(self) -> bool:
        return self.wanted and self.remaining > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    """What both parties of an order are told before its use begins (order.starting) or ends (order.ending)."""

    order_id: Id
    kind: str
    due_ms: int
    buyer_id: Id
    owner_id: Id
    title: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionView:
    """One kind of letters: what it is for, its template at WeChat, how many more the user allows, and whether they are wanted."""

    kind: str
    title: str
    purpose: str
    template_id: str
    remaining: int
    wanted: bool
    declined_ms: int


def view(permit: Permit, template_id: str) -> SubscriptionView:
    title, purpose = wording.LETTERS[permit.kind]
    return SubscriptionView(
        kind=permit.kind, title=title, purpose=purpose, template_id=template_id, remaining=permit.remaining,
        wanted=permit.wanted, declined_ms=permit.declined_ms,
    )  # fmt: skip


def answered(permit: Permit, answer: str, now_ms: int) -> Permit:
    """What the user has said to WeChat: a yes is good for one letter, and takes back an earlier no. `filter`: was not asked."""
    match answer:
        case "accept":
            remaining = min(MOST_REMAINING, permit.remaining + 1)
            return replace(permit, remaining=remaining, wanted=True, declined_ms=0)
        case "reject" | "ban":
            return replace(permit, declined_ms=now_ms)
        case _:
            return permit


def spent(permit: Permit) -> Permit:
    return replace(permit, remaining=permit.remaining - 1)


def given_back(permit: Permit) -> Permit:
    return replace(permit, remaining=min(MOST_REMAINING, permit.remaining + 1))


def none_left(permit: Permit) -> Permit:
    return replace(permit, remaining=0)


def of_order(order: OrderMoved, kind: str, role: Role) -> Letter | None:
    """For who did not do it, and has to know."""
    words = wording.ORDER_LETTER.get((order.state, role))
    if words is None or role == order.by or kind == EXTENSION_MOVED:
        return None
    letter_kind, phrase, note = words
    note = note.format(pay_by=wording.WHEN.format(at=_local(order.pay_by_ms)))
    item = thing(order.title)
    values: tuple[str, ...] = (item, phrase, note)
    if letter_kind == "booking":
        values = (item, stamp(order.start_ms), phrase, note)
    until_ms = order.pay_by_ms if order.state == "pending_payment" else 0
    return _about_order(letter_kind, values, order.order_id, role, until_ms)


def of_money(order_id: Id, role: Role, amount_fen: int) -> Letter:
    phrase, note = wording.MONEY_LETTER[role]
    return _about_order("money", (f"{yuan(amount_fen)}元", phrase, note), order_id, role)  # fmt: skip


def of_reminder(reminder: Reminder, role: Role) -> Letter:
    starting = reminder.kind == "order.starting"
    at_ms = reminder.start_ms if starting else reminder.end_ms
    values = (thing(reminder.title), stamp(at_ms), wording.REMINDER_LETTER[reminder.kind, role])
    return _about_order("reminder", values, reminder.order_id, role, at_ms)


def of_line(conversation_id: Id, nickname: str, at_ms: int) -> Letter:
    """That there is a line, and whose; what it says stays in the chat."""
    sender = thing(nickname or wording.SOMEBODY)
    return Letter(
        kind="chat", values=(sender, wording.LINE_LETTER, stamp(at_ms)), page=CHAT_PAGE.format(id=conversation_id),
        about=f"chat:{conversation_id}", until_ms=at_ms + LINE_MS,
    )  # fmt: skip


def _about_order(
    kind: str, values: tuple[str, ...], order_id: Id, role: Role, until_ms: int = 0
) -> Letter:
    return Letter(
        kind=kind, values=values, page=ORDER_PAGE.format(id=order_id, role=role), about=f"order:{order_id}",
        until_ms=until_ms,
    )  # fmt: skip


def reminder_of(order: OrderMoved, at_ms: int) -> Reminder | None:
    """The next one, as of this move: an hour before, or a quarter of the time where that is shorter. None: nothing lies ahead."""
    match order.state:
        case "ready":
            kind, due_ms = "order.starting", order.start_ms - LEAD_MS
        case "in_use":
            lead_ms = min(LEAD_MS, (order.end_ms - order.start_ms) // 4)
            kind, due_ms = "order.ending", order.end_ms - lead_ms
        case _:
            return None
    if due_ms <= at_ms:
        return None
    return Reminder(
        order_id=order.order_id, kind=kind, due_ms=due_ms, buyer_id=order.buyer_id, owner_id=order.owner_id,
        title=order.title, start_ms=order.start_ms, end_ms=order.end_ms,
    )  # fmt: skip


def pause_ms(attempts: int) -> int:
    """After so many failed ones."""
    return min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS << min(attempts, 20))


def data(names: Sequence[str], values: Sequence[str]) -> dict[str, dict[str, str]]:
    """As WeChat takes it."""
    return {name: {"value": value} for name, value in zip(names, values, strict=True)}


def thing(text: str) -> str:
    """On one line, and as long as WeChat takes it, counted in UTF-16 as it may count."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split()) or "-"
    if _units(line) <= THING_CHARACTERS:
        return line
    while _units(line) > THING_CHARACTERS - 1:
        line = line[:-1]
    return f"{line}…"


def stamp(at_ms: int) -> str:
    at = _local(at_ms)
    return f"{at.year}年{at.month}月{at.day}日 {at.hour:02d}:{at.minute:02d}"


def _units(text: str) -> int:
    return len(text) + sum(character > "\uffff" for character in text)


def _local(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms // 1000, UTC).astimezone(_BEIJING)
