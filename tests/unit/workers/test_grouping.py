"""Facts in groups of one handler each: few groups, and no entity's order lost."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.handlers import Together, by_handler, handle
from market.kernel.facts import Heard, NoticeAdded
from market.kernel.ids import Id


@dataclass(frozen=True, slots=True)
class Fact:
    kind: str
    entity: Id
    version: int


async def one(wing: object, tx: object, fact: object) -> None: ...
async def other(wing: object, tx: object, fact: object) -> None: ...


HANDLERS = {"a": one, "b": other, "c": one}


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3))))
def test_every_entitys_order_is_kept(happened: list[tuple[str, int]]) -> None:
    facts = [Fact(kind, Id(entity), n) for n, (kind, entity) in enumerate(happened)]
    groups = by_handler(facts, HANDLERS)
    handled = [fact for _, group in groups for fact in group]
    assert sorted(handled, key=lambda fact: fact.version) == facts
    for entity in {fact.entity for fact in facts}:
        assert [f for f in handled if f.entity == entity] == [
            f for f in facts if f.entity == entity
        ]
    assert all(HANDLERS[fact.kind] is handler for handler, group in groups for fact in group)


def test_entities_apart_need_no_more_groups_than_handlers() -> None:
    facts = [Fact("abc"[n % 3], Id(n), n) for n in range(30)]
    assert [len(group) for _, group in by_handler(facts, HANDLERS)] == [20, 10]


def test_nobody_handles_what_nobody_knows() -> None:
    with pytest.raises(KeyError):
        by_handler([Fact("of.tomorrow", Id(1), 1)], HANDLERS)


async def test_together_takes_many_and_one() -> None:
    calls: list[int] = []

    @Together
    async def count(wing: object, tx: object, facts: object) -> None:
        calls.append(len(facts))  # type: ignore[arg-type]

    facts = [
        Heard(
            fact_id=Id(n), kind="a", entity=Id(n), version=1, occurred_ms=0,
            data=NoticeAdded(user_id=Id(n), seq=1),
        )
        for n in range(3)
    ]  # fmt: skip
    await handle(count, None, None, facts)  # type: ignore[arg-type]
    await count(None, None, facts[0])  # type: ignore[arg-type]
    assert calls == [3, 1]
