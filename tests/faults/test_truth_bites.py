"""The checker itself: each way in which truth could be lost is noticed. What is broken here is put right again."""

from __future__ import annotations

import random

import pytest

from tests.faults.fleet import Fleet
from tests.faults.load import under_load
from tests.faults.truth import assert_truth

LOST_OR_DOUBLED = {
    "a consumer did not hear a fact": (
        "DELETE FROM ratings.inbox WHERE entity = {order}",
        "INSERT INTO ratings.inbox SELECT * FROM insights.inbox WHERE entity = {order} AND kind = 'order.completed'",
    ),
    "a fact was never told": (
        "UPDATE orders.orders SET version = version + 1 WHERE id = {order}",
        "UPDATE orders.orders SET version = version - 1 WHERE id = {order}",
    ),
    "an order moved without anybody knowing": (
        "UPDATE orders.orders SET state = 'disputed' WHERE id = {order}",
        "UPDATE orders.orders SET state = 'completed' WHERE id = {order}",
    ),
    "a notice was given twice": (
        "INSERT INTO notices.entries SELECT user_id, seq + 100000, kind, title, body, order_id, conversation_id, "
        "listing_id, up_to, at_ms, is_unread, chat_seq, unread_after, chats_after FROM notices.entries "
        "WHERE order_id = {order} AND kind = 'order.ready' LIMIT 1",
        "DELETE FROM notices.entries WHERE seq > 100000",
    ),
    "an effect was counted twice": (
        "UPDATE listings.listings SET orders_completed = orders_completed + 1 WHERE id = {listing}",
        "UPDATE listings.listings SET orders_completed = orders_completed - 1 WHERE id = {listing}",
    ),
    "a projection is behind": (
        "UPDATE payments.payables SET state = 'ready' WHERE order_id = {order}",
        "UPDATE payments.payables SET state = 'completed' WHERE order_id = {order}",
    ),
    "a calendar moved unseen": (
        "UPDATE orders.bookables SET version = version + 1 WHERE listing_id = {listing}",
        "UPDATE orders.bookables SET version = version - 1 WHERE listing_id = {listing}",
    ),
}  # fmt: skip


@pytest.mark.timeout(60)
async def test_every_kind_of_lie_is_noticed(fleet: Fleet, dice: random.Random) -> None:
    async with under_load(fleet, dice) as load:
        await load.steps(60)
    [(order, listing), *_] = await fleet.rows(
        "SELECT id, listing_id FROM orders.orders WHERE state = 'completed' ORDER BY id DESC LIMIT 1"
    )
    unnoticed = []
    for what, (lie, truth) in LOST_OR_DOUBLED.items():
        await fleet.rows(lie.format(order=order, listing=listing))
        try:
            await assert_truth(fleet)
            unnoticed.append(what)
        except AssertionError:
            pass
        await fleet.rows(truth.format(order=order, listing=listing))
    assert unnoticed == []
    await assert_truth(fleet)
