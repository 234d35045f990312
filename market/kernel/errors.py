"""Every refusal the product can utter, as one tree.

    MarketError
    +-- BadInput         the request itself is malformed
    +-- Unauthenticated  we do not know who asks
    +-- Forbidden        we know, and they may not
    +-- NotFound         it does not exist, or not for this actor
    +-- Conflict         it is well formed, but the world disagrees
    +-- Limited          too much, too fast
    +-- Unavailable      something we need is away

A leaf has a stable `code` (part of the public protocol: never rename one), and `retryable` says whether the same request,
with the same idempotency key, may succeed later without anything being changed by the sender. `data` holds JSON-able
details. `api/errors.py` maps the tree to HTTP, `hub/errors.py` to frames; nothing else does.
"""

from __future__ import annotations

from collections.abc import Mapping


class MarketError(Exception):
    """Base of all refusals. `message` is for developers; clients translate the code."""

    code = "internal"
    retryable = False

    def __init__(self, message: str = "", **data: object) -> None:
        super().__init__(message or self.code)
        self.message = message or (type(self).__doc__ or self.code).strip().splitlines()[0]
        self.data: Mapping[str, object] = data


class BadInput(MarketError):
    """The request is malformed."""

    code = "invalid"


class TooLarge(BadInput):
    """The request is larger than the limit."""

    code = "too_large"


class BadAttribute(BadInput):
    """The category has no such attribute, or none of such a value; `name` says which."""

    code = "bad_attribute"


class BadImage(BadInput):
    """These bytes are no image that can be shown; `reason` says why."""

    code = "bad_image"


class UnknownCommand(BadInput):
    """There is no such command."""

    code = "unknown_command"


class UnknownTopic(BadInput):
    """There is no such topic."""

    code = "unknown_topic"


class KeyRequired(BadInput):
    """The command changes something and needs an idempotency key."""

    code = "key_required"


class Unauthenticated(MarketError):
    """A valid access token is needed."""

    code = "unauthenticated"


class TokenExpired(Unauthenticated):
    """The token was valid and has expired: refresh it."""

    code = "token_expired"


class SessionRevoked(Unauthenticated):
    """The session was logged out or banned."""

    code = "session_revoked"


class BadLoginCode(Unauthenticated):
    """WeChat does not accept this login code."""

    code = "bad_login_code"


class BadSignature(Unauthenticated):
    """The signature does not match, or is too old."""

    code = "bad_signature"


class Forbidden(MarketError):
    """The actor may not do this."""

    code = "forbidden"


class NotFound(MarketError):
    """It does not exist, or not for this actor."""

    code = "not_found"


class Conflict(MarketError):
    """The request contradicts the present state."""

    code = "conflict"


class Incomplete(Conflict):
    """What is a draft still lacks something that everybody has to be told; `missing` says what."""

    code = "incomplete"


class Duplicate(Conflict):
    """One's own listing `listing_id` shows the same thing at the same place."""

    code = "duplicate"


class VersionConflict(Conflict):
    """The entity has moved on since the sender saw it; `version` is the present one."""

    code = "version_conflict"


class IllegalTransition(Conflict):
    """The order's present state does not allow this."""

    code = "illegal_transition"


class SlotTaken(Conflict):
    """The period overlaps another booking."""

    code = "slot_taken"


class Held(Conflict):
    """Somebody else holds an overlapping period right now."""

    code = "held"
    retryable = True


class HoldSpent(Conflict):
    """A period can be held for so long and no longer: order it, or let others."""

    code = "hold_spent"


class NotBookable(Conflict):
    """The listing is paused or closed, or its plan does not offer this period."""

    code = "not_bookable"


class RegionNotLive(Conflict):
    """The marketplace has not opened in this region yet; `region` says which."""

    code = "region_not_live"


class OwnerNotOnboarded(Conflict):
    """The owner cannot be paid yet, and has been told so."""

    code = "owner_not_onboarded"


class StaleQuote(Conflict):
    """The listing has changed since the sender saw it; show the new price first."""

    code = "stale_quote"


class OpenOrders(Conflict):
    """Somebody with an order under way, or money on its way, cannot leave yet."""

    code = "open_orders"


class NotYet(Conflict):
    """This wing has not yet heard of it. Try again in a moment."""

    code = "not_yet"
    retryable = True


class KeyReused(Conflict):
    """The idempotency key was used for a different request."""

    code = "key_reused"


class WrongCode(Conflict):
    """The handover code does not match."""

    code = "wrong_code"


class TooMuch(Conflict):
    """More than there is to be had; `limit_fen` is what there is."""

    code = "too_much"


class AlreadyDone(Conflict):
    """This can be done once only, and has been."""

    code = "already_done"


class Limited(MarketError):
    """Too many requests."""

    code = "rate_limited"
    retryable = True


class Busy(Limited):
    """Too many commands in flight."""

    code = "busy"


class TooManyTopics(Limited):
    """The connection has as many topics as it may."""

    code = "too_many_topics"
    retryable = False


class QuotaSpent(Limited):
    """As much as one may upload on a day has been uploaded."""

    code = "quota_spent"
    retryable = False


class TooManyUnpaid(Limited):
    """The buyer has as many orders to be paid or answered as one may: pay or cancel one first."""

    code = "too_many_unpaid"
    retryable = False


class Unavailable(MarketError):
    """Something we depend on is away."""

    code = "unavailable"
    retryable = True


class PaymentProviderError(Unavailable):
    """The payment provider did not answer as expected."""

    code = "payment_provider"
