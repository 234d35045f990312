"""From facts to notices: who is told what."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

from market.kernel.errors import BadInput
from market.kernel.facts import (
    EXTENSION_MOVED,
    CreditChanged,
    EvidenceAdded,
    FactData,
    ListingReviewed,
    MessageSent,
    OrderMoved,
    OwnerOnboarding,
    PaymentRefunded,
    PaymentSettled,
    RatingGiven,
    RatingsRevealed,
)
from market.kernel.ids import Id
from market.kernel.money import yuan
from market.kernel.period import MINUTE_MS
from market.notices.rules import letters, wording
from market.notices.rules.letters import Letter, Reminder
from market.notices.rules.wording import Role

BEIJING = timezone(timedelta(hours=8))
TITLE_CHARACTERS = 40
CHAT_KIND = "chat.message"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Where a notice leads: at most one is set."""

    order_id: Id | None = None
    conversation_id: Id | None = None
    listing_id: Id | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A notice before it has a number. `chat_seq`: the chat line it stands for. `letter`: what WeChat tells, if it is to."""

    user_id: Id
    kind: str
    title: str
    body: str
    link: Link = Link()
    chat_seq: int = 0
    letter: Letter | None = None


def drafts(kind: str, data: FactData) -> list[Draft]:
    """Whom to tell of a fact, and what; by user id, so that inboxes are always locked in one order."""
    return sorted(_drafts(kind, data), key=lambda draft: draft.user_id)


def published(
    user_ids: Iterable[Id], category: str, title: str, body: str, link: Link
) -> list[Draft]:
    """What operators and other systems say. Its kinds are its own: nobody outside can forge an order's notice, or a read mark."""
    if sum(id_ is not None for id_ in (link.order_id, link.conversation_id, link.listing_id)) > 1:
        raise BadInput("a notice leads to one thing at most")
    kind = f"notice.{category}"
    return [
        Draft(user_id=user_id, kind=kind, title=title, body=body, link=link)
        for user_id in sorted(set(user_ids))
    ]


def _drafts(kind: str, data: FactData) -> list[Draft]:
    match data:
        case OrderMoved():
            parties: dict[Role, Id] = {"buyer": data.buyer_id, "owner": data.owner_id}
            return [
                _draft(
                    user_id,
                    kind,
                    _order_words(kind, data, role),
                    Link(order_id=data.order_id),
                    data,
                    letters.of_order(data, kind, role),
                )
                for role, user_id in parties.items()
                if role in data.tells
            ]
        case ListingReviewed():
            title, body = wording.REVIEWED[data.verdict]
            body = body.format(title=_short(data.title), note=data.note)
            link = Link(listing_id=data.listing_id)
            return [Draft(user_id=data.owner_id, kind=kind, title=title, body=body, link=link)]
        case EvidenceAdded():
            other = data.owner_id if data.by == "buyer" else data.buyer_id
            return [_draft(other, kind, wording.EVIDENCE_ADDED, Link(order_id=data.order_id))]
        case PaymentRefunded():
            return [_money(data.buyer_id, kind, "buyer", data.order_id, data.amount_fen)]
        case PaymentSettled():
            return [_money(data.owner_id, kind, "owner", data.order_id, data.owner_fen)]
        case OwnerOnboarding():
            title, body = wording.ONBOARDING[data.state]
            link = Link(order_id=data.order_id) if data.order_id else Link()
            body = body.format(reason=data.reason)
            return [Draft(user_id=data.owner_id, kind=kind, title=title, body=body, link=link)]
        case RatingGiven():
            return [_draft(data.ratee_id, kind, wording.RATING_GIVEN, Link(order_id=data.order_id))]
        case RatingsRevealed():
            return [
                _draft(user_id, kind, wording.RATINGS_REVEALED, Link(order_id=data.order_id))
                for user_id in (data.buyer_id, data.owner_id)
            ]
        case CreditChanged():
            title, body = wording.CREDIT_CHANGED
            stars = f"{data.credit_centistars / 100:.2f}"
            return [
                Draft(user_id=data.user_id, kind=kind, title=title, body=body.format(stars=stars))
            ]
        case MessageSent():
            title, body = wording.CHAT
            link = Link(conversation_id=data.conversation_id)
            return [
                Draft(
                    user_id=data.recipient_id,
                    kind=CHAT_KIND,
                    title=title,
                    body=body,
                    link=link,
                    chat_seq=data.seq,
                )
            ]
        case _:
            return []


def _order_words(kind: str, data: OrderMoved, role: Role) -> tuple[str, str]:
    if kind == EXTENSION_MOVED:
        return wording.EXTENSION[data.transition, role]
    return wording.ORDER[data.state, role]


def _draft(
    user_id: Id,
    kind: str,
    words: tuple[str, str],
    link: Link,
    order: OrderMoved | Reminder | None = None,
    letter: Letter | None = None,
) -> Draft:
    title, body = words
    return Draft(
        user_id=user_id,
        kind=kind,
        title=title,
        body=body.format_map(_Known(order)) if order else body,
        link=link,
        letter=letter,
    )


def reminders(reminder: Reminder) -> list[Draft]:
    """To both parties, by user id."""
    parties: dict[Role, Id] = {"buyer": reminder.buyer_id, "owner": reminder.owner_id}
    told = [
        _draft(
            user_id,
            reminder.kind,
            wording.REMINDERS[reminder.kind, role],
            Link(order_id=reminder.order_id),
            reminder,
            letters.of_reminder(reminder, role),
        )
        for role, user_id in parties.items()
    ]
    return sorted(told, key=lambda draft: draft.user_id)


def _money(user_id: Id, kind: str, role: Role, order_id: Id, amount_fen: int) -> Draft:
    title, body = wording.REFUNDED if role == "buyer" else wording.SETTLED
    return Draft(
        user_id=user_id, kind=kind, title=title, body=body.format(amount=yuan(amount_fen)),
        link=Link(order_id=order_id), letter=letters.of_money(order_id, role, amount_fen),
    )  # fmt: skip


class _Known(dict[str, str]):
    """What a template may name, worked out when it is named."""

    def __init__(self, order: OrderMoved | Reminder) -> None:
        super().__init__()
        self._order = order

    def __missing__(self, name: str) -> str:
        return KNOWN[name](self._order)


def _title(order: Any) -> str:
    return _short(order.title)


def _short(title: str) -> str:
    long = len(title) > TITLE_CHARACTERS
    return title[: TITLE_CHARACTERS - 1] + "…" if long else title


KNOWN: dict[str, Callable[[Any], str]] = {
    "title": _title,
    "total": lambda order: yuan(order.total_fen),
    "rent": lambda order: yuan(order.rent_fen),
    "deposit": lambda order: yuan(order.deposit_fen),
    "start": lambda order: _when(order.start_ms),
    "end": lambda order: _when(order.end_ms),
    "pay_by": lambda order: _when(order.pay_by_ms),
}


def _when(at_ms: int) -> str:
    return _minute(at_ms // MINUTE_MS)


@lru_cache(maxsize=4096)
def _minute(number: int) -> str:
    """What WHEN says is the same for a whole minute."""
    local = datetime.fromtimestamp(number * 60, UTC).astimezone(BEIJING)
    return wording.WHEN.format(at=local)
