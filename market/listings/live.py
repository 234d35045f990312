"""What operators have set, and who wants nothing chosen for them: kept in memory and looked after every second, so that no search
has to ask for it."""

from __future__ import annotations

import asyncio
import contextlib

import structlog

from infra.mysql.database import Database
from infra.process import now_ms
from market.kernel.errors import Unavailable
from market.kernel.geo import Point
from market.kernel.ids import Id
from market.listings import setting_store
from market.listings.rules.settings import Ranking, Settings, is_live, weights_for

EVERY_S = 1.0
"""How long another process may go on with what was set before."""

LATE_MS = 60_000
"""Rows are stamped before they are committed: how far back one may have appeared."""

log = structlog.get_logger("settings")


class Live:
    """`settings` is replaced as a whole. While the database is away, what was known stays; before anything was, the defaults."""

    def __init__(self, db: Database) -> None:
        self.settings = Settings()
        self._impersonal: set[int] = set()
        self._db = db
        self._versions = -1
        self._chosen_ms = 0

    def ranking_for(self, user_id: Id, place: Point, *, personal: bool) -> Ranking:
        """See `settings.weights_for`; `personal` says what the search itself asks for."""
        personal = self.is_personal(user_id, personal)
        return weights_for(self.settings, user_id, place, personal=personal)

    def is_personal(self, user_id: Id, asked: bool) -> bool:
        """Whether results may be about this person: neither their search nor their choice says no."""
        return asked and user_id not in self._impersonal

    def is_open(self, user_id: Id, place: Point) -> bool:
        """Whether the marketplace is open there, for this person (0: nobody is logged in)."""
        return is_live(self.settings, user_id, place)

    async def refresh(self) -> None:
        """Read what has changed. Raise Unavailable."""
        began_ms = now_ms()
        async with self._db.read() as cursor:
            versions = await setting_store.versions(cursor)
            if versions != self._versions:
                # Read after their sum, they may be newer than it, and are then read once more.
                self.settings = await setting_store.read(cursor)
                self._versions = versions
            if not self._chosen_ms:
                self._impersonal = await setting_store.impersonal(cursor)
            else:
                chosen = await setting_store.chosen_since(cursor, self._chosen_ms - LATE_MS)
                self._impersonal -= {user_id for user_id, personal in chosen.items() if personal}
                self._impersonal |= {
                    user_id for user_id, personal in chosen.items() if not personal
                }
        self._chosen_ms = began_ms

    async def follow(self) -> None:
        """After something was set here: whoever set it sees it at once."""
        with contextlib.suppress(Unavailable):
            await self.refresh()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.follow()
            except Exception:  # a row that this release cannot read: go on with what is known
                log.exception("settings not read")
            await asyncio.sleep(EVERY_S)
