"""The SQL of what operators set: experiments, flags, the default weights, and the log of their changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from infra import wire
from infra.mysql.database import Cursor, Tx
from market.kernel.actor import Call
from market.kernel.ids import MAX_ID, Id
from market.listings.rules.experiments import Experiment
from market.listings.rules.flags import Flag
from market.listings.rules.ranking import Weights
from market.listings.rules.settings import Settings

S = TypeVar("S")

WEIGHTS = "weights"
VERSIONS = "SELECT CAST(COALESCE(SUM(version), 0) AS SIGNED) FROM settings"
ALL = "SELECT name, version, body FROM settings"
LOCK = "SELECT version, body FROM settings WHERE name = %s FOR UPDATE"
LOCK_EXPERIMENTS = "SELECT body FROM settings WHERE name LIKE 'experiment:%%' FOR UPDATE"
PUT = (
    "INSERT INTO settings (name, version, body) VALUES (%s, %s, %s) "
    "ON DUPLICATE KEY UPDATE version = VALUES(version), body = VALUES(body)"
)
LOG = (
    "INSERT INTO setting_changes (id, name, version, actor_id, at_ms, reason, body_before, body_after) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
)
CHANGES = (
    "SELECT id, name, version, actor_id, at_ms, reason, body_before, body_after FROM setting_changes "
    "WHERE (%s = '' OR name = %s) AND id < %s ORDER BY id DESC LIMIT %s"
)
KNOWN_CHOICE = "SELECT version FROM choices WHERE user_id = %s FOR UPDATE"
CHOOSE = (
    "INSERT INTO choices (user_id, version, personal, changed_ms) VALUES (%s, %s, %s, %s) "
    "ON DUPLICATE KEY UPDATE version = VALUES(version), personal = VALUES(personal), changed_ms = VALUES(changed_ms)"
)
IMPERSONAL = "SELECT user_id FROM choices WHERE personal = 0"
CHOSEN_SINCE = "SELECT user_id, personal FROM choices WHERE changed_ms >= %s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Versioned:
    """The default weights, and how often they have been set."""

    version: int
    weights: Weights


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeView:
    """Who changed what, when (UTC ms) and why. `before` is null for what is new."""

    change_id: Id
    name: str
    version: int
    actor_id: Id
    at_ms: int
    reason: str
    before: dict[str, Any] | None
    after: dict[str, Any]


def experiment_name(experiment_id: Id) -> str:
    return f"experiment:{int(experiment_id)}"


def flag_name(name: str) -> str:
    return f"flag:{name}"


async def versions(cursor: Cursor) -> int:
    """Equal sums mean equal settings."""
    row = await cursor.one(VERSIONS)
    assert row is not None
    return int(row[0])


async def read_all(cursor: Cursor) -> tuple[Versioned, list[Experiment], list[Flag]]:
    """The default weights, the experiments in the order in which they were made, the flags by name."""
    weights, experiments, flags = Versioned(version=0, weights=Weights()), [], []
    for name, version, body in await cursor.all(ALL):
        if name == WEIGHTS:
            weights = Versioned(version=version, weights=wire.from_json(body, Weights))
        elif name.startswith("experiment:"):
            experiments.append(wire.from_json(body, Experiment))
        else:
            flags.append(wire.from_json(body, Flag))
    return (
        weights,
        sorted(experiments, key=lambda e: e.id),
        sorted(flags, key=lambda f: f.name),
    )


async def read(cursor: Cursor) -> Settings:
    weights, experiments, flags = await read_all(cursor)
    return Settings(
        weights=weights.weights,
        running=tuple(e for e in experiments if e.status == "running"),
        flags={flag.name: flag for flag in flags},
    )


async def lock_weights(tx: Tx) -> Versioned:
    """First in every change of an experiment: what one may take depends on all."""
    row = await tx.one(LOCK, WEIGHTS)
    assert row is not None
    return Versioned(version=row[0], weights=wire.from_json(row[1], Weights))


async def lock_experiments(tx: Tx) -> dict[Id, Experiment]:
    """All there are, under the lock of the weights."""
    found = [wire.from_json(body, Experiment) for (body,) in await tx.all(LOCK_EXPERIMENTS)]
    return {experiment.id: experiment for experiment in found}


async def lock_flag(tx: Tx, name: str) -> Flag | None:
    row = await tx.one(LOCK, flag_name(name))
    return wire.from_json(row[1], Flag) if row else None


def put(
    tx: Tx, call: Call, name: str, version: int, before: object | None, after: object, reason: str
) -> None:
    """The setting, and the line in the log that says so. Deferred."""
    body = wire.json(after).decode()
    tx.defer(PUT, name, version, body)
    tx.defer(
        LOG, tx.new_id(), name, version, call.actor.user_id, call.now_ms, reason,
        None if before is None else wire.json(before).decode(), body,
    )  # fmt: skip


async def changes(cursor: Cursor, name: str, before: Id | None, limit: int) -> list[ChangeView]:
    """Newest first; `name` empty: of everything."""
    rows = await cursor.all(CHANGES, name, name, MAX_ID if before is None else before, limit)
    return [
        ChangeView(
            change_id=Id(id_), name=name, version=version, actor_id=Id(actor_id), at_ms=at_ms, reason=reason,
            before=None if was is None else wire.from_json(was, dict[str, Any]),
            after=wire.from_json(now, dict[str, Any]),
        )
        for id_, name, version, actor_id, at_ms, reason, was, now in rows
    ]  # fmt: skip


async def choose(tx: Tx, user_id: Id, version: int, personal: bool) -> None:
    """What the user's newest version says. Who has never said no has no row. Locks the row."""
    row = await tx.one(KNOWN_CHOICE, user_id)
    if (row is None and not personal) or (row is not None and row[0] < version):
        tx.defer(CHOOSE, user_id, version, personal, tx.now_ms)


async def impersonal(cursor: Cursor) -> set[int]:
    """All who have said no."""
    return {user_id for (user_id,) in await cursor.all(IMPERSONAL)}


async def chosen_since(cursor: Cursor, since_ms: int) -> dict[int, bool]:
    """Who has said something since then -> whether it may be personal."""
    rows = await cursor.all(CHOSEN_SINCE, since_ms)
    return {user_id: bool(personal) for user_id, personal in rows}
