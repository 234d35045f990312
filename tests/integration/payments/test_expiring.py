"""An order whose time to pay is over hears for certain whether it has been paid: only then is its slot given away."""

from __future__ import annotations

import pytest

from infra.process import now_ms
from market.kernel.errors import IllegalTransition, PaymentProviderError
from market.kernel.facts import PaymentClosed
from market.payments import actions, chores
from market.payments.books import ALERTS
from market.payments.commands import Prepay
from market.payments.rules import errands
from market.payments.wing import Payments
from tests.integration.payments.conftest import Ear, Phone, a_deal, asks, new_deal
from workers.settlement import Settlement


async def test_an_order_that_nobody_began_to_pay_is_closed_at_once(cut_off: Payments) -> None:
    deal = await a_deal(cut_off, None)
    await deal.goes("expiring")
    (fact,) = await deal.facts()
    assert isinstance(fact, PaymentClosed)
    assert fact.payment_id == 0


async def test_a_prepay_is_closed_at_wechat_before_the_order_hears_so(
    payments: Payments, phone: Phone
) -> None:
    deal = await new_deal(payments)
    view = await actions.prepay(payments, asks(deal.buyer), Prepay(order_id=deal.order_id))
    await deal.goes("expiring")
    assert await deal.kinds() == []
    with pytest.raises(IllegalTransition):
        await actions.prepay(payments, asks(deal.buyer), Prepay(order_id=deal.order_id))
    await Settlement(payments).run_out(now_ms())
    (fact,) = await deal.facts()
    assert isinstance(fact, PaymentClosed)
    assert fact.payment_id == view.payment_id
    payment = await deal.payment()
    assert payment.status == "closed"
    assert (await phone.trade(payment.out_trade_no))["state"] == "CLOSED"


async def test_what_was_paid_in_the_last_moment_is_received_and_not_closed(
    deaf: Payments, phone: Phone
) -> None:
    deal = await new_deal(deaf)
    view = await actions.prepay(deaf, asks(deal.buyer), Prepay(order_id=deal.order_id))
    await phone.pay(view.params)
    await deal.goes("expiring")
    await Settlement(deaf).run_out(now_ms())
    assert await deal.kinds() == ["payment.received"]
    await deal.goes("ready")
    assert await deal.balances() == {"wechat:clearing": -12_000, "escrow": 2_000, "deposit": 10_000}


async def test_what_was_closed_before_the_order_expired_is_told_when_it_does(
    deaf: Payments,
) -> None:
    deal = await new_deal(deaf)
    await actions.prepay(deaf, asks(deal.buyer), Prepay(order_id=deal.order_id))
    assert await chores.check(
        deaf, deal.order_id, errands.close_at_ms(deal.pay_by_ms, deaf.query_s)
    )
    assert await deal.kinds() == []
    await deal.goes("expiring")
    assert await deal.kinds() == ["payment.closed"]


async def test_while_wechat_is_away_the_order_waits_and_somebody_is_told(
    payments: Payments, cut_off: Payments
) -> None:
    deal = await new_deal(payments)
    await actions.prepay(payments, asks(deal.buyer), Prepay(order_id=deal.order_id))
    await deal.goes("expiring")
    alerts = ALERTS.labels("query_failing")._value.get()
    at_ms = deal.pay_by_ms
    for _ in range(errands.ALERT_AFTER):
        with pytest.raises(PaymentProviderError):
            await chores.check(cut_off, deal.order_id, at_ms)
        later_ms = (await deal.payment()).check_ms
        assert later_ms > at_ms
        at_ms = later_ms
    assert await deal.kinds() == []
    assert ALERTS.labels("query_failing")._value.get() == alerts + 1
    assert await chores.check(payments, deal.order_id, at_ms)
    assert await deal.kinds() == ["payment.closed"]


async def test_closed_for_good_and_paid_all_the_same_goes_back(
    payments: Payments, phone: Phone, ear: Ear
) -> None:
    deal = await new_deal(payments)
    view = await actions.prepay(payments, asks(deal.buyer), Prepay(order_id=deal.order_id))
    await deal.goes("expiring")
    await Settlement(payments).run_out(now_ms())
    await deal.goes("expired")
    await phone.pay(view.params, after_expiry=True)
    assert await ear.statuses.get() == 200
    await Settlement(payments).run_out(now_ms())
    await ear.until(deal.is_refunded)
    assert await deal.kinds() == ["payment.closed", "payment.received", "payment.refunded"]
    assert await deal.balances() == {}
