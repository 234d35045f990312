"""The house's accounts, rolled up behind the journal: every order moves them, and no order waits for them."""

from __future__ import annotations

from infra.mysql.database import Tx
from market.payments import books, ledger_store
from market.payments.rules import ledger
from market.payments.wing import Payments

BATCH = 500


async def roll_up(payments: Payments, now_ms: int) -> int:
    """Add the oldest journal transactions to the totals: how many lines. What does not balance is put down and alerted."""

    async def body(tx: Tx) -> int:
        entries = await ledger_store.take_unrolled(tx, BATCH)
        if not entries:
            return 0
        ledger_store.add_totals(tx, ledger.moves_by_sort(entries))
        orders = {entry.order_id for entry in entries}
        for kind, subjects in (
            ("unbalanced", [str(int(tx_id)) for tx_id in ledger.unbalanced(entries)]),
            ("overdrawn", await ledger_store.overdrawn(tx, orders)),
        ):
            ledger_store.add_faults(tx, kind, subjects)
            if subjects:
                books.alert("ledger", fault=kind, subjects=subjects)
        return len(entries)

    return await payments.db.act(now_ms, body, int)
