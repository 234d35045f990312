"""Scenario hot listing: everybody watches one listing; some hold and order the same hours, and most of these are refused."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import gevent

from loadtest.users.member import PUSH_S, Member
from loadtest.users.merge import Topic
from loadtest.users.place import HOUR_MS
from loadtest.users.trouble import Refused

BETWEEN_TRIES_S = 200.0
"""2,000 users try ten times a second ..."""
DECIDING_S = 10.0
REGRETTING_S = 20.0
"""... of which the first holds the hour for so long: one order in ten seconds, and five pushes of it to everybody."""
TAKEN = ("slot_taken", "held")
STALE_SCREENS = 0.3
"""Tries for an hour that is known to be taken."""
NO_HOLD = 0.3
"""Tries without opening the order page first."""


class HotListing(Member):
    weight = 4
    listing = ""

    def settle(self) -> None:
        self.listing = self.place.shared_listing()
        self.link.watch(self.calendar, f"listing:{self.listing}", f"hold:{self.listing}")
        self.place.crowd(self.calendar).links.add(self.link)
        self.is_ready()

    def on_stop(self) -> None:
        if self.listing:
            self.place.crowd(self.calendar).links.discard(self.link)
        super().on_stop()

    @property
    def calendar(self) -> str:
        return f"calendar:{self.listing}"

    def live(self) -> None:
        self.linger(BETWEEN_TRIES_S)
        try:
            order = self._try()
        except Refused as refused:
            if refused.code in TAKEN:
                return
            raise
        period = [order["start_ms"], order["end_ms"]]
        self._everybody_sees(lambda topic: period in topic.state["busy"])
        self.think(REGRETTING_S)
        before = self.link.topics[self.calendar].version or 0
        self.link.command("orders.cancel", {"order_id": order["order_id"], "reason": "改主意了"})
        # Somebody may have taken the hour again before this user hears that it was free.
        self._everybody_sees(lambda topic: (topic.version or 0) > before)

    def _try(self) -> Any:
        calendar = self.link.topics[self.calendar].state
        body = self._period(calendar["busy"])
        lease = {}
        if random.random() >= NO_HOLD:
            lease_id = self.link.command("orders.hold", body, expected=TAKEN)["lease_id"]
            lease = {"lease_id": lease_id}
            self.think(DECIDING_S)
        body = {**body, **lease, "terms_version": calendar["terms_version"]}
        return self.link.command("orders.create", body, expected=TAKEN)

    def _period(self, busy: list[list[int]]) -> dict[str, Any]:
        """The first free hour from the next but one on, which everybody wants; or one that is taken."""
        starts = {start for start, _ in busy}
        start_ms = (int(time.time() * 1000) // HOUR_MS + 2) * HOUR_MS
        if starts and random.random() < STALE_SCREENS:
            start_ms = max(starts)
        else:
            while start_ms in starts:
                start_ms += HOUR_MS
        return {"listing_id": self.listing, "start_ms": start_ms, "end_ms": start_ms + HOUR_MS}

    def _everybody_sees(self, change: Callable[[Topic], Any]) -> None:
        """This user sees it, and then everybody of this process who watches has that version, in time."""
        crowd, since = self.place.crowd(self.calendar), time.monotonic()
        self.expect("push:calendar", [(self.link, self.calendar)], change)
        version = self.link.topics[self.calendar].version or 0
        while missing := crowd.missing(version, since):
            if time.monotonic() - since > PUSH_S:
                self.place.meter.fail("push:calendar to all", missing, PUSH_S * 1000)
                raise missing
            gevent.sleep(0.02)
        self.place.meter.ok("push:calendar to all", (time.monotonic() - since) * 1000)
