"""What may be asked of one's inbox."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from market.kernel.ids import Id

Seq = Annotated[int, Meta(ge=1, le=2**53, description="an entry's number in the inbox")]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkRead:
    up_to: Seq


Category = Literal["announcement", "account", "safety", "activity"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    """What several users are told at once, in words that they understand. It may lead to one thing at most."""

    user_ids: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=100)]
    category: Category
    title: Annotated[str, Meta(min_length=1, max_length=64)]
    body: Annotated[str, Meta(min_length=1, max_length=512)]
    order_id: Id | None = None
    conversation_id: Id | None = None
    listing_id: Id | None = None


LetterKind = Literal["booking", "progress", "reminder", "money", "chat"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What WeChat says that the user said of one kind's template: `filter` means that it was not asked about."""

    kind: LetterKind
    answer: Literal["accept", "reject", "ban", "filter"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Allow:
    """The answers of one asking: WeChat asks for three templates at most."""

    answers: Annotated[tuple[Answer, ...], Meta(min_length=1, max_length=3)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    kind: LetterKind
    wanted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSubscriptions:
    """One's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListInbox:
    """The newest entries, or those before or after a number (not both). A reader who gives the last one that it has `seen` may be
    answered by a copy that has it too."""

    before: Seq | None = None
    after: Annotated[int, Meta(ge=0, le=2**53)] | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    seen: (
        Annotated[int, Meta(ge=0, le=2**53, description="the last entry seen; 0: none yet")] | None
    ) = None
