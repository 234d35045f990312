"""How the money leaves the escrow, and what the worker makes good when WeChat is silent or ill."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import aiomysql
import pymysql.err
import pytest

from infra.process import now_ms
from market.kernel.errors import Forbidden, MarketError, NotFound
from market.kernel.facts import PaymentSettled
from market.payments import actions, chores, ledger_store, views
from market.payments.books import ALERTS, EVENTS
from market.payments.commands import CheckLedger, GetOrderMoney, GetStatement, Prepay
from market.payments.port import Trade
from market.payments.rules import ledger
from market.payments.wing import Payments
from tests.integration.conftest import new_id, someone
from tests.integration.payments.conftest import Deal, Ear, Phone, asks, new_deal
from tests.integration.payments.fake_wechat import FakeWechat
from workers import ledger_totals
from workers.settlement import Settlement

ENDING = ("ready", "in_use", "returned", "completed")


async def paid_deal(payments: Payments, phone: Phone, ear: Ear) -> Deal:
    deal = await new_deal(payments)
    view = await actions.prepay(payments, asks(deal.buyer), Prepay(order_id=deal.order_id))
    await phone.pay(view.params)
    assert await ear.statuses.get() == 200
    return deal


async def test_completion_credits_the_owner_and_gives_the_deposit_back(
    payments: Payments, phone: Phone, ear: Ear
) -> None:
    deal = await paid_deal(payments, phone, ear)
    await deal.goes(*ENDING)
    assert await deal.balances() == {
        "wechat:clearing": -12_000, "deposit": 10_000, "owner": 1_800, "platform:fees": 200,
    }  # fmt: skip
    settled = (await deal.facts())[-1]
    assert isinstance(settled, PaymentSettled)
    assert (settled.owner_id, settled.owner_fen, settled.fee_fen) == (
        deal.owner.user_id,
        1_800,
        200,
    )
    await Settlement(payments).run_out(now_ms())
    await ear.until(deal.is_refunded)
    assert await deal.balances() == {
        "wechat:clearing": -2_000,
        "owner": 1_800,
        "platform:fees": 200,
    }
    payment = await deal.payment()
    assert [r["refund_fen"] for r in (await phone.trade(payment.out_trade_no))["refunds"]] == [
        10_000
    ]
    assert await deal.kinds() == ["payment.received", "payment.settled", "payment.refunded"]


async def test_a_dispute_gives_back_what_was_decided_and_the_owner_the_rest(
    payments: Payments, phone: Phone, ear: Ear
) -> None:
    deal = await paid_deal(payments, phone, ear)
    await deal.goes("ready", "in_use", "disputed", "refunded", refund_fen=11_000)
    await Settlement(payments).run_out(now_ms())
    await ear.until(deal.is_refunded)
    assert await deal.balances() == {"wechat:clearing": -1_000, "owner": 900, "platform:fees": 100}


async def test_a_lost_notification_is_made_good_by_asking(deaf: Payments, phone: Phone) -> None:
    deal = await new_deal(deaf)
    begun = now_ms()
    view = await actions.prepay(deaf, asks(deal.buyer, begun), Prepay(order_id=deal.order_id))
    await phone.pay(view.params)
    await chores.check(deaf, deal.order_id, begun + 29_000)
    assert (await deal.payment()).status == "waiting"
    recovered = EVENTS.labels("recovered")._value.get()
    await Settlement(deaf).run_out(begun + 31_000)
    assert (await deal.payment()).status == "paid"
    assert await deal.kinds() == ["payment.received"]
    assert EVENTS.labels("recovered")._value.get() == recovered + 1


async def test_a_silent_payment_is_asked_about_on_schedule_and_closed_at_the_end(
    deaf: Payments, phone: Phone
) -> None:
    deal = await new_deal(deaf)
    begun = now_ms()
    await actions.prepay(deaf, asks(deal.buyer, begun), Prepay(order_id=deal.order_id))
    for asked, after_s in enumerate((30, 120, 600), start=1):
        assert not await chores.check(deaf, deal.order_id, begun + after_s * 1000 - 1)
        assert await chores.check(deaf, deal.order_id, begun + after_s * 1000)
        payment = await deal.payment()
        assert (payment.checks, payment.status) == (asked, "waiting")
    assert await chores.check(deaf, deal.order_id, deal.pay_by_ms + 10_000)
    payment = await deal.payment()
    assert payment.status == "closed"
    assert (await phone.trade(payment.out_trade_no))["state"] == "CLOSED"
    assert not await chores.check(deaf, deal.order_id, deal.pay_by_ms + 3_600_000)


async def test_a_prepay_that_never_reached_wechat_ends_too(
    deaf: Payments, cut_off: Payments
) -> None:
    deal = await new_deal(deaf)
    with pytest.raises(MarketError):
        await actions.prepay(cut_off, asks(deal.buyer), Prepay(order_id=deal.order_id))
    assert await chores.check(deaf, deal.order_id, deal.pay_by_ms + 10_000)
    assert (await deal.payment()).status == "closed"


async def test_a_lost_refund_notification_is_made_good_by_asking(
    deaf: Payments, phone: Phone
) -> None:
    deal = await new_deal(deaf)
    begun = now_ms()
    view = await actions.prepay(deaf, asks(deal.buyer, begun), Prepay(order_id=deal.order_id))
    await phone.pay(view.params)
    await Settlement(deaf).run_out(begun + 31_000)
    await deal.goes("expired")
    (refund,) = await deal.refunds()
    assert await chores.refund(deaf, deal.order_id, refund.id, refund.due_ms)
    (refund,) = await deal.refunds()
    assert refund.status == "sent"
    assert not await chores.refund(deaf, deal.order_id, refund.id, refund.due_ms - 1)
    async with asyncio.timeout(10):
        while [r.status for r in await deal.refunds()] != ["done"]:
            (refund,) = await deal.refunds()
            await chores.refund(deaf, deal.order_id, refund.id, refund.due_ms)
    assert await deal.balances() == {}


async def test_a_refund_outlives_wechat_and_goes_out_once(
    payments: Payments, cut_off: Payments, phone: Phone, ear: Ear
) -> None:
    deal = await paid_deal(payments, phone, ear)
    await deal.goes("expired")
    (refund,) = await deal.refunds()
    alerts = ALERTS.labels("refund_failing")._value.get()
    for attempt in range(1, 6):
        before = refund.due_ms
        with pytest.raises(MarketError):
            await chores.refund(cut_off, deal.order_id, refund.id, refund.due_ms)
        (refund,) = await deal.refunds()
        assert (refund.status, refund.attempts) == ("wanted", attempt)
        assert refund.due_ms - before == 2_000 * 2**attempt
    assert ALERTS.labels("refund_failing")._value.get() == alerts + 1
    assert (await deal.balances())["deposit"] == 10_000

    await phone.fail_next("error_after")  # it was done, and yet WeChat says that it was not
    assert await chores.refund(payments, deal.order_id, refund.id, refund.due_ms)
    await ear.until(deal.is_refunded)
    assert await deal.balances() == {}
    payment = await deal.payment()
    assert len((await phone.trade(payment.out_trade_no))["refunds"]) == 1


async def test_two_workers_send_a_refund_once(payments: Payments, phone: Phone, ear: Ear) -> None:
    deal = await paid_deal(payments, phone, ear)
    await deal.goes("expired")
    (refund,) = await deal.refunds()
    begun = await asyncio.gather(
        *(chores.refund(payments, deal.order_id, refund.id, refund.due_ms) for _ in range(5))
    )
    assert sorted(begun) == [False] * 4 + [True]


async def test_a_refund_that_fails_does_not_block_the_others(
    payments: Payments, phone: Phone, ear: Ear
) -> None:
    """One payment is in our books and not in WeChat's; its refund fails for good."""
    unknown = await new_deal(payments)
    await actions.prepay(payments, asks(unknown.buyer), Prepay(order_id=unknown.order_id))
    number = (await unknown.payment()).out_trade_no
    trade = Trade(
        out_trade_no=number, transaction_id="4200", state="SUCCESS", amount_fen=12_000,
        payer_openid=None, paid_at_ms=now_ms(), sub_mchid=(await unknown.payment()).sub_mchid,
    )  # fmt: skip
    await actions.hear_trade(payments, unknown.order_id, trade, now_ms())
    await unknown.goes("expired")
    fine = await paid_deal(payments, phone, ear)
    await fine.goes("expired")
    await Settlement(payments).run_out(now_ms())
    await ear.until(fine.is_refunded)
    assert [r.status for r in await fine.refunds()] == ["done"]
    (failing,) = await unknown.refunds()
    assert (failing.status, failing.attempts) == ("wanted", 1)
    assert failing.due_ms > now_ms()
    assert (await unknown.balances())["deposit"] == 10_000


