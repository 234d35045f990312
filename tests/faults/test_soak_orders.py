"""A sample of `./dev soak orders`: one death of each kind while a hundred and fifty orders live."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from loadtest.soaks.orders import Run, play, started
from loadtest.soaks.orders_havoc import CRASHES, KILLED

ORDERS = 150


@pytest.mark.timeout(240)
async def test_every_promise_about_random_orders_is_kept(
    workplace: Path, dice: random.Random
) -> None:
    task = Run(
        seed=dice.randrange(2**32), orders=ORDERS, at_once=10, pause_s=0.3, minutes=1, buyers=8
    )
    print(f"seed {task.seed}")
    with started(workplace / "soak-orders") as stack:
        await play(stack, task)
    print(task.took_s, dict(task.struck))
    assert len(task.lived) >= ORDERS
    assert set(task.struck) >= {*KILLED, *CRASHES}
    assert task.faults
    assert task.audited["payments compared"] > 0
