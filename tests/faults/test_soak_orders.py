"""A sample of `./dev soak orders`: one death of each kind while a hundred and fifty orders live."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from devkit.stack import Stack
from loadtest.soaks.orders import Run, play, started
from loadtest.soaks.orders_audit import Audit
from loadtest.soaks.orders_havoc import CRASHES, KILLED
from loadtest.soaks.orders_model import Broken

ORDERS = 150
ENDED = "SELECT MAX(id) FROM orders.orders WHERE state = 'completed'"
PAID_BACK = "SELECT MAX(id) FROM payments.refunds"
LIES = {
    "an order moved without anybody knowing": (
        ENDED,
        "UPDATE orders.orders SET state = 'refunded' WHERE id = {}",
        "UPDATE orders.orders SET state = 'completed' WHERE id = {}",
    ),
    "an order's end waits for something": (
        ENDED,
        "UPDATE orders.orders SET due_ms = 1 WHERE id = {}",
        "UPDATE orders.orders SET due_ms = NULL WHERE id = {}",
    ),
    "a transition was never told": (
        ENDED,
        "UPDATE insights.inbox SET kind = 'untold' WHERE entity = {} AND kind = 'order.completed'",
        "UPDATE insights.inbox SET kind = 'order.completed' WHERE entity = {} AND kind = 'untold'",
    ),
    "a fen too much went back": (
        PAID_BACK,
        "UPDATE payments.refunds SET amount_fen = amount_fen + 1 WHERE id = {}",
        "UPDATE payments.refunds SET amount_fen = amount_fen - 1 WHERE id = {}",
    ),
    "WeChat and we name different transactions": (
        PAID_BACK,
        "UPDATE payments.payments SET out_trade_no = CONCAT('X', out_trade_no) WHERE id = (SELECT payment_id FROM payments.refunds WHERE id = {})",
        "UPDATE payments.payments SET out_trade_no = SUBSTRING(out_trade_no, 2) WHERE id = (SELECT payment_id FROM payments.refunds WHERE id = {})",
    ),
    "the journal does not balance": (
        ENDED,
        "INSERT INTO payments.entries VALUES (1, 0, {}, 0, 'lie', 'wechat:clearing', 5, 0)",
        "",  # the journal is append-only
    ),
}  # fmt: skip


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
        assert [what for what in LIES if not notices(stack, task, *LIES[what])] == []


def notices(stack: Stack, task: Run, which: str, lie: str, truth: str) -> bool:
    """Whether the audit does; what is broken here is put right again."""
    with stack.servers.mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute(which)
        (row,) = cursor.fetchall()
        assert cursor.execute(lie.format(*row)) > 0
        try:
            Audit(stack, task.lived, task.listings).run()
        except Broken:
            return True
        finally:
            if truth:
                cursor.execute(truth.format(*row))
    return False
