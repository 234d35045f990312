"""What a wing does with facts of other wings: one function per kind, run inside the consuming transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

from infra.mysql.database import Tx
from market.kernel.facts import Heard
from market.kernel.ids import Id

W = TypeVar("W")


class _Fact(Protocol):
    @property
    def kind(self) -> str: ...
    @property
    def entity(self) -> Id: ...


F = TypeVar("F", bound=_Fact)

Handler = Callable[[W, Tx, Heard], Awaitable[None]]
"""(wing, transaction, fact). Whatever it raises rolls the fact's effect back, to be tried again later."""


class Together(Generic[W]):
    """A handler that takes many facts in one go, in the order in which they are to take effect: many rows cost one
    statement little more than one row. Called with one fact it is a handler like any other."""

    def __init__(self, run: Callable[[W, Tx, Sequence[Heard]], Awaitable[None]]) -> None:
        self.run = run
        self.__doc__ = run.__doc__

    async def __call__(self, wing: W, tx: Tx, fact: Heard) -> None:
        await self.run(wing, tx, [fact])


async def handle(handler: Handler[W], wing: W, tx: Tx, facts: Sequence[Heard]) -> None:
    """All of `facts`, which are of this handler's kinds."""
    if isinstance(handler, Together):
        await handler.run(wing, tx, facts)
    else:
        for fact in facts:
            await handler(wing, tx, fact)


def by_handler(
    facts: Sequence[F], handlers: Mapping[str, Handler[Any]]
) -> list[tuple[Handler[Any], list[F]]]:
    """Facts in few groups of one handler each, which keep every entity's order. Raise KeyError for a kind without a handler."""
    groups: list[tuple[Handler[Any], list[F]]] = []
    of_handler: dict[Handler[Any], int] = {}
    of_entity: dict[int, int] = {}
    for fact in facts:
        handler = handlers[fact.kind]
        group = of_handler.get(handler, -1)
        if group < of_entity.get(fact.entity, 0):
            group = of_handler[handler] = len(groups)
            groups.append((handler, []))
        groups[group][1].append(fact)
        of_entity[fact.entity] = group
    return groups
