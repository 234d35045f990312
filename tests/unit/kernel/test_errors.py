"""The refusals: each with its own code, which never changes."""

from __future__ import annotations

import inspect

import pytest

from api.errors import status_of
from hub.errors import error_of
from infra import wire
from market.kernel import errors
from market.kernel.errors import MarketError
from market.kernel.ids import Id

ALL = [e for _, e in inspect.getmembers(errors, inspect.isclass) if issubclass(e, MarketError)]
CODES = {
    "internal", "invalid", "too_large", "unknown_command", "unknown_topic", "key_required", "unauthenticated",
    "token_expired", "session_revoked", "bad_login_code", "bad_signature", "forbidden", "not_found", "conflict",
    "version_conflict", "illegal_transition", "slot_taken", "held", "not_bookable", "stale_quote", "not_yet",
    "key_reused", "wrong_code", "already_done", "rate_limited", "busy", "too_many_topics", "unavailable",
    "payment_provider", "open_orders",
}  # fmt: skip
"""Part of the public protocol: codes are added here, never changed or taken away."""
RETRYABLE = {"held", "not_yet", "rate_limited", "busy", "unavailable", "payment_provider"}


def test_each_has_a_code_of_its_own() -> None:
    codes = [error.code for error in ALL]
    assert len(set(codes)) == len(codes)


def test_no_code_has_been_renamed() -> None:
    assert {error.code for error in ALL} >= CODES


@pytest.mark.parametrize("error", ALL, ids=lambda e: e.__name__)
def test_each_says_what_it_means_and_has_its_code_itself(error: type[MarketError]) -> None:
    assert error.__doc__
    assert "code" in vars(error)
    assert error().message
    assert str(error()) != ""


@pytest.mark.parametrize("error", ALL, ids=lambda e: e.__name__)
def test_each_reaches_clients_as_status_and_frame(error: type[MarketError]) -> None:
    status = status_of(error("no"))
    assert (status >= 500) == (status in (500, 503))
    assert (status == 500) == (error is MarketError)
    frame = error_of(error("no", order_id=Id(2**62), until_ms=5))
    assert (frame.code, frame.message, frame.retryable) == (error.code, "no", error.retryable)
    assert wire.json(frame.data) == b'{"order_id":"4611686018427387904","until_ms":5}'


def test_what_may_be_sent_again_unchanged() -> None:
    assert {e.code for e in ALL if e.retryable} == RETRYABLE
