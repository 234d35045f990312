"""What goes wrong, and when: a seeded generator, and a queue of faults forced on the next calls.

On calls to WeChat's addresses (never on /sandbox/*):
    error_before   500 SYSTEM_ERROR (errcode -1 outside of /v3), nothing was done
    error_after    500 SYSTEM_ERROR, and yet it was done
    drop_before    the connection is cut, nothing was done
    drop_after     the connection is cut, and yet it was done
    delay          1.5 s late
On notifications:
    notify_drop              the first one is never sent, as if the network had lost it
    notify_duplicate         sent twice at once
    notify_delay             sent one retry interval late
    notify_wrong_signature   the first one is signed wrongly; it is sent again as for any refusal
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import Any

CALL_KINDS = ("error_before", "error_after", "drop_before", "drop_after", "delay")
NOTIFY_KINDS = ("notify_drop", "notify_duplicate", "notify_delay", "notify_wrong_signature")
KINDS = CALL_KINDS + NOTIFY_KINDS
DELAY_S = 1.5


class BadPlan(ValueError):
    """The fault plan names something that does not exist."""


class Faults:
    def __init__(self, rate: float, seed: int) -> None:
        self._random = random.Random(seed)
        self.rate = rate
        self.kinds: tuple[str, ...] = KINDS
        self._next: dict[bool, deque[str]] = {True: deque(), False: deque()}
        self._calls = 0
        self._injected: Counter[str] = Counter()

    def for_call(self) -> str | None:
        """The fault of one more API call, if any."""
        self._calls += 1
        return self._draw(CALL_KINDS, notify=False)

    def for_notification(self) -> str | None:
        """The fault of one more notification, drawn once for all of its attempts."""
        return self._draw(NOTIFY_KINDS, notify=True)

    def plan(self, wish: Mapping[str, Any]) -> None:
        """Takes {"rate": 0..1, "kinds": [...], "next": [...]}, each optional. `next` replaces what
        was queued.
        """
        rate, kinds, forced = wish.get("rate"), wish.get("kinds"), wish.get("next")
        if rate is not None:
            valid = isinstance(rate, int | float) and not isinstance(rate, bool)
            if not valid or not 0 <= rate <= 1:
                raise BadPlan("rate is between 0 and 1")
        chosen = None if kinds is None else _known(kinds)
        queue = None if forced is None else _known(forced)
        if rate is not None:
            self.rate = float(rate)
        if chosen is not None:
            self.kinds = chosen
        if queue is not None:
            for notify in (False, True):
                self._next[notify] = deque(k for k in queue if (k in NOTIFY_KINDS) is notify)

    def report(self) -> dict[str, Any]:
        return {
            "rate": self.rate,
            "kinds": list(self.kinds),
            "next": [*self._next[False], *self._next[True]],
            "calls": self._calls,
            "injected": dict(self._injected),
        }

    def _draw(self, family: Sequence[str], *, notify: bool) -> str | None:
        kind = None
        if self._next[notify]:
            kind = self._next[notify].popleft()
        else:
            choice = [kind for kind in self.kinds if kind in family]
            if choice and self._random.random() < self.rate:
                kind = self._random.choice(choice)
        if kind is not None:
            self._injected[kind] += 1
        return kind


def _known(kinds: object) -> tuple[str, ...]:
    if not isinstance(kinds, list) or any(kind not in KINDS for kind in kinds):
        raise BadPlan(f"kinds are a list out of {', '.join(KINDS)}")
    return tuple(kinds)
