"""What may go wrong for a virtual user. Whoever raises one of these has reported it already, except `Gone` and `Missing`."""

from __future__ import annotations

from typing import Any


class Trouble(Exception):
    """The user cannot go on with what they were doing."""


class Refused(Trouble):
    """The product said no."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error.get('code')}: {error.get('message')} {error.get('data') or ''}")
        self.code = str(error.get("code"))
        self.retryable = bool(error.get("retryable"))


class Missing(Trouble):
    """What was promised did not come in time."""


class Violation(Trouble):
    """The server broke the protocol: an older version after a newer one, a log with a hole."""


class Gone(Trouble):
    """This user, or the partner, has left by their own wish: no failure."""
