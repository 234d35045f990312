"""Where a topic's truth is read: the views of the wing that owns it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import structlog

from market.chat import views as chat
from market.kernel.errors import MarketError
from market.kernel.topics import Snapshot, Want
from market.listings import views as listings
from market.notices import views as notices
from market.orders import views as orders
from market.users import views as users

log = structlog.get_logger("sources")

BATCH = 500
TIMEOUT_S = 5.0

Snapshots = Callable[[Any, Sequence[Want], int], Awaitable[list[Snapshot]]]

OWNERS: dict[str, tuple[str, Snapshots]] = {
    prefix: (wing, views.snapshot)
    for wing, views in (
        ("users", users), ("listings", listings), ("orders", orders), ("chat", chat), ("notices", notices),
    )
    for prefix in views.TOPICS
}  # fmt: skip
"""topic prefix -> (wing, its snapshot function)."""


def owner_of(topic: str) -> str | None:
    owner = OWNERS.get(topic.partition(":")[0])
    return owner[0] if owner else None


async def read(
    wings: Mapping[str, Any], wants: Sequence[Want], now_ms: int
) -> tuple[dict[str, Snapshot], set[str]]:
    """(snapshots by topic, topics that could not be read now). A topic in neither does not exist."""
    groups: dict[tuple[str, Snapshots], list[Want]] = {}
    for want in wants:
        owner = OWNERS.get(want.topic.partition(":")[0])
        if owner is not None:
            groups.setdefault(owner, []).append(want)
    batches = [
        (wing, snapshot, group[start : start + BATCH])
        for (wing, snapshot), group in groups.items()
        for start in range(0, len(group), BATCH)
    ]
    results = await asyncio.gather(
        *(_read_one(wings[wing], snapshot, batch, now_ms) for wing, snapshot, batch in batches)
    )
    found: dict[str, Snapshot] = {}
    away: set[str] = set()
    for (_, _, batch), result in zip(batches, results, strict=True):
        if result is None:
            away.update(want.topic for want in batch)
        else:
            found.update((snapshot.topic, snapshot) for snapshot in result)
    return found, away


async def _read_one(
    wing: Any, snapshot: Snapshots, batch: Sequence[Want], now_ms: int
) -> list[Snapshot] | None:
    try:
        return await asyncio.wait_for(snapshot(wing, batch, now_ms), TIMEOUT_S)
    except (MarketError, TimeoutError) as error:
        log.warning("cannot read topics", topics=len(batch), error=str(error))
        return None
    except Exception:
        log.exception("cannot read topics", topics=len(batch))
        return None
