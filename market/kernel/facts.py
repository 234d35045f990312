"""What has happened: the facts by which wings learn of one another.

A fact is written in the transaction that made it true, and reaches every wing that handles its kind exactly once in
effect. `entity` and `version` order it: the version of one entity rises by one per change. Projection facts (`*Changed`)
carry the full state and are applied only when newer. All are in this one file, so that who adds one has seen the others.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from market.kernel.exposure import ArmShare, Exposure
from market.kernel.geo import Point
from market.kernel.ids import Id
from market.kernel.terms import Terms
from market.kernel.topics import Push


@dataclass(frozen=True, slots=True, kw_only=True)
class UserChanged:
    KIND: ClassVar[str] = "user.changed"
    user_id: Id
    version: int
    nickname: str
    avatar_url: str
    role: str
    openid: str
    """The payer's identity at WeChat; payments and notices need it, no client ever sees it."""
    forgotten: bool = False
    """The account has been deleted: what is left of it names nobody."""
    personal: bool = True
    """Whether what is shown to them may be chosen for them."""
    banned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRevoked:
    KIND: ClassVar[str] = "session.revoked"
    session_id: Id
    user_id: Id
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingChanged:
    KIND: ClassVar[str] = "listing.changed"
    listing_id: Id
    version: int
    terms_version: int
    """Rises only when something a quote depends on changes: the terms, the status."""
    owner_id: Id
    status: str
    title: str
    category: str
    terms: Terms
    address: str
    cell: str = ""
    """Of the map, where everybody is shown that it is."""
    place: Point | None = None
    """Where it really is, which like the address a buyer learns with a paid order. None in facts of before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingStateChanged:
    """What the map says of a listing now: free, held or in_use. `version` counts these changes, which are none of the listing."""

    KIND: ClassVar[str] = "listing.state_changed"
    listing_id: Id
    version: int
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionOwed:
    """What an extension of an order owes by a payment of its own. `extension` counts from 1 within the order.

    `state`: pending_payment, expiring, paid or expired; of a paid one, the order's once the order has ended. The rest as in
    OrderMoved.
    """

    extension: int
    state: str
    rent_fen: int
    fee_fen: int
    refund_fen: int
    owner_fen: int
    pay_by_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingDrafted:
    """A change of a listing that nobody but its owner has ever seen: other wings hear of it with the first `listing.changed`."""

    KIND: ClassVar[str] = "listing.drafted"
    listing_id: Id
    version: int
    owner_id: Id
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingReviewed:
    """What was found of a wording that its owner sent in. `verdict`: approved or rejected, for `note`."""

    KIND: ClassVar[str] = "listing.reviewed"
    listing_id: Id
    version: int
    owner_id: Id
    title: str
    verdict: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderMoved:
    """One transition of an order. Its kind is `order.<state>`: order.pending_payment, order.ready, ...

    Its kind is `order.extension` when an extension moved and the order did not. `rent_fen` and all other money is that of the
    order's own payment; `extensions` have theirs. `end_ms` is the end as it has been paid for.
    """

    order_id: Id
    version: int
    transition: str
    state: str
    by: str
    """buyer, owner, operator, payments or time."""
    listing_id: Id
    buyer_id: Id
    owner_id: Id
    title: str
    start_ms: int
    end_ms: int
    rent_fen: int
    deposit_fen: int
    fee_fen: int
    """The platform's part: of the whole rent while the order goes on, of what is kept of it once the order has ended."""
    total_fen: int
    """What the buyer pays: rent + deposit. Once the order has ended it is refund + owner + fee."""
    refund_fen: int
    """What goes back to the buyer because of this transition, deposit included."""
    refund_deposit_fen: int
    """How much of `refund_fen` comes out of the deposit."""
    owner_fen: int
    """What the owner gets because of this transition."""
    pay_by_ms: int
    """0 while it has not been approved."""
    tells: tuple[str, ...]
    """Which of buyer and owner finds a notice of it in the inbox."""
    taken_seats: int = 0
    """So many of the listing's seats are taken from `start_ms` until `taken_until_ms`, which is after the buffer; 0: none any
    more."""
    taken_until_ms: int = 0
    extensions: tuple[ExtensionOwed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentReceived:
    """`extension` says for which of the order's: 0 is the order itself. So in all facts of payments."""

    KIND: ClassVar[str] = "payment.received"
    order_id: Id
    payment_id: Id
    amount_fen: int
    paid_at_ms: int
    extension: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRefunded:
    """Money has gone back to the buyer."""

    KIND: ClassVar[str] = "payment.refunded"
    order_id: Id
    payment_id: Id
    refund_id: Id
    buyer_id: Id
    amount_fen: int
    reason: str
    extension: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentSettled:
    """The owner's part has been credited."""

    KIND: ClassVar[str] = "payment.settled"
    order_id: Id
    payment_id: Id
    owner_id: Id
    owner_fen: int
    fee_fen: int
    extension: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentReleased:
    """What was not the buyer's has left WeChat's escrow: the platform has its fee, the owner the rest."""

    KIND: ClassVar[str] = "payment.released"
    order_id: Id
    payment_id: Id
    amount_fen: int
    """Both parts together."""
    extension: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentClosed:
    """An expiring order's or extension's payment is closed at WeChat for good: nothing can be paid any more. `payment_id` is 0 when the
    buyer never began to pay."""

    KIND: ClassVar[str] = "payment.closed"
    order_id: Id
    payment_id: Id
    reason: str
    extension: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerOnboarding:
    """`state`: needed (a buyer would pay `order_id`, and its owner cannot be paid yet), or how WeChat has decided about an
    owner's application: finished or rejected, for `reason`."""

    KIND: ClassVar[str] = "payment.onboarding"
    owner_id: Id
    order_id: Id
    """0 when it is about no order."""
    state: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingGiven:
    """One party has rated; what it said stays hidden until both have, or the window closes."""

    KIND: ClassVar[str] = "rating.given"
    order_id: Id
    rater_id: Id
    ratee_id: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingsRevealed:
    KIND: ClassVar[str] = "ratings.revealed"
    order_id: Id
    listing_id: Id
    buyer_id: Id
    owner_id: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditChanged:
    """A person's Bayesian average over all they were rated for, in hundredths of a star (100 to 500)."""

    KIND: ClassVar[str] = "credit.changed"
    user_id: Id
    version: int
    credit_centistars: int
    ratings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingRated:
    """A listing's Bayesian average, in hundredths of a star (100 to 500)."""

    KIND: ClassVar[str] = "listing.rated"
    listing_id: Id
    version: int
    rating_centistars: int
    ratings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSent:
    """The chat's log grew by a line or a read mark (`message_kind` "read"). What it says stays in the chat."""

    KIND: ClassVar[str] = "chat.message_sent"
    conversation_id: Id
    seq: int
    sender_id: Id
    recipient_id: Id
    message_kind: str
    up_to: int = 0
    """Of a read mark: the last of the recipient's lines that the sender has read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeAdded:
    KIND: ClassVar[str] = "notice.added"
    user_id: Id
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CodesReplaced:
    """Too many wrong handover codes were tried, so there are new ones."""

    KIND: ClassVar[str] = "order.codes_replaced"
    order_id: Id
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceAdded:
    """A party has shown something in a claim or a dispute. What it is stays in the order."""

    KIND: ClassVar[str] = "order.evidence_added"
    order_id: Id
    version: int
    by: str
    """buyer or owner"""
    buyer_id: Id
    owner_id: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarChanged:
    """What a listing's plan offers has changed; bookings change it too, but travel with their order's fact."""

    KIND: ClassVar[str] = "calendar.changed"
    listing_id: Id
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentChanged:
    """An experiment as its results need it; `status` is draft, running or stopped. The first arm is the control."""

    KIND: ClassVar[str] = "experiment.changed"
    experiment_id: Id
    version: int
    status: str
    unit: str
    """user or region: what is drawn for an arm."""
    arms: tuple[ArmShare, ...]
    window_ms: int
    """How long after it was seen an order counts."""
    started_ms: int
    """0 while it has not begun."""
    ends_ms: int
    """The planned end: who was first shown something later does not count. 0 while it has not begun."""
    stopped_ms: int
    """0 while it runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultsSeen:
    """Pages of results that were seen by those who take part in experiments, some at a time. Nothing waits for them."""

    KIND: ClassVar[str] = "experiment.results_seen"
    exposures: tuple[Exposure, ...]


ORDER_STATES = (
    "requested", "pending_payment", "expiring", "ready", "in_use", "returned", "claimed", "disputed",
    "completed", "declined", "expired", "cancelled", "refunded",
)  # fmt: skip

ORDER_ENDS = frozenset({"completed", "declined", "expired", "cancelled", "refunded"})
"""States after which an order moves no more."""

EXTENSION_MOVED = "order.extension"
ORDER_KINDS = (*(f"order.{state}" for state in ORDER_STATES), EXTENSION_MOVED)
"""Of OrderMoved."""
RETOLD = "order.retold"
"""An OrderMoved that says how an order has been for a while, for who has not heard of it."""

FactData = (
    UserChanged | SessionRevoked | ListingChanged | ListingStateChanged | ListingDrafted | ListingReviewed | OrderMoved
    | PaymentReceived | PaymentRefunded
    | PaymentSettled | PaymentReleased | PaymentClosed | OwnerOnboarding | RatingGiven | RatingsRevealed | CreditChanged
    | ListingRated | MessageSent | NoticeAdded | CalendarChanged | CodesReplaced | EvidenceAdded
    | ExperimentChanged | ResultsSeen
)  # fmt: skip

KINDS: dict[str, type[FactData]] = {
    kind.KIND: kind
    for kind in (
        UserChanged, SessionRevoked, ListingChanged, ListingStateChanged, ListingDrafted, ListingReviewed,
        PaymentReceived, PaymentRefunded, PaymentSettled, PaymentReleased,
        PaymentClosed, OwnerOnboarding, RatingGiven, RatingsRevealed, CreditChanged, ListingRated, MessageSent, NoticeAdded,
        CalendarChanged, CodesReplaced, EvidenceAdded, ExperimentChanged, ResultsSeen,
    )
} | dict.fromkeys((*ORDER_KINDS, RETOLD), OrderMoved)  # fmt: skip
"""kind -> the type of its data. The one list of all kinds of facts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A fact about to be written: what, about which entity at which version, and whom to tell at once."""

    kind: str
    entity: Id
    version: int
    data: FactData
    pushes: tuple[Push, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A fact as another wing receives it. `occurred_ms` is UTC."""

    fact_id: Id
    kind: str
    entity: Id
    version: int
    occurred_ms: int
    data: FactData
