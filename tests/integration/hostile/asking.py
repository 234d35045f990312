"""What a line of the hostile tests is made of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tests.integration.hostile.scene import Somebody, World


@dataclass(frozen=True, slots=True)
class Ask:
    """`who` asks (None: nobody need be logged in) with these fields."""

    who: Somebody | None
    fields: dict[str, Any]


Seen = Callable[[World, Ask], Awaitable[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """`stranger`: the code for somebody who is no party; None: anybody may, each for himself.

    `stale`: (field, wrong value, code). `see`: what the operation changes, read from outside. `again`: the code when a
    command without a key is repeated.
    """

    build: Callable[[World], Awaitable[Ask]]
    stranger: str | None = None
    stale: tuple[tuple[str, int, str], ...] = ()
    see: Seen | None = None
    again: str = "ok"


def by(who: str, /, **fields: Any) -> Callable[[World], Awaitable[Ask]]:
    """Fields that need nothing to be made. "A.B" stands for world.A["B"] or world.A.B."""

    async def build(world: World) -> Ask:
        return Ask(
            getattr(world, who) if who else None, {n: _value(world, v) for n, v in fields.items()}
        )

    return build


def _value(world: World, value: Any) -> Any:
    if isinstance(value, str) and value.count(".") == 1:
        head, _, tail = value.partition(".")
        thing = getattr(world, head, None)
        if isinstance(thing, dict):
            return thing[tail]
        if thing is not None:
            return getattr(thing, tail)
    return value


def get(path: str, pick: Callable[[Any], Any] = lambda view: view) -> Seen:
    """What the asker reads at a path of the asking's own fields."""

    async def see(world: World, ask: Ask) -> Any:
        who = ask.who or world.buyer
        answer = await world.ask("GET", path.format(**ask.fields, me=who.id), token=who.token)
        assert answer.status == 200, answer
        return pick(answer.json)

    return see
