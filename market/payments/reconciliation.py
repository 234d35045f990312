"""Every day WeChat's bills are compared with our books, and what differs is put before an operator."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import islice
from typing import get_args

from infra.action import action
from infra.mysql.database import Tx
from market.kernel.actor import Call, require_operator
from market.kernel.errors import AlreadyDone, NotFound
from market.payments import bill_store, books
from market.payments.commands import Resolve
from market.payments.port import FundLine, TradeLine
from market.payments.rules import reconciling, sight
from market.payments.rules.reconciling import Difference, Item, Sort
from market.payments.rules.sight import DifferenceView
from market.payments.wing import Payments

BATCH = 500


async def reconcile(payments: Payments, day: date, now_ms: int) -> int:
    """Compare a day's bills with our books: how many differences. May be done again: what was found stays found once.

    Raise MarketError when WeChat has no bill for us, or one that cannot be believed.
    """
    theirs = await _billed(payments, day)
    named, matched, differing = str(day), 0, 0
    rest = iter(theirs)
    while batch := list(islice(rest, BATCH)):
        found = await _compare(payments, named, batch, now_ms)
        matched, differing = matched + found[0], differing + found[1]
    differing += await _seek(payments, day, now_ms)

    async def done(tx: Tx) -> None:
        bill_store.add_bill(tx, named, matched, differing)

    await payments.db.act(now_ms, done, type(None))
    books.EVENTS.labels("reconciled").inc()
    if differing:
        books.alert("reconciliation", day=named, differing=differing)
    return differing


async def _billed(payments: Payments, day: date) -> list[Item]:
    """What the bills say that we did: payments, refunds, commissions."""
    items: list[Item] = []
    for line in await payments.pay.bill(day=str(day), kind="trade"):
        assert isinstance(line, TradeLine)
        if line.refund_state == "CLOSED":  # it moved nothing, and another number took its place
            continue
        items.append(
            Item(
                sort="refund" if line.out_refund_no else "payment",
                number=line.out_refund_no or line.out_trade_no, amount_fen=line.amount_fen,
                sub_mchid=line.sub_mchid, done=line.refund_state in (None, "SUCCESS"),
            )
        )  # fmt: skip
    for entry in await payments.pay.bill(day=str(day), kind="fundflow"):
        assert isinstance(entry, FundLine)
        if entry.amount_fen > 0 and entry.voucher[:1] == "S" and entry.voucher[1:].isdigit():
            items.append(
                Item(
                    sort="commission", number=entry.voucher, amount_fen=entry.amount_fen, sub_mchid="",
                    done=True,
                )
            )  # fmt: skip
    return items


async def _compare(
    payments: Payments, day: str, theirs: Sequence[Item], now_ms: int
) -> tuple[int, int]:
    async def body(tx: Tx) -> tuple[int, int]:
        ours: dict[tuple[Sort, str], Item] = {}
        for sort in get_args(Sort):
            numbers = [item.number for item in theirs if item.sort == sort]
            ours |= await bill_store.known(tx, sort, numbers)
        matched, differences = reconciling.compare(day, theirs, ours)
        for sort in get_args(Sort):
            # What differs was in the bill, too: it is not looked for in another.
            there = {item.number for item in matched if item.sort == sort}
            there |= {d.number for d in differences if d.sort == sort and d.kind == "differing"}
            bill_store.add_billed(tx, day, sort, sorted(there))
        bill_store.add_differences(tx, day, differences)
        return len(matched), len(differences)

    return await payments.db.act(now_ms, body, tuple[int, int])


async def _seek(payments: Payments, day: date, now_ms: int) -> int:
    """Put down what was done by the day's end and was in no bill."""
    until_ms = reconciling.end_ms(day)
    from_ms = reconciling.end_ms(day - timedelta(days=1))

    async def body(tx: Tx) -> int:
        differences: list[Difference] = []
        for sort in get_args(Sort):
            differences += reconciling.missing(
                await bill_store.unbilled(tx, sort, from_ms, until_ms)
            )
        bill_store.add_differences(tx, str(day), differences)
        return len(differences)

    return await payments.db.act(now_ms, body, int)


@action("payments.resolve")
async def resolve(payments: Payments, call: Call, command: Resolve) -> DifferenceView:
    """Operators: a difference has been looked into, and this is what it was. Locks the difference."""
    require_operator(call.actor)

    async def body(tx: Tx) -> DifferenceView:
        found = await bill_store.lock(tx, command.difference_id)
        await tx.claim(call, command)
        if found is None:
            raise NotFound("no such difference")
        if found.resolved_ms:
            raise AlreadyDone("this difference is resolved", note=found.note)
        await bill_store.resolve(tx, found.id, call.actor.user_id, command.note)
        return sight.difference(
            found.id, found.day, found.difference, call.now_ms, call.actor.user_id, command.note
        )

    return await payments.db.act(call.now_ms, body, DifferenceView)
