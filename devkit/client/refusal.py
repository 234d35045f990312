"""The product said no; and how long we ask again before we believe it."""

from __future__ import annotations

from typing import Any

PATIENCE_S = 20.0


class Refusal(Exception):
    """The product said no."""

    def __init__(self, error: dict[str, Any], status: int | None = None) -> None:
        super().__init__(f"{error.get('code')}: {error.get('message')} {error.get('data') or ''}")
        self.code = str(error.get("code"))
        self.retryable = bool(error.get("retryable"))
        self.data: dict[str, Any] = error.get("data") or {}
        self.status = status
