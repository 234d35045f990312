"""WeChat's bill of a day against our books: what differs is found, kept, shown to operators, and resolved by one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from infra.process import now_ms
from market.kernel.actor import Call
from market.kernel.errors import AlreadyDone, Forbidden, NotFound
from market.payments import actions, chores, reconciliation, views
from market.payments.books import ALERTS
from market.payments.commands import ListDifferences, Prepay, Resolve
from market.payments.rules import reconciling
from market.payments.rules.sight import DifferenceView
from market.payments.wing import Payments
from tests.integration.conftest import call, new_id, someone
from tests.integration.payments.conftest import Deal, Ear, Phone, asks, new_deal
from tests.integration.payments.test_payouts import paid_out
from tests.integration.payments.test_settlement import ENDING, paid_deal
from workers import reconciliation as worker
from workers.settlement import Settlement

DAY_MS = 86_400_000


@pytest.fixture(autouse=True)
async def hurried(phone: Phone) -> AsyncIterator[None]:
    await phone.rules(share_after_s=0)
    yield
    await phone.rules(share_after_s=60)


async def compared(payments: Payments) -> None:
    """Today, as if it were over: the sandbox has the day's bill at once."""
    await reconciliation.reconcile(payments, reconciling.day_of(now_ms()), now_ms())


async def found(payments: Payments, deal: Deal, *, resolved: bool = False) -> list[DifferenceView]:
    operator, query = asks(someone("operator")), ListDifferences(resolved=resolved, limit=200)
    seen = await views.differences(payments, operator, query)
    return [d for d in seen.differences if d.order_id == deal.order_id]


async def bill_days(payments: Payments, deal: Deal) -> set[str]:
    async with payments.db.read() as cursor:
        rows = [
            row
            for table in ("payments", "refunds", "payouts")
            for row in await cursor.all(
                f"SELECT bill_day FROM {table} WHERE order_id = %s", deal.order_id
            )
        ]
    assert rows
    return {str(row[0]) for row in rows}


async def test_a_whole_deal_is_found_in_the_bill_to_the_fen(
    payments: Payments, phone: Phone, ear: Ear
) -> None:
    deal = await paid_deal(payments, phone, ear)
    await deal.goes(*ENDING)
    await paid_out(deal, payments)
    for _ in range(2):  # twice is as good as once
        await compared(payments)
        assert await found(payments, deal) == []
        assert await bill_days(payments, deal) == {str(reconciling.day_of(now_ms()))}


async def given_back(payments: Payments, phone: Phone, ear: Ear) -> Deal:
    """Paid and given back: the last line of the day's bill, where the refunds are last."""
    deal = await paid_deal(payments, phone, ear)
    await deal.goes("expired")
    await Settlement(payments).run_out(now_ms())
    await ear.until(deal.is_refunded)
    return deal


async def test_another_amount_in_the_bill_is_a_difference_and_an_alert(
    payments: Payments, phone: Phone, ear: Ear
) -> None:
    deal = await given_back(payments, phone, ear)
    alerts = ALERTS.labels("reconciliation")._value.get()
    await phone.fail_next("bill_amount_changed")
    await compared(payments)
    (difference,) = await found(payments, deal)
    assert (difference.sort, difference.kind) == ("refund", "differing")
    assert (difference.ours_fen, difference.theirs_fen) == (12_000, 12_100)
    (refund,) = await deal.refunds()
    assert difference.number == refund.out_refund_no
    assert ALERTS.labels("reconciliation")._value.get() == alerts + 1


async def test_what_wechat_does_not_have_is_missing_there(
    payments: Payments, phone: Phone, ear: Ear
) -> None:
    deal = await given_back(payments, phone, ear)
    await phone.fail_next("bill_line_missing")
    await compared(payments)
    (difference,) = await found(payments, deal)
    assert (difference.kind, difference.ours_fen, difference.theirs_fen) == (
        "missing_there", 12_000, 0,
    )  # fmt: skip


async def test_what_we_never_heard_of_is_missing_here(deaf: Payments, phone: Phone) -> None:
    deal = await new_deal(deaf)
    view = await actions.prepay(deaf, asks(deal.buyer), Prepay(order_id=deal.order_id))
    await phone.pay(view.params)
    await compared(deaf)
    (difference,) = await found(deaf, deal)
    assert (difference.kind, difference.ours_fen, difference.theirs_fen) == (
        "missing_here", 0, 12_000,
    )  # fmt: skip
    assert await chores.check(deaf, deal.order_id, now_ms() + 31_000)  # asking makes it good


async def test_an_operator_resolves_a_difference_once_and_says_why(
    payments: Payments, phone: Phone, ear: Ear
) -> None:
    deal = await given_back(payments, phone, ear)
    await phone.fail_next("bill_line_missing")
    await compared(payments)
    (difference,) = await found(payments, deal)
    operator = someone("operator")
    settled = Resolve(difference_id=difference.difference_id, note="次日账单已有")
    asked = call(operator)
    done = await reconciliation.resolve(payments, asked, settled)
    assert (done.resolved_by, done.note) == (operator.user_id, "次日账单已有")
    assert await reconciliation.resolve(payments, asked, settled) == done
    assert await found(payments, deal) == []
    assert await found(payments, deal, resolved=True) == [done]
    with pytest.raises(AlreadyDone):
        await reconciliation.resolve(payments, call(someone("operator")), settled)
    unknown = Resolve(difference_id=new_id(), note="?")
    with pytest.raises(NotFound):
        await reconciliation.resolve(payments, call(operator), unknown)
    with pytest.raises(Forbidden):
        await reconciliation.resolve(payments, call(deal.buyer), settled)
    with pytest.raises(Forbidden):
        await views.differences(
            payments, Call(actor=deal.owner, now_ms=now_ms()), ListDifferences()
        )


async def test_a_bill_that_is_not_whole_is_not_believed_and_asked_for_again(
    payments: Payments, phone: Phone, ear: Ear
) -> None:
    await paid_deal(payments, phone, ear)
    tomorrow = now_ms() + DAY_MS
    evening = reconciling.end_ms(reconciling.day_of(tomorrow)) - 3_600_000
    async with payments.db.read() as cursor:
        await cursor.execute("DELETE FROM bills")
    await phone.fail_next("bill_corrupt")
    assert await worker.run_once(payments, evening) == 0
    assert await worker.run_once(payments, evening) == 1
    assert await worker.run_once(payments, evening) == 0
    day = reconciling.day_of(tomorrow) - timedelta(days=1)
    async with payments.db.read() as cursor:
        rows = await cursor.all("SELECT day FROM bills")
    assert rows == [(str(day),)]
