"""Refusals as frames."""

from __future__ import annotations

from hub.protocol import Error
from infra import wire
from market.kernel.errors import MarketError


def error_of(error: MarketError) -> Error:
    return Error(
        code=error.code,
        message=error.message,
        retryable=error.retryable,
        data=wire.plain(dict(error.data)),
    )
