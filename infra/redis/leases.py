"""Courtesy holds: leases on (listing, period), shown to everybody who watches the listing.

A hold guarantees nothing (the row lock at ordering does); it tells others that somebody is about to order. Losing them all
hurts nobody. Who holds is never published, only which lease.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Coroutine
from dataclasses import dataclass

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from infra.redis import keys
from infra.redis.client import script
from infra.redis.pipeline import execute
from market.kernel.errors import Held, HoldSpent, Unavailable
from market.kernel.ids import Id
from market.kernel.period import Period

log = structlog.get_logger("leases")

LONGEST_MS = 10 * 60_000
"""Whoever has not ordered by then lets others, for a minute at least or by giving the hold back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    lease_id: str
    holder_id: Id
    period: Period
    until_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Leases:
    """All holds on one listing. A client applies a value whose (epoch, counter) is new to it."""

    epoch: str
    counter: int
    leases: tuple[Lease, ...]
    cell: str = ""
    """Where on the map they are shown; empty: nowhere."""

    def until_ms(self, lease_id: str) -> int:
        return next(lease.until_ms for lease in self.leases if lease.lease_id == lease_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaHold:
    """One entry of `holds:CELL`: a listing that somebody is about to order."""

    listing_id: Id
    start_ms: int
    end_ms: int
    until_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaHolds:
    epoch: str
    counter: int
    holds: tuple[AreaHold, ...]


class LeaseBook:
    def __init__(self, redis: Redis) -> None:
        self._script = script(redis, "lease")
        self._area_script = script(redis, "area_holds")
        self._redis = redis
        self._releasing: set[asyncio.Future[None]] = set()
        self._asked: dict[Id, asyncio.Future[bool]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def take(
        self,
        listing_id: Id,
        lease_id: str,
        holder_id: Id,
        period: Period,
        now_ms: int,
        until_ms: int,
        *,
        alone: bool = True,
        cell: str = "",
    ) -> Leases:
        """Take or renew; it may end before `until_ms`, since nobody holds for longer than LONGEST_MS in a row.

        Raise Held when somebody else's lease overlaps and one wants to be `alone`, HoldSpent at the end of that time,
        Unavailable when Redis is away.
        """
        verdict, leases = await self._run(
            listing_id,
            now_ms,
            "take" if alone else "share",
            lease_id,
            holder_id,
            period.start_ms,
            period.end_ms,
            until_ms,
            cell=cell,
        )
        if verdict == "spent":
            raise HoldSpent
        if verdict != "ok":
            raise Held
        self._show_soon(listing_id, leases, now_ms)
        return leases

    async def release(self, listing_id: Id, lease_id: str, holder_id: Id, now_ms: int) -> None:
        """Only the holder's own; releasing what is not there is fine."""
        _, leases = await self._run(listing_id, now_ms, "release", lease_id, holder_id, 0, 0, 0)
        self._show_soon(listing_id, leases, now_ms)

    def release_soon(self, listing_id: Id, lease_id: str, holder_id: Id, now_ms: int) -> None:
        """Release without making anybody wait; if it fails the lease expires by itself."""

        async def release() -> None:
            with contextlib.suppress(Unavailable):
                await self.release(listing_id, lease_id, holder_id, now_ms)

        self._soon(release())

    def _show_soon(self, listing_id: Id, held: Leases, now_ms: int) -> None:
        """On the map too, which nobody waits for."""

        async def show() -> None:
            with contextlib.suppress(Unavailable):
                await self._run_area(held.cell, now_ms, listing_id, held)

        if held.cell:
            self._soon(show())

    def _soon(self, doing: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(doing)
        self._releasing.add(task)
        task.add_done_callback(self._releasing.discard)

    async def read_area(self, cell: str, now_ms: int) -> AreaHolds:
        """Raise Unavailable when Redis is away."""
        return await self._run_area(cell, now_ms)

    async def _run_area(
        self, cell: str, now_ms: int, listing_id: Id | None = None, held: Leases | None = None
    ) -> AreaHolds:
        args: list[int | str] = [now_ms, secrets.token_hex(4), ""]
        if listing_id is not None and held is not None:
            args[2:] = [int(listing_id), held.counter]
            args += [f"{h.period.start_ms} {h.period.end_ms} {h.until_ms}" for h in held.leases]
        try:
            reply = await self._area_script(
                keys=[keys.area_holds(cell), keys.channel(f"holds:{cell}")], args=args
            )
        except (RedisError, OSError) as error:
            raise Unavailable("holds are away") from error
        epoch, counter, *rest = reply
        holds = tuple(
            AreaHold(
                listing_id=Id(rest[i]), start_ms=int(rest[i + 1]), end_ms=int(rest[i + 2]),
                until_ms=int(rest[i + 3]),
            )
            for i in range(0, len(rest), 4)
        )  # fmt: skip
        return AreaHolds(epoch=epoch.decode(), counter=int(counter), holds=holds)

    async def any(self, listing_id: Id) -> bool:
        """Whether there may be holds. Most listings have none: who asks while an answer is on its way goes with the next
        trip, together with all others who do. Raise Unavailable when Redis is away."""
        answer = self._asked.get(listing_id)
        if answer is None:
            answer = self._asked[listing_id] = asyncio.get_running_loop().create_future()
            if self._asking is None:
                self._asking = asyncio.ensure_future(self._ask())
        return await asyncio.shield(answer)

    async def _ask(self) -> None:
        try:
            while self._asked:
                asked, self._asked = self._asked, {}
                try:
                    commands = [("EXISTS", keys.leases(listing_id)) for listing_id in asked]
                    answers = await execute(self._redis, commands)
                    for answer, there in zip(asked.values(), answers, strict=True):
                        answer.set_result(there != 0)
                except (RedisError, OSError) as error:
                    log.debug("holds are away", error=str(error))
                finally:
                    for answer in asked.values():
                        if not answer.done():
                            answer.set_exception(Unavailable("holds are away"))
                            answer.exception()  # seen, even if all who asked have gone
        finally:
            self._asking = None

    async def read(self, listing_id: Id, now_ms: int) -> Leases:
        return (await self._run(listing_id, now_ms, "read", "", 0, 0, 0, 0))[1]

    async def _run(
        self, listing_id: Id, now_ms: int, *args: int | str, cell: str = ""
    ) -> tuple[str, Leases]:
        try:
            reply = await self._script(
                keys=[keys.leases(listing_id), keys.channel(f"hold:{listing_id}")],
                args=[
                    now_ms,
                    *(int(a) if isinstance(a, int) else a for a in args),
                    secrets.token_hex(4),
                    LONGEST_MS,
                    cell,
                ],  # Id is an int
            )
        except (RedisError, OSError) as error:
            raise Unavailable("holds are away") from error
        verdict, epoch, counter, shown_in, *rest = reply
        leases = tuple(
            Lease(
                lease_id=rest[i].decode(), holder_id=Id(rest[i + 1]),
                period=Period(int(rest[i + 2]), int(rest[i + 3])), until_ms=int(rest[i + 4]),
            )
            for i in range(0, len(rest), 5)
        )  # fmt: skip
        return verdict.decode(), Leases(
            epoch=epoch.decode(), counter=int(counter), leases=leases, cell=shown_in.decode()
        )
