"""Doing it: what a buyer asks, and what WeChat tells. WeChat is called between transactions, never within one."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import pymysql.err

from infra.action import action, table
from infra.mysql.database import Tx
from market.kernel.actor import Call
from market.kernel.errors import (
    AlreadyDone,
    BadSignature,
    Conflict,
    IllegalTransition,
    NotFound,
    NotYet,
    OwnerNotOnboarded,
)
from market.kernel.ids import Id
from market.payments import (
    books,
    by_hand,
    merchant_store,
    onboarding,
    payout_store,
    reconciliation,
    store,
)
from market.payments.commands import Prepay
from market.payments.port import Notification, Refund, Trade
from market.payments.rules import division, errands, escrow, merchants
from market.payments.rules.escrow import Payment
from market.payments.store import Owed
from market.payments.wing import Payments


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepayView:
    """`params` are the arguments of wx.requestPayment, signed now; none when nothing is left to pay."""

    order_id: Id
    extension_id: int
    payment_id: Id
    amount_fen: int
    status: Literal["waiting", "paid"]
    pay_by_ms: int
    params: dict[str, str] | None


Heard = Literal["booked", "replayed", "ignored"]


@action("payments.prepay", keyed=False)
async def prepay(payments: Payments, call: Call, command: Prepay) -> PrepayView:
    """The buyer wants to pay: open the payment at WeChat and sign what the phone needs. Locks the order's payable.

    Asking again is safe: an order has one payment and one number at WeChat, and so has each extension. What costs nothing is
    paid at once.
    """

    async def intend(tx: Tx) -> Payment | None:
        payable = await store.lock_payable(tx, command.order_id, command.extension_id)
        if payable is None:
            raise NotYet("payments has not heard of this order")
        payment = await store.payment_of(tx, command.order_id, command.extension_id)
        escrow.may_pay(payable, payment, call.actor.user_id, call.now_ms)
        if payment is not None:
            return payment
        openid = await store.openid_of(tx, payable.buyer_id)
        if openid is None:
            raise NotYet("payments has not heard of this user")
        check_ms = errands.next_check_ms(
            call.now_ms, 0, payable.pay_by_ms, payments.query_s, call.now_ms
        )
        sub_mchid = await merchant_store.sub_mchid(tx, payable.owner_id)
        if sub_mchid is None and payable.total_fen:
            if await merchant_store.tell_owner(tx, payable.order_id, payable.owner_id):
                tx.emit(merchants.needed(payable))
            return None
        payment = escrow.prepare(tx.new_id(), payable, sub_mchid or "", openid, check_ms)
        await store.insert_payment(tx, payment)
        if payment.amount_fen == 0:
            await books.receive(tx, payable, payment, _gift(payment, call.now_ms))
            payment = replace(payment, status="paid")
        return payment

    payment: Payment | None = await payments.db.act(call.now_ms, intend, Payment)
    if payment is None:
        raise OwnerNotOnboarded
    if payment.status != "paid" and escrow.needs_prepay(payment, call.now_ms):
        payment = await _open_at_wechat(payments, payment, call.now_ms)
    if payment.status == "paid":
        return _prepay_view(payment, "paid", None)
    if payment.status == "closed":
        raise IllegalTransition("the time to pay is over")
    params = payments.pay.client_params(payment.prepay_id, call.now_ms, secrets.token_hex(16))
    return _prepay_view(payment, "waiting", params)


async def _open_at_wechat(payments: Payments, payment: Payment, now_ms: int) -> Payment:
    """Raise AlreadyDone when WeChat says that it is paid, IllegalTransition when it says that it is too late."""
    try:
        answer = await payments.pay.prepay(
            sub_mchid=payment.sub_mchid, out_trade_no=payment.out_trade_no,
            description=payment.description, amount_fen=payment.amount_fen, openid=payment.openid,
            expires_at_ms=payment.expires_ms,
        )  # fmt: skip
    except Conflict as refusal:
        code = refusal.data.get("code")
        if code == "ORDERPAID":
            trade = await payments.pay.query(
                sub_mchid=payment.sub_mchid, out_trade_no=payment.out_trade_no
            )
            await hear_trade(payments, payment.order_id, trade, now_ms, payment.extension)
            raise AlreadyDone("this order is paid") from refusal
        if code in ("ORDER_CLOSED", "ORDERCLOSED", "PARAM_ERROR"):  # a minute must be left
            raise IllegalTransition(
                "WeChat takes this payment no more", provider_code=code
            ) from refusal
        raise

    async def record(tx: Tx) -> Payment:
        _, known = await books.lock(tx, payment.order_id, payment.extension)
        check_ms = errands.next_check_ms(now_ms, 0, known.expires_ms, payments.query_s, now_ms)
        opened = escrow.prepared(known, answer.prepay_id, check_ms, now_ms)
        if opened is not known:
            await store.update_payment(tx, opened)
            if known.status == "preparing":
                books.EVENTS.labels("prepared").inc()
        return opened

    return await payments.db.act(now_ms, record, Payment)


async def notified(
    payments: Payments, headers: Mapping[str, str], raw_body: bytes, now_ms: int
) -> Heard:
    """WeChat posted this. When it returns, it is durable and its effect done, in one transaction. Locks the payable.

    Raise BadSignature for what is not WeChat's or too old, Conflict or NotFound for what does not match our books.
    """
    try:
        told = payments.pay.open_notification(headers, raw_body, now_ms)
    except BadSignature as refusal:
        books.alert("bad_signature", reason=refusal.message)
        raise

    async def body(tx: Tx) -> str:
        return await _book(tx, told)

    try:
        heard = await payments.db.act(now_ms, body, str)
    except (Conflict, NotFound) as refusal:
        books.alert("mismatch", notification=told.id, reason=refusal.message, **refusal.data)
        raise
    if heard == "replayed":
        books.EVENTS.labels("replayed").inc()
    return "replayed" if heard == "replayed" else "booked" if heard == "booked" else "ignored"


async def _book(tx: Tx, told: Notification) -> Heard:
    owed, subject = await _about(tx, told)
    if owed is None:
        await _remember(tx, told, subject)
        return "ignored"
    payable, payment = await books.lock(tx, *owed)
    if not await _remember(tx, told, subject):
        return "replayed"
    if told.trade is not None:
        if told.trade.state not in ("SUCCESS", "REFUND"):
            return "ignored"
        return "booked" if await books.receive(tx, payable, payment, told.trade) else "ignored"
    assert told.refund is not None
    refund_id = division.refund_id_of(told.refund.out_refund_no)
    assert refund_id is not None
    return await hear_refund(tx, await payout_store.find_refund(tx, refund_id), told.refund)


async def hear_refund(tx: Tx, refund: division.Refund, answer: Refund) -> Heard:
    """What WeChat says of one of our refunds. The payable's row must be locked."""
    if answer.out_refund_no != refund.out_refund_no:  # one that it has closed, under its old number
        return "ignored"
    if answer.state == "SUCCESS":
        payable, payment = await books.lock(tx, refund.order_id, refund.extension)
        done = await books.pay_back(tx, payable, payment, refund, answer.refund_id)
        return "booked" if done else "ignored"
    if answer.state in ("CLOSED", "ABNORMAL") and refund.status in ("wanted", "sent"):
        ended = division.given_up(refund, answer.state, answer.refund_id, tx.now_ms)
        await payout_store.update_refund(tx, ended, answer.state)
        kind = "refund_stuck" if ended.status == "stuck" else "refund_failing"
        books.alert(kind, refund=refund.out_refund_no, state=answer.state)
        return "booked"
    return "ignored"


