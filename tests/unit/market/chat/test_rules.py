"""The chat's rules: who may read, what a line is, and a chain that shows every change."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.chat.rules import chain, talk
from market.chat.rules.chain import START, Break, Entry, Head
from market.chat.rules.talk import HEARD_WITHIN_MS, Body, Conversation, Listing
from market.chat.rules.wording import PRESETS
from market.kernel.actor import ANONYMOUS, Actor
from market.kernel.errors import BadInput, Forbidden, NotFound, NotYet
from market.kernel.ids import EPOCH_MS, MAX_ID, Id, IdMaker

BUYER, OWNER, STRANGER = Id(11), Id(22), Id(33)
TALK = Conversation(
    id=Id(7), kind="order", listing_id=Id(5), title="电钻", buyer_id=BUYER, owner_id=OWNER
)
HEAD = Head(seq=0, hash=START)


def user(id_: Id) -> Actor:
    return Actor(user_id=id_, role="user")


def written(texts: list[bytes]) -> list[Entry]:
    entries, head = [], HEAD
    for n, text in enumerate(texts):
        entry = chain.append(Id(7), head, (BUYER, OWNER)[n % 2], "text", 1000 + n, text)
        entries.append(entry)
        head = Head(seq=entry.seq, hash=entry.hash)
    return entries


TEXTS = st.lists(st.binary(max_size=40), min_size=1, max_size=12)


@given(TEXTS)
def test_an_untouched_chain_holds_to_its_end(texts: list[bytes]) -> None:
    entries = written(texts)
    walked = chain.follow(entries, HEAD)
    assert walked == Head(seq=len(texts), hash=entries[-1].hash)
    assert chain.arrived(walked, walked) is None


CHANGES = st.sampled_from(["seq", "sender_id", "kind", "at_ms", "ciphertext", "prev_hash", "hash"])


@given(TEXTS, st.data())
def test_any_change_of_any_field_is_found_where_it_is(
    texts: list[bytes], data: st.DataObject
) -> None:
    entries = written(texts)
    at = data.draw(st.integers(0, len(entries) - 1))
    field = data.draw(CHANGES)
    old = getattr(entries[at], field)
    new = old + (b"!" if isinstance(old, bytes) else "!" if isinstance(old, str) else 1)
    if field in ("prev_hash", "hash"):
        new = bytes(32) if old != bytes(32) else b"\1" * 32
    entries[at] = replace(entries[at], **{field: new})
    walked = chain.follow(entries, HEAD)
    assert isinstance(walked, Break)
    assert walked.seq == at + 1


@given(TEXTS, st.data())
def test_a_missing_entry_is_found(texts: list[bytes], data: st.DataObject) -> None:
    entries = written(texts)
    end = Head(seq=len(entries), hash=entries[-1].hash)
    gone = data.draw(st.integers(0, len(entries) - 1))
    del entries[gone]
    walked = chain.follow(entries, HEAD)
    broken = walked if isinstance(walked, Break) else chain.arrived(walked, end)
    assert broken == Break(seq=gone + 1, reason="missing")


def test_a_rewritten_chain_does_not_end_at_the_known_head() -> None:
    walked = chain.follow(written([b"a", b"x"]), HEAD)
    assert isinstance(walked, Head)
    known = written([b"a", b"b"])[-1]
    assert chain.arrived(walked, Head(seq=2, hash=known.hash)) == Break(seq=2, reason="unlinked")


@given(
    st.binary(max_size=6),
    st.binary(max_size=6),
    st.text("abc", max_size=4),
    st.text("abc", max_size=4),
)
def test_different_parts_never_have_one_encoding(
    a: bytes, b: bytes, kind_a: str, kind_b: str
) -> None:
    same = (a, kind_a) == (b, kind_b)
    first = chain.entry_hash(1, 1, 1, kind_a, 1, a, START)
    assert (first == chain.entry_hash(1, 1, 1, kind_b, 1, b, START)) is same


def test_the_encoding_is_what_the_docstring_says() -> None:
    # Computed by hand from the docstring: who keeps a transcript must be able to check it years later.
    import hashlib

    raw = (
        b"sharehub chat 1\0" + (7).to_bytes(8, "big") + (1).to_bytes(8, "big") + (11).to_bytes(8, "big")
        + (1000).to_bytes(8, "big") + bytes(32) + (4).to_bytes(4, "big") + b"text" + (2).to_bytes(4, "big") + b"ab"
    )  # fmt: skip
    assert written([b"ab"])[0].hash == hashlib.sha256(raw).digest()


def test_the_largest_ids_fit_the_encoding() -> None:
    entry = chain.append(Id(MAX_ID), HEAD, Id(MAX_ID), "text", 2**53, b"")
    assert chain.follow([entry], HEAD) == Head(seq=1, hash=entry.hash)


def test_parties_read_and_write_operators_read_and_others_do_not_learn_that_it_exists() -> None:
    for party in (BUYER, OWNER):
        assert talk.require_party(TALK, user(party)) is TALK
        assert talk.require_reader(TALK, user(party)) is TALK
    operator = Actor(user_id=STRANGER, role="operator")
    assert talk.require_reader(TALK, operator) is TALK
    for check, actor, what in (
        (talk.require_party, operator, TALK),
        (talk.require_party, user(STRANGER), TALK),
        (talk.require_reader, user(STRANGER), TALK),
    ):
        with pytest.raises(NotFound):
            check(what, actor)


def test_what_is_not_there_may_come_yet_while_its_id_is_young() -> None:
    made = EPOCH_MS + 5_000
    id_ = IdMaker(lambda below: 0).make(made)
    for now_ms, error in (
        (made, NotYet), (made + HEARD_WITHIN_MS - 1, NotYet), (made + HEARD_WITHIN_MS, NotFound),
        (made - HEARD_WITHIN_MS, NotFound),
    ):  # fmt: skip
        with pytest.raises(error) as refused:
            talk.require_known(None, id_, now_ms)
        assert refused.type is error
    assert talk.require_known(TALK, id_, made) is TALK


def test_the_live_feed_is_for_the_two_parties_alone() -> None:
    readers = talk.may_join_chat(TALK)
    assert readers.admit(user(BUYER))
    assert readers.admit(user(OWNER))
    assert not readers.admit(user(STRANGER))
    assert not readers.admit(Actor(user_id=STRANGER, role="operator"))
    assert not readers.admit(ANONYMOUS)


def test_an_enquiry_needs_a_known_listing_of_somebody_else() -> None:
    listing = Listing(id=Id(5), version=1, owner_id=OWNER, title="电钻")
    opened = talk.enquiry(Id(9), listing, BUYER)
    assert (opened.kind, opened.buyer_id, opened.owner_id) == ("enquiry", BUYER, OWNER)
    with pytest.raises(NotYet):
        talk.enquiry(Id(9), None, BUYER)
    with pytest.raises(Forbidden):
        talk.enquiry(Id(9), listing, OWNER)


@pytest.mark.parametrize(
    ("kind", "text", "preset", "key"),
    [
        ("text", "您好", "", ""),
        ("preset", "", "arrived", ""),
        ("image", "", "", "chat/7/11/abc_-9"),
    ],
)
def test_a_line_says_one_thing(kind: str, text: str, preset: str, key: str) -> None:
    said = talk.line(Id(7), BUYER, kind, text, preset, key)
    assert said == Body(text=text, preset=preset, object_key=key)


@pytest.mark.parametrize(
    ("kind", "text", "preset", "key"),
    [
        ("text", "", "", ""),
        ("text", " \n ", "", ""),
        ("text", "a", "ok", ""),
        ("preset", "a", "", ""),
        ("preset", "", "no such", ""),
        ("image", "", "", "chat/7/22/abc"),
        ("image", "", "", "chat/8/11/abc"),
        ("image", "", "", "chat/7/11/../../x"),
        ("image", "", "", "chat/7/11/abc\n"),
        ("image", "", "", "photos/11/abc"),
    ],
)
def test_a_line_that_says_nothing_or_two_things_or_anothers_is_refused(
    kind: str, text: str, preset: str, key: str
) -> None:
    with pytest.raises(BadInput):
        talk.line(Id(7), BUYER, kind, text, preset, key)


def test_a_preset_is_shown_as_its_phrase_and_an_erased_line_as_nothing() -> None:
    entry = written([b"x"])[0]
    assert talk.show(entry, Body(preset="thanks")).text == PRESETS["thanks"]
    erased = talk.show(entry, None)
    assert (erased.text, erased.erased, erased.sender_id) == ("", True, BUYER)


def test_a_fact_goes_to_the_other_party() -> None:
    entry = written([b"x"])[0]
    grown = talk.grown(TALK, entry)
    fact = talk.sent(grown, talk.show(entry, Body(text="x")))
    assert (fact.entity, fact.version) == (TALK.id, 1)
    assert getattr(fact.data, "recipient_id") == OWNER  # noqa: B009
    assert [p.topic for p in fact.pushes] == ["chat:7"]
    assert grown.last_line_seq == 1
    mark = chain.append(Id(7), grown.head, OWNER, "read", 1, b"")
    assert talk.grown(grown, mark).last_line_seq == 1
