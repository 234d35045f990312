"""What may be asked of payments."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from msgspec import Meta

from market.kernel.ids import Id


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepay:
    """What the order costs; with the number of an extension, what that costs beside it."""

    order_id: Id
    extension_id: Annotated[int, Meta(ge=0, le=100)] = 0


Name = Annotated[str, Meta(min_length=2, max_length=50)]
Media = Annotated[str, Meta(min_length=1, max_length=256, description="WeChat's id of a picture")]
Day = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\d$")]
SubjectType = Literal["micro", "seller", "sole_trader", "enterprise"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Onboard:
    """Who an owner is and where the money is to go. It is passed on to WeChat, sealed, and kept nowhere.

    `licence_*` for a sole trader or an enterprise. Again after a rejection, or when no answer came.
    """

    subject_type: SubjectType = "micro"
    legal_name: Name = field(repr=False)
    id_number: Annotated[str, Meta(pattern=r"^\d{17}[0-9X]$")] = field(repr=False)
    id_valid_from: Day
    id_valid_until: Annotated[str, Meta(pattern=r"^(\d{4}-\d\d-\d\d|长期)$")]
    id_front_media: Media
    id_back_media: Media
    mobile: Annotated[str, Meta(pattern=r"^1\d{10}$")] = field(repr=False)
    bank: Name
    bank_area_code: Annotated[str, Meta(pattern=r"^\d{6}$")]
    bank_account: Annotated[str, Meta(pattern=r"^\d{8,30}$")] = field(repr=False)
    bank_branch: Annotated[str, Meta(max_length=128)] = ""
    shop_name: Name
    licence_number: Annotated[str, Meta(max_length=18)] = ""
    licence_name: Annotated[str, Meta(max_length=128)] = ""
    licence_media: Annotated[str, Meta(max_length=256)] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GetOnboarding:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class GetOrderMoney:
    order_id: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class GetStatement:
    """A reader who says how many lines it has `seen` may be answered by a copy that has them too."""

    order_id: Id
    seen: Annotated[int, Meta(ge=0, le=2**53)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetBalance:
    """One's own, with the newest entries or those before a journal transaction."""

    before: Id | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ListDifferences:
    """Between WeChat's bills and our books: the open ones, or those that were resolved."""

    resolved: bool = False
    before: Id | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolve:
    difference_id: Id
    note: Annotated[str, Meta(min_length=1, max_length=500)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListStuckRefunds:
    """That wait for an operator, or that operators have settled."""

    settled: bool = False
    before: Id | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleRefund:
    refund_id: Id
    note: Annotated[
        str, Meta(min_length=1, max_length=500, description="by which way the money has arrived")
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckLedger:
    """`full`: read the whole journal again, which takes its time."""

    full: bool = False
