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
    notify_reorder           sent right after the next one, whatever that is about
Only when asked for, by "next", since WeChat does none of it by itself:
    answer_wrong_signature   a call's answer is signed wrongly, and yet it was done
    notify_amount_changed    the first notification tells one fen more than was paid, well signed
    refund_abnormal          the next refund ends as ABNORMAL: the user's account does not take it
    refund_closed            the next refund ends as CLOSED, and the money stays
    bill_corrupt             the next bill is cut short: its digest does not match
    bill_line_missing        the next trade bill lacks its last line
    bill_amount_changed      the last line of the next trade bill tells one yuan more
    image_risky              the next image is found to be risky
    image_review             people should look at the next image
    image_silent             nothing is ever told of the next image
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import Any

CALL_KINDS = ("error_before", "error_after", "drop_before", "drop_after", "delay")
NOTIFY_KINDS = (
    "notify_drop",
    "notify_duplicate",
    "notify_delay",
    "notify_wrong_signature",
    "notify_reorder",
)
KINDS = CALL_KINDS + NOTIFY_KINDS
CALL_DEMANDS = ("answer_wrong_signature",)
NOTIFY_DEMANDS = ("notify_amount_changed",)
REFUND_DEMANDS = ("refund_abnormal", "refund_closed")
BILL_DEMANDS = ("bill_corrupt", "bill_line_missing", "bill_amount_changed")
IMAGE_DEMANDS = ("image_risky", "image_review", "image_silent")
DEMANDS = CALL_DEMANDS + NOTIFY_DEMANDS + REFUND_DEMANDS + BILL_DEMANDS + IMAGE_DEMANDS
_QUEUES = (
    CALL_KINDS + CALL_DEMANDS,
    NOTIFY_KINDS + NOTIFY_DEMANDS,
    REFUND_DEMANDS,
    BILL_DEMANDS,
    IMAGE_DEMANDS,
)
_CALL, _NOTIFY, _REFUND, _BILL, _IMAGE = range(len(_QUEUES))
DELAY_S = 1.5


class BadPlan(ValueError):
    """The fault plan names something that does not exist."""


class Faults:
    def __init__(self, rate: float, seed: int) -> None:
        self._random = random.Random(seed)
        self.rate = rate
        self.kinds: tuple[str, ...] = KINDS
        self._next: tuple[deque[str], ...] = tuple(deque() for _ in _QUEUES)
        self._calls = 0
        self._injected: Counter[str] = Counter()

    def for_call(self) -> str | None:
        """The fault of one more API call, if any."""
        self._calls += 1
        return self._forced(_CALL) or self._drawn(CALL_KINDS)

    def for_notification(self) -> str | None:
        """The fault of one more notification, drawn once for all of its attempts."""
        return self._forced(_NOTIFY) or self._drawn(NOTIFY_KINDS)

    def for_refund(self) -> str | None:
        return self._forced(_REFUND)

    def for_bill(self) -> str | None:
        return self._forced(_BILL)

    def for_image(self) -> str | None:
        return self._forced(_IMAGE)

    def plan(self, wish: Mapping[str, Any]) -> None:
        """Takes {"rate": 0..1, "kinds": [...], "next": [...]}, each optional. `next` replaces what
        was queued.
        """
        rate, kinds, forced = wish.get("rate"), wish.get("kinds"), wish.get("next")
        if rate is not None:
            valid = isinstance(rate, int | float) and not isinstance(rate, bool)
            if not valid or not 0 <= rate <= 1:
                raise BadPlan("rate is between 0 and 1")
        chosen = None if kinds is None else _known(kinds, KINDS)
        queue = None if forced is None else _known(forced, KINDS + DEMANDS)
        if rate is not None:
            self.rate = float(rate)
        if chosen is not None:
            self.kinds = chosen
        if queue is not None:
            self._next = tuple(deque(k for k in queue if k in family) for family in _QUEUES)

    def report(self) -> dict[str, Any]:
        return {
            "rate": self.rate,
            "kinds": list(self.kinds),
            "next": [kind for waiting in self._next for kind in waiting],
            "calls": self._calls,
            "injected": dict(self._injected),
        }

    def _forced(self, queue: int) -> str | None:
        if not self._next[queue]:
            return None
        kind = self._next[queue].popleft()
        self._injected[kind] += 1
        return kind

    def _drawn(self, family: Sequence[str]) -> str | None:
        choice = [kind for kind in self.kinds if kind in family]
        if not choice or self._random.random() >= self.rate:
            return None
        kind = self._random.choice(choice)
        self._injected[kind] += 1
        return kind


def _known(kinds: object, allowed: Sequence[str]) -> tuple[str, ...]:
    if not isinstance(kinds, list) or any(kind not in allowed for kind in kinds):
        raise BadPlan(f"kinds are a list out of {', '.join(allowed)}")
    return tuple(kinds)
