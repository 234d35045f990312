"""What users are told, and the log it is told in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from market.kernel.actor import Actor
from market.kernel.errors import BadInput
from market.kernel.facts import (
    EXTENSION_MOVED,
    ORDER_STATES,
    CreditChanged,
    EvidenceAdded,
    FactData,
    ListingRated,
    MessageSent,
    OrderMoved,
    OwnerOnboarding,
    PaymentRefunded,
    PaymentSettled,
    RatingGiven,
    RatingsRevealed,
)
from market.kernel.ids import Id
from market.notices.rules import inbox as rules
from market.notices.rules import wording
from market.notices.rules.inbox import Inbox
from market.notices.rules.telling import Draft, Link, drafts
from market.orders.rules.extension import STEPS

BUYER, OWNER, ORDER = Id(20), Id(10), Id(7)
NOON_MS = 1_767_240_000_000  # 2026-01-01 12:00 in Beijing


def order(state: str, title: str = "电钻") -> OrderMoved:
    return OrderMoved(
        order_id=ORDER, version=1, transition="x", state=state, by="buyer", listing_id=Id(5), buyer_id=BUYER,
        owner_id=OWNER, title=title, start_ms=NOON_MS, end_ms=NOON_MS + 3_600_000, rent_fen=1000,
        deposit_fen=5000, fee_fen=50, total_fen=6050, refund_fen=0,
        refund_deposit_fen=0, owner_fen=0, tells=("buyer", "owner"), pay_by_ms=NOON_MS,
    )  # fmt: skip


@pytest.mark.parametrize("state", ORDER_STATES)
def test_every_turn_of_an_order_is_told_to_both_in_their_own_words(state: str) -> None:
    told = drafts(f"order.{state}", order(state))
    assert [d.user_id for d in told] == [OWNER, BUYER]  # by user id: one order of locks
    for draft in told:
        assert draft.kind == f"order.{state}"
        assert "「电钻」" in draft.body
        assert draft.link == Link(order_id=ORDER)
        assert "{" not in draft.body


@pytest.mark.parametrize("name", sorted(STEPS))
def test_every_step_of_an_extension_that_is_told_has_words_of_its_own(name: str) -> None:
    moved = replace(order("in_use"), transition=name, tells=STEPS[name].tells)
    told = drafts(EXTENSION_MOVED, moved)
    assert len(told) == len(STEPS[name].tells)
    for draft in told:
        assert draft.kind == EXTENSION_MOVED
        assert "「电钻」" in draft.body
        assert "1月1日 13:00" in draft.body


def test_who_is_not_to_be_told_is_not() -> None:
    assert drafts("order.expiring", replace(order("expiring"), tells=())) == []
    (draft,) = drafts("order.ready", replace(order("ready"), tells=("owner",)))
    assert draft.user_id == OWNER


def test_there_is_no_sentence_for_a_state_that_does_not_exist() -> None:
    assert {state for state, _ in wording.ORDER} == set(ORDER_STATES)


def test_sums_and_times_are_written_for_people() -> None:
    owner, buyer = drafts("order.pending_payment", order("pending_payment"))
    assert buyer.body == "「电钻」已为你留好，请在 1月1日 12:00 前支付 60.50 元。"
    assert "1月1日 12:00 至 1月1日 13:00" in owner.body


def test_a_long_or_odd_title_does_no_harm() -> None:
    for title in ("长" * 255, "{total}{0}{}", "%s"):
        for draft in drafts("order.ready", order("ready", title)):
            assert len(draft.body) <= 512
    assert "{total}{0}{}" in drafts("order.ready", order("ready", "{total}{0}{}"))[0].body


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (
            PaymentRefunded(order_id=ORDER, payment_id=Id(1), refund_id=Id(2), buyer_id=BUYER, amount_fen=1200, reason=""),
            [(BUYER, "12 元已原路退回你的微信账户。")],
        ),
        (
            PaymentSettled(order_id=ORDER, payment_id=Id(1), owner_id=OWNER, owner_fen=950, fee_fen=50),
            [(OWNER, "9.50 元已结算到你的余额。")],
        ),
        (
            OwnerOnboarding(owner_id=OWNER, order_id=Id(0), state="rejected", reason="姓名不符"),
            [(OWNER, "微信支付没有通过你的收款资料：姓名不符。请修改后重新提交。")],
        ),
        (
            EvidenceAdded(order_id=ORDER, version=3, by="buyer", buyer_id=BUYER, owner_id=OWNER),
            [(OWNER, "对方在争议中补充了说明或照片，请查看。")],
        ),
        (RatingGiven(order_id=ORDER, rater_id=BUYER, ratee_id=OWNER), [(OWNER, "对方已评价，互评后可见")]),
        (
            RatingsRevealed(order_id=ORDER, listing_id=Id(5), buyer_id=BUYER, owner_id=OWNER),
            [(OWNER, "双方的评价现在可以查看了。"), (BUYER, "双方的评价现在可以查看了。")],
        ),
        (
            CreditChanged(user_id=OWNER, version=2, credit_centistars=437, ratings=3),
            [(OWNER, "你的信用评分现在是 4.37 星。")],
        ),
        (ListingRated(listing_id=Id(5), version=1, rating_centistars=400, ratings=1), []),
    ],
)  # fmt: skip
def test_who_is_told_what(data: FactData, told: list[tuple[Id, str]]) -> None:
    assert [(d.user_id, d.body) for d in drafts("kind", data)] == told


def test_a_chat_line_is_told_to_its_recipient_without_what_it_says() -> None:
    sent = MessageSent(
        conversation_id=Id(9), seq=3, sender_id=BUYER, recipient_id=OWNER, message_kind="text"
    )
    (draft,) = drafts("chat.message_sent", sent)
    assert (draft.user_id, draft.kind, draft.chat_seq) == (OWNER, "chat.message", 3)
    assert draft.link == Link(conversation_id=Id(9))


def test_badges_follow_the_log() -> None:
    inbox, first = rules.add(
        Inbox(user_id=BUYER), Draft(user_id=BUYER, kind="order.ready", title="", body=""), 1
    )
    link = Link(conversation_id=Id(9))
    inbox, second = rules.add(
        inbox, Draft(user_id=BUYER, kind="chat.message", title="", body="", link=link), 2
    )
    assert [(e.seq, e.unread, e.unread_chats) for e in (first, second)] == [(1, 1, 0), (2, 2, 1)]
    inbox, third = rules.mark_chat(inbox, 2, Id(9), 3)
    assert (third.kind, third.seq, third.up_to, third.unread, third.unread_chats) == (
        "chat_read",
        3,
        2,
        1,
        0,
    )
    inbox, fourth = rules.mark(inbox, 2, 0, 0, 4)
    assert (fourth.kind, fourth.seq, fourth.up_to, fourth.unread) == ("read", 4, 2, 0)
    assert (inbox.last_seq, inbox.read_up_to) == (4, 2)
    with pytest.raises(BadInput):
        rules.check_mark(inbox, 5)


def test_an_inbox_is_its_users_alone() -> None:
    readers = rules.may_join_user(BUYER)
    assert readers.admit(Actor(user_id=BUYER, role="user"))
    assert not readers.admit(Actor(user_id=OWNER, role="user"))
    assert not readers.admit(Actor(user_id=OWNER, role="operator"))
    assert not readers.admit(Actor(user_id=BUYER, role="anonymous"))