async def hear_trade(
    payments: Payments, order_id: Id, trade: Trade, now_ms: int, extension: int = 0
) -> bool:
    """What WeChat answered when it was asked about a payment. Whether it is news. Locks the payable."""
    if trade.state not in ("SUCCESS", "REFUND"):
        return False

    async def body(tx: Tx) -> bool:
        payable, payment = await books.lock(tx, order_id, extension)
        return await books.receive(tx, payable, payment, trade)

    news = await payments.db.act(now_ms, body, bool)
    if news:
        books.EVENTS.labels("recovered").inc()
    return news


async def _about(tx: Tx, told: Notification) -> tuple[Owed | None, str]:
    """Whose payment a notification is about (None for events unknown to us), and the number that it names."""
    if told.trade is not None:
        number = told.trade.out_trade_no
        owed = await store.owed_by_trade(tx, number)
    elif told.refund is not None:
        number = told.refund.out_refund_no
        refund_id = division.refund_id_of(number)
        owed = await payout_store.owed_by_refund(tx, refund_id) if refund_id else None
    else:
        return None, ""
    if owed is None:
        raise NotFound("no such number", number=number)
    return owed, number


async def _remember(tx: Tx, told: Notification, subject: str) -> bool:
    """False when this notification has been heard before."""
    try:
        await store.insert_notification(tx, told.id, told.nonce, told.event_type, subject)
    except pymysql.err.IntegrityError:
        return False
    return True


def _gift(payment: Payment, now_ms: int) -> Trade:
    return Trade(
        out_trade_no=payment.out_trade_no, transaction_id=None, state="SUCCESS", amount_fen=0,
        payer_openid=None, paid_at_ms=now_ms, sub_mchid=payment.sub_mchid,
    )  # fmt: skip


def _prepay_view(
    payment: Payment, status: Literal["waiting", "paid"], params: dict[str, str] | None
) -> PrepayView:
    return PrepayView(
        order_id=payment.order_id, extension_id=payment.extension, payment_id=payment.id, amount_fen=payment.amount_fen, status=status,
        pay_by_ms=payment.expires_ms, params=params,
    )  # fmt: skip


ACTIONS = table(prepay, onboarding.onboard, reconciliation.resolve, by_hand.settle_refund)
