"""What happened, told to locust as request events: `ws:connect`, `cmd:orders.create`, `push:order` ... in milliseconds."""

from __future__ import annotations

from typing import Any

from loadtest.users.trouble import Trouble


class Meter:
    """Silent while a test ends: users leave one after the other then, and miss each other."""

    def __init__(self, environment: Any) -> None:
        self._fire = environment.events.request.fire
        self.ending = False

    def ok(self, name: str, ms: float, size_bytes: int = 0) -> None:
        self._tell(name, ms, size_bytes, None)

    def fail(self, name: str, trouble: Trouble, ms: float = 0.0) -> None:
        self._tell(name, ms, 0, trouble)

    def _tell(self, name: str, ms: float, size_bytes: int, trouble: Trouble | None) -> None:
        if self.ending:
            return
        self._fire(
            request_type=name.partition(":")[0], name=name, response_time=ms,
            response_length=size_bytes, exception=trouble, context={},
        )  # fmt: skip
