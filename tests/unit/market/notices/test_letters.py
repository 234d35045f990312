"""What WeChat's subscribe messages say, to whom, and how often."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.config import ConfigError
from market.kernel.facts import (  # fmt: skip
    EXTENSION_MOVED,
    ORDER_STATES,
    MessageSent,
    OrderMoved,
    PaymentRefunded,
    PaymentSettled,
)
from market.kernel.ids import Id
from market.kernel.period import HOUR_MS, MINUTE_MS
from market.notices.commands import LetterKind
from market.notices.rules import letters, telling, wording
from market.notices.rules.letters import Letter, Permit, Reminder
from market.notices.rules.telling import drafts
from market.notices.templates import Templates
from sandbox.server.messages import VALUES
from tests.unit.market.notices.test_rules import BUYER, NOON_MS, ORDER, OWNER, order

NAMED = ",".join(
    f"{kind}:T-{kind}:" + ".".join(f"{field}{n}" for n, field in enumerate(fields, 1))
    for kind, fields in letters.FIELDS.items()
)


def as_wechat_takes_it(letter: Letter) -> None:
    """Against the stand-in's own rules, which were written from WeChat's page."""
    fields = letters.FIELDS[letter.kind]
    assert len(fields) == len(letter.values)
    for field, value in zip(fields, letter.values, strict=True):
        assert re.fullmatch(VALUES[field], value), (letter.kind, field, value)


def told(state: str, by: str, title: str = "电钻") -> dict[Id, Letter | None]:
    moved = replace(order(state, title), by=by)
    return {draft.user_id: draft.letter for draft in drafts(f"order.{state}", moved)}


TITLES = ("电钻", "长" * 60, "😀" * 30, "a\nb\tc", "　", "{total}{0}")


@pytest.mark.parametrize("title", TITLES)
@pytest.mark.parametrize("state", ORDER_STATES)
def test_every_letter_of_an_order_is_as_wechat_takes_it(state: str, title: str) -> None:
    for letter in told(state, "time", title).values():
        if letter is not None:
            as_wechat_takes_it(letter)


def test_who_has_to_know_gets_one_and_who_did_it_does_not() -> None:
    expected = {
        ("requested", "buyer"): {OWNER: "booking"},
        ("pending_payment", "owner"): {BUYER: "progress"},
        ("pending_payment", "buyer"): {},
        ("ready", "payments"): {OWNER: "booking"},
        ("declined", "owner"): {BUYER: "progress"},
        ("in_use", "owner"): {},
        ("returned", "buyer"): {OWNER: "progress"},
        ("claimed", "owner"): {BUYER: "progress"},
        ("disputed", "buyer"): {OWNER: "progress"},
        ("cancelled", "buyer"): {OWNER: "progress"},
        ("cancelled", "time"): {OWNER: "progress", BUYER: "progress"},
        ("completed", "owner"): {},
    }
    for (state, by), kinds in expected.items():
        found = {user: letter.kind for user, letter in told(state, by).items() if letter}
        assert found == kinds, (state, by)


def test_an_extension_is_in_the_inbox_alone() -> None:
    moved = replace(order("ready"), transition="extend_pay", by="payments")
    assert [draft.letter for draft in drafts(EXTENSION_MOVED, moved)] == [None, None]


def test_it_opens_the_order_from_the_readers_side() -> None:
    letter = told("pending_payment", "owner")[BUYER]
    assert letter is not None
    assert letter.page == f"deal/order/order?id={ORDER}&role=buyer"
    assert letter.until_ms == NOON_MS  # after the time to pay is over it is of no use
    assert "1月1日 12:00" in letter.values[-1]


def test_money_is_said_to_the_fen() -> None:
    refunded = PaymentRefunded(
        order_id=ORDER, payment_id=Id(1), refund_id=Id(2), buyer_id=BUYER, amount_fen=123_456, reason="x"
    )  # fmt: skip
    settled = PaymentSettled(
        order_id=ORDER, payment_id=Id(1), owner_id=OWNER, owner_fen=1_000_000, fee_fen=0
    )
    for kind, data, sum_ in (("payment.refunded", refunded, "1234.56元"), ("payment.settled", settled, "10000元")):  # fmt: skip
        (draft,) = drafts(kind, data)
        assert draft.letter is not None
        as_wechat_takes_it(draft.letter)
        assert draft.letter.values[0] == sum_


def test_a_chat_line_says_who_and_not_what() -> None:
    for name in (*TITLES, ""):
        as_wechat_takes_it(letters.of_line(Id(3), name, NOON_MS))
    letter = letters.of_line(Id(3), "阿宝", NOON_MS)
    assert letter.page == "deal/chat/chat?id=3"
    assert letter.values[0] == "阿宝"
    assert letter.until_ms > NOON_MS
    line = MessageSent(
        conversation_id=Id(3), seq=1, sender_id=BUYER, recipient_id=OWNER, message_kind="text"
    )
    (draft,) = drafts("chat.message_sent", line)
    assert draft.letter is None  # written where it is known whether there was one a while ago


@given(st.text(max_size=80))
def test_a_thing_is_one_line_that_fits(text: str) -> None:
    fitted = letters.thing(text)
    assert fitted
    assert len(fitted.encode("utf-16-le")) <= 2 * letters.THING_CHARACTERS
    assert fitted == letters.thing(fitted)
    assert fitted.isprintable()


# --- what lies ahead --------------------------------------------------------------------------------------------------


def moved(state: str, hours: float) -> OrderMoved:
    return replace(
        order(state), start_ms=NOON_MS, end_ms=NOON_MS + int(hours * HOUR_MS), by="owner"
    )


def test_an_hour_before_it_begins_and_before_it_ends() -> None:
    early = NOON_MS - 5 * HOUR_MS
    starting = letters.reminder_of(moved("ready", 8), early)
    ending = letters.reminder_of(moved("in_use", 8), NOON_MS)
    assert starting is not None
    assert ending is not None
    assert (starting.kind, starting.due_ms) == ("order.starting", NOON_MS - HOUR_MS)
    assert (ending.kind, ending.due_ms) == ("order.ending", NOON_MS + 7 * HOUR_MS)


def test_a_short_use_is_reminded_of_when_a_quarter_is_left() -> None:
    ending = letters.reminder_of(moved("in_use", 1), NOON_MS)
    assert ending is not None
    assert ending.due_ms == NOON_MS + 45 * MINUTE_MS


def test_what_is_about_to_happen_anyway_is_not_reminded_of() -> None:
    assert letters.reminder_of(moved("ready", 8), NOON_MS - HOUR_MS) is None
    assert letters.reminder_of(moved("in_use", 8), NOON_MS + 7 * HOUR_MS) is None


@pytest.mark.parametrize("state", sorted(set(ORDER_STATES) - {"ready", "in_use"}))
def test_other_states_have_nothing_ahead(state: str) -> None:
    assert letters.reminder_of(moved(state, 8), 0) is None


@pytest.mark.parametrize("kind", ["order.starting", "order.ending"])
def test_both_are_reminded_in_their_own_words(kind: str) -> None:
    reminder = Reminder(
        order_id=ORDER, kind=kind, due_ms=1, buyer_id=BUYER, owner_id=OWNER, title="电钻", start_ms=NOON_MS,
        end_ms=NOON_MS + HOUR_MS,
    )  # fmt: skip
    told = telling.reminders(reminder)
    assert [draft.user_id for draft in told] == [OWNER, BUYER]
    assert len({draft.body for draft in told}) == 2
    for draft in told:
        assert "「电钻」" in draft.body
        assert draft.letter is not None
        as_wechat_takes_it(draft.letter)


# --- permits ----------------------------------------------------------------------------------------------------------


def test_a_yes_is_good_for_one_and_a_no_for_none() -> None:
    permit = letters.answered(Permit(kind="chat"), "accept", 5)
    assert permit.good
    assert not letters.spent(permit).good
    declined = letters.answered(permit, "reject", 9)
    assert (declined.remaining, declined.declined_ms) == (1, 9)
    assert letters.answered(declined, "filter", 10) == declined
    assert letters.answered(declined, "accept", 11).declined_ms == 0


def test_yeses_are_counted_up_to_what_anybody_needs() -> None:
    permit = Permit(kind="chat")
    for _ in range(1000):
        permit = letters.answered(permit, "accept", 1)
    assert permit.remaining == letters.MOST_REMAINING == letters.given_back(permit).remaining


def test_what_is_switched_off_is_not_sent_until_it_is_allowed_again() -> None:
    off = Permit(kind="chat", remaining=3, wanted=False)
    assert not off.good
    assert letters.answered(off, "accept", 1).good


def test_pauses_grow_and_end() -> None:
    pauses = [letters.pause_ms(n) for n in range(40)]
    assert pauses == sorted(pauses)
    assert pauses[0] < pauses[1]
    assert pauses[-1] == letters.LONGEST_PAUSE_MS


# --- configuration ----------------------------------------------------------------------------------------------------


def test_every_kind_has_words_fields_and_a_name_on_the_wire() -> None:
    assert set(letters.FIELDS) == set(wording.LETTERS) == set(get_args(LetterKind))
    titles = [title for title, _ in wording.LETTERS.values()]
    assert len(set(titles)) == len(titles)  # WeChat asks about one title once


def test_templates_are_read_as_they_are_documented() -> None:
    templates = Templates.parse(NAMED)
    assert {kind: t.id for kind, t in templates.of.items()} == {k: f"T-{k}" for k in letters.FIELDS}
    assert templates.of["chat"].fields == ("thing1", "thing2", "time3")
    assert Templates.parse("").of == {}
    only = Templates.parse("chat:abc:thing5.thing1.time12")
    assert list(only.of) == ["chat"]
    assert letters.data(only.of["chat"].fields, ("a", "b", "c"))["time12"] == {"value": "c"}


@pytest.mark.parametrize(
    "text",
    [
        "chat", "chat:abc", "chat:abc:thing1", "chat:abc:thing1.time2.thing3", "sale:abc:thing1.thing2.time3",
        "chat:a:thing1.thing2.time3,chat:b:thing1.thing2.time3", "chat:a b:thing1.thing2.time3",
    ],
)  # fmt: skip
def test_templates_that_wechat_would_refuse_are_refused_at_the_start(text: str) -> None:
    with pytest.raises(ConfigError):
        Templates.parse(text)
