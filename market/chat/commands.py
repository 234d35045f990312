"""What may be asked of the chat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from market.kernel.ids import Id

Seq = Annotated[int, Meta(ge=1, le=2**53, description="an entry's number in its conversation")]
LineKind = Literal["text", "preset", "image"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenEnquiry:
    listing_id: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """A line: exactly the field that its kind names is filled."""

    conversation_id: Id
    kind: LineKind
    text: Annotated[str, Meta(max_length=2000, description="of kind text")] = ""
    preset: Annotated[
        str, Meta(max_length=32, description="of kind preset: a code of chat.presets")
    ] = ""
    object_key: Annotated[
        str, Meta(max_length=128, description="of kind image: what sign_upload gave the sender")
    ] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkRead:
    conversation_id: Id
    up_to: Seq


@dataclass(frozen=True, slots=True, kw_only=True)
class Erase:
    conversation_id: Id
    reason: Annotated[str, Meta(min_length=1, max_length=200)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListConversations:
    cursor: Annotated[
        str,
        Meta(
            max_length=40,
            pattern=r"^([0-9]{1,19}\.[0-9]{1,19})?$",
            description="of the page before",
        ),
    ] = ""
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ListMessages:
    """The newest entries, or those before or after a number (not both)."""

    conversation_id: Id
    before: Seq | None = None
    after: Annotated[int, Meta(ge=0, le=2**53)] | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Verify:
    conversation_id: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPresets:
    pass
