"""Who may join, and what a topic's name says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.kernel.actor import ANONYMOUS, Actor, Role, require_operator, require_user
from market.kernel.errors import Forbidden, Unauthenticated
from market.kernel.ids import MAX_ID, Id
from market.kernel.topics import EVERYONE, Readers, topic_id


def actor(role: Role, user: int = 7) -> Actor:
    return Actor(user_id=Id(user), role=role)


@pytest.mark.parametrize(
    ("readers", "who", "admitted"),
    [
        (EVERYONE, actor("user"), True),
        (EVERYONE, actor("operator"), True),
        (EVERYONE, ANONYMOUS, False),
        (Readers(), actor("user"), False),
        (Readers(), actor("operator"), False),
        (Readers(users=frozenset({7})), actor("user", 7), True),
        (Readers(users=frozenset({7})), actor("user", 8), False),
        (Readers(users=frozenset({7})), actor("operator", 8), False),
        (Readers(users=frozenset({0})), ANONYMOUS, False),
        (Readers(operators=True), actor("user"), False),
        (Readers(operators=True), actor("operator"), True),
        (Readers(users=frozenset({7}), operators=True), actor("operator", 8), True),
    ],
)  # fmt: skip
def test_admission(readers: Readers, who: Actor, admitted: bool) -> None:
    assert readers.admit(who) is admitted


@given(st.integers(0, MAX_ID))
def test_a_topics_id(value: int) -> None:
    assert topic_id(f"chat:{value}", "chat") == value
    assert topic_id(f"chat:{value}", "cha") is None
    assert topic_id(f"chat:{value}:buyer", "chat") is None


@pytest.mark.parametrize(
    "name", ["", "chat", "chat:", "chat:x", "chat:-1", "chat:007", ":5", "Chat:5", f"chat:{2**63}"]
)
def test_what_names_no_topic(name: str) -> None:
    assert topic_id(name, "chat") is None


def test_the_guards() -> None:
    require_user(actor("user"))
    require_operator(actor("operator"))
    with pytest.raises(Unauthenticated):
        require_user(ANONYMOUS)
    with pytest.raises(Unauthenticated):
        require_operator(ANONYMOUS)
    with pytest.raises(Forbidden):
        require_operator(actor("user"))
