"""An owner becomes known to WeChat, and can be paid from then on; before, nobody can pay its orders."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiomysql
import pytest

from infra.process import now_ms
from market.kernel.errors import BadInput, OwnerNotOnboarded, PaymentProviderError
from market.kernel.facts import OwnerOnboarding
from market.payments import actions, onboarding, views
from market.payments.commands import GetOnboarding, Prepay
from market.payments.rules.sight import OnboardingView
from market.payments.wing import Payments
from tests.integration.conftest import someone
from tests.integration.payments.conftest import APPLICATION, Phone, a_deal, asks, facts_of
from workers.settlement import Settlement

HOUR_MS = 3_600_000


@pytest.fixture
async def held(phone: Phone) -> AsyncIterator[None]:
    """WeChat looks at applications for a while."""
    await phone.rules(onboarding="hold")
    yield
    await phone.rules(onboarding="accept")


async def number_of(payments: Payments, owner: Any) -> str:
    async with payments.db.read() as cursor:
        row = await cursor.one(
            "SELECT out_request_no FROM merchants WHERE user_id = %s", owner.user_id
        )
    assert row is not None
    return str(row[0])


async def status(payments: Payments, owner: Any) -> OnboardingView:
    return await views.onboarding(payments, asks(owner), GetOnboarding())


async def test_an_accepted_owner_is_told_and_can_be_paid(payments: Payments) -> None:
    deal = await a_deal(payments, None)
    assert (await status(payments, deal.owner)).status == "none"
    pay = Prepay(order_id=deal.order_id)
    for _ in range(2):
        with pytest.raises(OwnerNotOnboarded) as refusal:
            await actions.prepay(payments, asks(deal.buyer), pay)
        assert (refusal.value.code, refusal.value.retryable) == ("owner_not_onboarded", False)
    (needed,) = await facts_of(payments, OwnerOnboarding, owner_id=deal.owner.user_id)
    assert (needed.state, needed.order_id) == ("needed", deal.order_id)

    view = await onboarding.onboard(payments, asks(deal.owner), APPLICATION)
    assert view.status == "finished"
    assert (await actions.prepay(payments, asks(deal.buyer), pay)).status == "waiting"
    told = await facts_of(payments, OwnerOnboarding, owner_id=deal.owner.user_id)
    assert [fact.state for fact in told] == ["needed", "finished"]
    again = await onboarding.onboard(payments, asks(deal.owner), APPLICATION)
    assert again.status == "finished"


async def test_an_application_under_way_is_asked_about_until_wechat_has_decided(
    payments: Payments, phone: Phone, held: None
) -> None:
    owner = someone()
    begun = now_ms()
    view = await onboarding.onboard(payments, asks(owner, begun), APPLICATION)
    assert view.status == "applied"
    await Settlement(payments).run_out(begun + HOUR_MS)
    assert (await status(payments, owner)).status == "applied"
    await phone.post(
        "/onboarding", out_request_no=await number_of(payments, owner), decision="accept"
    )
    await Settlement(payments).run_out(begun + 2 * HOUR_MS)
    assert (await status(payments, owner)).status == "finished"
    told = await facts_of(payments, OwnerOnboarding, owner_id=owner.user_id)
    assert [fact.state for fact in told] == ["finished"]


async def test_a_rejected_owner_reads_why_and_applies_again(
    payments: Payments, phone: Phone, held: None
) -> None:
    owner = someone()
    begun = now_ms()
    await onboarding.onboard(payments, asks(owner, begun), APPLICATION)
    await phone.post(
        "/onboarding", out_request_no=await number_of(payments, owner), decision="reject",
        reason="身份证已过期",
    )  # fmt: skip
    await Settlement(payments).run_out(begun + HOUR_MS)
    seen = await status(payments, owner)
    assert seen.status == "rejected"
    assert "身份证已过期" in seen.reason
    await phone.rules(onboarding="accept")
    assert (await onboarding.onboard(payments, asks(owner), APPLICATION)).status == "finished"


async def test_an_application_that_never_reached_wechat_is_asked_for_once_more(
    payments: Payments, cut_off: Payments
) -> None:
    owner = someone()
    begun = now_ms()
    with pytest.raises(PaymentProviderError):
        await onboarding.onboard(cut_off, asks(owner, begun), APPLICATION)
    assert (await status(payments, owner)).status == "sending"
    await Settlement(payments).run_out(begun + HOUR_MS)
    seen = await status(payments, owner)
    assert (seen.status, bool(seen.reason)) == ("rejected", True)
    assert (await onboarding.onboard(payments, asks(owner), APPLICATION)).status == "finished"


async def test_applying_from_several_devices_makes_one_application(payments: Payments) -> None:
    owner = someone()
    seen = await asyncio.gather(
        *(onboarding.onboard(payments, asks(owner), APPLICATION) for _ in range(5))
    )
    assert {view.status for view in seen} == {"finished"}
    told = await facts_of(payments, OwnerOnboarding, owner_id=owner.user_id)
    assert len(told) == 1


async def test_what_wechat_would_refuse_is_refused_at_once(cut_off: Payments) -> None:
    wrong = replace(APPLICATION, id_number="110105194912310021")
    unlicensed = replace(APPLICATION, subject_type="enterprise")
    for application in (wrong, unlicensed):
        with pytest.raises(BadInput):
            await onboarding.onboard(cut_off, asks(someone()), application)
    for field, value in (("mobile", "12"), ("bank_account", "x"), ("legal_name", ""), ("bank", 7)):
        body = {"legal_name": "张三", field: value}
        with pytest.raises(BadInput):
            await onboarding.onboard.perform(cut_off, someone(), now_ms(), None, body)


async def test_what_is_applied_with_is_kept_nowhere(
    payments: Payments, root: aiomysql.Connection
) -> None:
    """Every text column of every table of the wing, after the fact."""
    application = replace(APPLICATION, legal_name="欧阳不留痕", bank_account="6222029999911111")
    await onboarding.onboard(payments, asks(someone()), application)
    secrets = (application.legal_name, application.bank_account, application.id_number)
    async with root.cursor() as cursor:
        await cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = DATABASE() "
            "AND data_type IN ('varchar', 'text', 'blob', 'mediumblob', 'longblob', 'varbinary', 'json')"
        )
        columns = await cursor.fetchall()
        assert len(columns) > 20
        for table, column in columns:
            for secret in secrets:
                await cursor.execute(
                    f"SELECT COUNT(*) FROM `{table}` WHERE INSTR(`{column}`, %s) > 0",
                    (secret.encode(),),
                )
                assert await cursor.fetchone() == (0,), (table, column)
    for secret in secrets:
        assert secret not in repr(application)
