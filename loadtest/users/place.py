"""What the users of one locust process share: where the product is, the meter, the people who wait for a partner, the shared listing."""

from __future__ import annotations

import secrets
import time
from typing import Any

from gevent.event import AsyncResult
from gevent.lock import Semaphore

from loadtest.users.link import Link
from loadtest.users.meter import Meter
from loadtest.users.person import Person
from loadtest.users.trouble import Missing

CENTER = (31.2304, 121.4737)
"""People's Square, Shanghai."""
WHOLE_WEEK = {"weekly": [[[0, 1440]]] * 7}
HOUR_MS = 3_600_000


class Place:
    """One per locust environment, made by the locustfile. Options are read when needed: a worker gets the master's late."""

    def __init__(self, environment: Any) -> None:
        self._environment = environment
        self.meter = Meter(environment)
        self.lobbies: dict[type, Lobby] = {}
        self.crowds: dict[str, Crowd] = {}
        self.ready: set[int] = set()
        """Which users (by identity) have finished settling in."""
        self._shared: str | None = None
        self._sharing = Semaphore()

    @property
    def options(self) -> Any:
        return self._environment.parsed_options

    @property
    def api(self) -> str:
        return str(self._environment.host or self.options.host).rstrip("/")

    @property
    def hubs(self) -> list[str]:
        """Without --hubs they are where an ingress has them: at /ws of the api's host."""
        given = self.options.hubs.split(",") if self.options.hubs else [f"{self.api}/ws"]
        return [hub.strip().replace("http", "ws", 1) for hub in given]

    def somebody(self) -> Person:
        return self._person(secrets.token_hex(8))

    def _person(self, name: str) -> Person:
        sandbox = str(self.options.sandbox).rstrip("/")
        return Person(self.meter, self.api, sandbox, f"load-{self.options.run}-{name}")

    def lobby(self, kind: type) -> Lobby:
        return self.lobbies.setdefault(kind, Lobby())

    def crowd(self, topic: str) -> Crowd:
        return self.crowds.setdefault(topic, Crowd(topic))

    def shared_listing(self) -> str:
        """The one listing that everybody watches, the same in all processes of this run: who comes first publishes it, and
        all others get the same answer, because the key is the same."""
        with self._sharing:
            if self._shared is None:
                owner = self._person("host")
                owner.log_in()
                key = f"load-{self.options.run}-listing"
                listing = owner.post("/v1/listings", offer("热门自行车", *CENTER), key=key)
                self._shared = str(listing["listing_id"])
        return self._shared


APPLICATION = {
    "legal_name": "张三", "id_number": "11010519491231002X", "id_valid_from": "2020-01-01",
    "id_valid_until": "长期", "id_front_media": "front", "id_back_media": "back", "mobile": "13800000000",
    "bank": "工商银行", "bank_area_code": "310000", "bank_account": "6222020000000000000", "shop_name": "张三的小店",
}  # fmt: skip
"""The body of `payments.onboard`: who lets something must be known to WeChat, so that it can be paid."""


def offer(title: str, lat: float, lng: float) -> dict[str, Any]:
    """The body of `listings.publish`: open all week."""
    return {
        "title": title, "description": "九成新，刹车灵", "category": "bicycles", "lat": lat, "lng": lng,
        "address": "人民广场 1 号", "plan": WHOLE_WEEK, "price_hour_fen": 1000, "deposit_fen": 20_000,
    }  # fmt: skip


class Lobby:
    """Where people of one scenario meet, two by two."""

    def __init__(self) -> None:
        self._waiting: tuple[Any, Any] | None = None

    def meet(self, me: Any) -> tuple[Any, bool]:
        """(partner, whether the partner was here first). Waits for one."""
        if self._waiting is not None:
            partner, called = self._waiting
            self._waiting = None
            called.set(me)
            return partner, True
        called = AsyncResult()
        seat = self._waiting = (me, called)
        try:
            return called.get(), False
        finally:
            if self._waiting is seat:
                self._waiting = None


class Crowd:
    """Everybody of this process who watches one topic."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.links: set[Link] = set()

    def behind(self, version: int, since: float) -> int:
        """How many who were live at `since` (monotonic s), and still are, have not heard of that version."""
        return sum(
            1
            for link in self.links
            if 0 < link.live_since < since and (link.topics[self.topic].version or 0) < version
        )

    def missing(self, version: int, since: float) -> Missing | None:
        count = self.behind(version, since)
        if not count:
            return None
        late_s = time.monotonic() - since
        return Missing(f"{count} watchers lack the change {late_s:.0f} s after the reply")