@pytest.mark.parametrize("seed", range(3))
async def test_random_histories_end_with_the_right_money_everywhere(
    deaf: Payments, seed: int
) -> None:
    """Orders end in all ways while WeChat fails a third of all calls, and everything runs at once."""
    chance = random.Random(seed)
    wechat = FakeWechat(chance, failing=0.33)
    ill = replace(deaf, pay=wechat)
    paths = (
        ("expired",), ("cancelled",), ("ready", "cancelled"), ENDING,
        ("ready", "in_use", "disputed", "refunded"),
    )  # fmt: skip
    deals = [
        await new_deal(ill, rent_fen=(rent := chance.randrange(3_000)), deposit_fen=1 + chance.randrange(9_000), fee_fen=rent // 10)
        for _ in range(10)
    ]  # fmt: skip
    refunds = [chance.randrange(deal.total_fen + 1) for deal in deals]
    chosen = [paths[index % len(paths)] for index in range(len(deals))]

    async def live(deal: Deal, path: tuple[str, ...], back: int) -> None:
        for _ in range(20):
            try:
                await actions.prepay(ill, asks(deal.buyer), Prepay(order_id=deal.order_id))
                break
            except MarketError:
                continue
        number = (await deal.payment()).out_trade_no
        if "ready" not in path and chance.random() < 0.5:
            await deal.goes(*path)
            wechat.pay(number, now_ms())
        else:
            assert wechat.pay(number, now_ms())
            # the order counts a payment in only after payments has told of it
            if "ready" in path:
                await actions.hear_trade(ill, deal.order_id, wechat.trades[number], now_ms())
            await deal.goes(*path, refund_fen=back)

    await asyncio.gather(
        *(live(*each) for each in zip(deals, chosen, refunds, strict=True)),
        *(Settlement(ill).run_out(now_ms() + 40_000) for _ in range(3)),
    )
    wechat.failing = 0.1
    numbers = [(await deal.payment()).out_trade_no for deal in deals]
    for hour in range(1, 30):  # days of WeChat being a little ill
        await Settlement(ill).run_out(now_ms() + hour * 3_600_000)
        for deal, number in zip(deals, numbers, strict=True):  # late callbacks
            await actions.hear_trade(ill, deal.order_id, wechat.trades[number], now_ms())
    for deal, path, back, number in zip(deals, chosen, refunds, numbers, strict=True):
        transaction_id = wechat.trades[number].transaction_id or ""
        if path[-1] == "completed":
            back = deal.deposit_fen
        elif "ready" not in path:
            back = deal.total_fen
        kept = deal.total_fen - back
        kept_rent = min(kept, deal.rent_fen)
        fee = deal.fee_fen * kept_rent // deal.rent_fen if deal.rent_fen else 0
        assert await deal.balances() == (
            {"wechat:platform": -fee, "platform:fees": fee} if fee else {}
        )
        assert wechat.refunded_fen(number) == back
        assert wechat.shared_fen(transaction_id) == fee
        assert wechat.released_fen(transaction_id) == kept - fee
        assert {refund.status for refund in await deal.refunds()} <= {"done"}
    while await ledger_totals.run_once(ill, now_ms()):
        pass
    check = await views.ledger_check(ill, asks(someone("operator")), CheckLedger(full=True))
    assert (check.ok, check.sum_fen, check.unrolled) == (True, 0, 0)
    assert (check.unbalanced, check.overdrawn, check.wrong) == ((), (), ())


async def test_each_party_sees_its_own_money_and_strangers_nothing(
    payments: Payments, phone: Phone, ear: Ear
) -> None:
    deal = await paid_deal(payments, phone, ear)
    await deal.goes(*ENDING)
    money, lines = GetOrderMoney(order_id=deal.order_id), GetStatement(order_id=deal.order_id)
    buyer = await views.of_order(payments, asks(deal.buyer), money)
    assert buyer.due is None
    assert buyer.paid is not None
    assert [(r.amount_fen, r.reason, r.status) for r in buyer.paid.refunds] == [
        (10_000, "completed", "wanted")
    ]
    owner = await views.of_order(payments, asks(deal.owner), money)
    assert owner.paid is None
    assert owner.due is not None
    assert (owner.due.status, owner.due.due_fen, owner.due.settled_fen) == ("settled", 1_800, 1_800)
    operator = await views.of_order(payments, asks(someone("operator")), money)
    assert operator.paid == buyer.paid
    assert operator.due == owner.due
    for view, query in ((views.of_order, money), (views.statement, lines)):
        with pytest.raises(NotFound):
            await view.perform(
                payments, someone(), now_ms(), None, {"order_id": str(query.order_id)}
            )
        with pytest.raises(NotFound):
            await view.perform(payments, deal.buyer, now_ms(), None, {"order_id": str(new_id())})
    with pytest.raises(Forbidden):
        await views.ledger_check(payments, asks(deal.buyer), CheckLedger())


@pytest.mark.parametrize(
    "statement",
    ["UPDATE {table} SET {column} = {column} + 1", "DELETE FROM {table}"],
)
@pytest.mark.parametrize(
    ("table", "column"), [("entries", "amount_fen"), ("notifications", "heard_ms")]
)
async def test_the_payments_user_may_add_to_the_journal_and_change_nothing(
    payments: Payments, statement: str, table: str, column: str
) -> None:
    with pytest.raises(pymysql.err.OperationalError) as refusal:
        async with payments.db.read() as cursor:
            await cursor.execute(statement.format(table=table, column=column))
    assert refusal.value.args[0] == 1142  # denied


@pytest.mark.parametrize("statement", ["UPDATE entries SET at_ms = 0", "DELETE FROM entries"])
async def test_even_an_administrator_is_stopped_by_the_triggers(
    payments: Payments, phone: Phone, ear: Ear, root: aiomysql.Connection, statement: str
) -> None:
    deal = await paid_deal(payments, phone, ear)
    async with root.cursor() as cursor:
        with pytest.raises(pymysql.err.MySQLError, match="append-only"):
            await cursor.execute(f"{statement} WHERE order_id = %s", deal.order_id)
    assert (await deal.balances())["wechat:clearing"] == -12_000


async def test_nothing_is_posted_twice(payments: Payments, phone: Phone, ear: Ear) -> None:
    """The unique key refuses what a mistake in the rules might try."""
    deal = await paid_deal(payments, phone, ear)
    again = ledger.posting(deal.order_id, "received", {"wechat:clearing": -1, "owner:1": 1})
    assert again is not None
    with pytest.raises(pymysql.err.IntegrityError):
        await payments.db.act(now_ms(), lambda tx: ledger_store.post(tx, again), type(None))
