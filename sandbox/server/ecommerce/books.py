"""What lies where: each movement is an entry, a balance is the sum of entries.

A payment lies in the sub-merchant's "frozen" pot until it is shared, released or given back. The
platform's part lies in its own "available" pot.
"""

from __future__ import annotations

import secrets

from sandbox.server.store import Entry, Refund, Share, Store, Trade
from sandbox.server.wire import PayError

PAYMENT, FEE, FEE_BACK = "交易", "扣除交易手续费", "退还交易手续费"
REFUND, REFUND_BACK = "退款", "退款失败退回"
SHARE, SHARED, RELEASE = "分账", "分账收入", "解冻"
_FEES = (FEE, FEE_BACK)


def fee_of(amount_fen: int, fee_bp: int) -> int:
    """WeChat's fee, rounded half up to a fen."""
    return (amount_fen * fee_bp + 5000) // 10000


def book_payment(store: Store, trade: Trade, fee_bp: int, at_ms: int) -> None:
    pot = "frozen" if trade.sharing else "available"
    _book(store, trade, at_ms, trade.sub_mchid, pot, trade.amount_fen, PAYMENT, trade.out_trade_no)
    fee_fen = fee_of(trade.amount_fen, fee_bp)
    if fee_fen:
        _book(store, trade, at_ms, trade.sub_mchid, pot, -fee_fen, FEE, trade.out_trade_no)


def book_refund(
    store: Store, trade: Trade, refund: Refund, earlier_fen: int, fee_bp: int, at_ms: int
) -> None:
    """Takes the refund out of what is frozen, or out of the balance once that is released.

    `earlier_fen` is what was given back before. Raises NOT_ENOUGH, and books nothing then.
    """
    charged_fen = store.charged_fen(_transaction(trade), _FEES)
    left_fen = trade.amount_fen - earlier_fen - refund.refund_fen
    fee_back_fen = max(0, charged_fen - fee_of(left_fen, fee_bp))
    pot = "frozen" if trade.sharing and not is_finished(store, trade) else "available"
    there_fen = (
        store.frozen_fen(_transaction(trade))
        if pot == "frozen"
        else store.balance_fen(trade.sub_mchid, pot)
    )
    if there_fen + fee_back_fen < refund.refund_fen:
        raise PayError(403, "NOT_ENOUGH", "基本账户余额不足，请充值后重新发起")
    voucher = refund.out_refund_no
    _book(store, trade, at_ms, trade.sub_mchid, pot, -refund.refund_fen, REFUND, voucher)
    if fee_back_fen:
        _book(store, trade, at_ms, trade.sub_mchid, pot, fee_back_fen, FEE_BACK, voucher)


def book_refund_undone(store: Store, trade: Trade, refund: Refund, at_ms: int) -> None:
    """The refund was closed: the money is where a refund would take it from now."""
    pot = "frozen" if trade.sharing and not is_finished(store, trade) else "available"
    _book(
        store, trade, at_ms, trade.sub_mchid, pot, refund.refund_fen, REFUND_BACK,
        refund.out_refund_no,
    )  # fmt: skip


def book_share(
    store: Store, trade: Trade, share: Share, parts: list[tuple[str, int]], at_ms: int
) -> None:
    """`parts` are (receiver's account, fen)."""
    for account, fen in parts:
        number = share.out_order_no
        _book(store, trade, at_ms, trade.sub_mchid, "frozen", -fen, SHARE, number)
        _book(store, trade, at_ms, account, "available", fen, SHARED, number)


def book_release(store: Store, trade: Trade, share: Share, at_ms: int) -> int:
    """What is left of the payment becomes the sub-merchant's own; returns it in fen."""
    fen = store.frozen_fen(_transaction(trade))
    if fen:
        _book(store, trade, at_ms, trade.sub_mchid, "frozen", -fen, RELEASE, share.out_order_no)
        _book(store, trade, at_ms, trade.sub_mchid, "available", fen, RELEASE, share.out_order_no)
    return fen


def is_finished(store: Store, trade: Trade) -> bool:
    return any(share.kind == "finish" for share in store.shares_of(_transaction(trade)))


def _transaction(trade: Trade) -> str:
    assert trade.transaction_id is not None
    return trade.transaction_id


def _book(
    store: Store, trade: Trade, at_ms: int, mchid: str, pot: str, fen: int, name: str, voucher: str
) -> None:
    store.save(
        Entry(
            id=f"{at_ms}{secrets.randbelow(10**15):015d}",
            at_ms=at_ms,
            mchid=mchid,
            pot=pot,
            amount_fen=fen,
            name=name,
            transaction_id=_transaction(trade),
            voucher=voucher,
        )
    )
