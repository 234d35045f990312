"""What is taken of listings, kept from one transaction to the next.

A calendar's version rises with each change of what is taken, under the listing's lock: who holds the lock and finds the version
that he remembers need not read it all again, which for a listing in demand is thousands of rows.

A server that has taken another's place may lack its last transactions, and give their versions to others: what was kept before a
connection was opened is not believed on it.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from market.kernel.ids import Id
from market.kernel.period import MINUTE_MS
from market.kernel.seats import Use
from market.orders.rules.booking import Bookable
from market.orders.rules.deciding import Calendar

MOST = 4096
"""Listings, the ones used last."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """All uses that end after `since_ms`, and perhaps some that end before."""

    version: int
    at_s: float
    since_ms: int
    pruned_ms: int
    busy: dict[Id, Use]


class Remembered:
    """By listing, as of the last transaction of this process that has committed."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, _Kept] = OrderedDict()

    def has(self, listing_id: Id, since_ms: int) -> bool:
        """Whether it may be worth asking for `busy` once the row is locked."""
        kept = self._kept.get(listing_id)
        return kept is not None and kept.since_ms <= since_ms

    def busy(self, bookable: Bookable, since_ms: int, opened_s: float) -> dict[Id, Use] | None:
        """The caller's own, to be changed; None when it is not known as of the row's version. `opened_s`: the connection's."""
        kept = self._kept.get(bookable.listing_id)
        if kept is None or kept.version != bookable.version:
            return None
        if kept.since_ms > since_ms or kept.at_s <= opened_s:
            return None
        return kept.busy.copy()

    def keep(self, calendars: Iterable[Calendar], since_ms: int) -> None:
        """After the commit. What they have is not to be changed any more."""
        for calendar in calendars:
            listing_id, busy = calendar.bookable.listing_id, calendar.busy
            before = self._kept.pop(listing_id, None)
            pruned_ms = before.pruned_ms if before else since_ms
            if since_ms - pruned_ms >= MINUTE_MS:
                busy = {id_: use for id_, use in busy.items() if use.period.end_ms > since_ms}
                pruned_ms = since_ms
            self._kept[listing_id] = _Kept(
                calendar.bookable.version, time.monotonic(), since_ms, pruned_ms, busy
            )
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)
