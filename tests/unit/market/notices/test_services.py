"""Whose key it is."""

from __future__ import annotations

import hashlib
import re

import pytest

from infra.config import ConfigError
from market.kernel.actor import Actor
from market.kernel.errors import BadInput, Forbidden, Unauthenticated
from market.kernel.ids import Id
from market.notices.rules import inbox, telling
from market.notices.rules.telling import Link
from market.notices.services import Services


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def test_a_service_is_known_by_any_of_its_keys() -> None:
    services = Services.parse(f"a:{digest('one')}, a:{digest('two')},b:{digest('three')},")
    one, two, three = (services.find(key) for key in ("one", "two", "three"))
    assert one
    assert three
    assert one == two
    assert one.user_id < 0 > three.user_id  # where no user is
    assert one.user_id != three.user_id
    assert {one.role, three.role} == {"service"}
    for wrong in ("", "One", "one ", digest("one"), "a", "\udcff"):
        assert services.find(wrong) is None


@pytest.mark.parametrize("text", ["", " ", ","])
def test_there_may_be_none(text: str) -> None:
    assert Services.parse(text) == Services()
    assert Services().find("") is None


@pytest.mark.parametrize(
    "text",
    ["a", "a:", "a:00", f":{digest('x')}", f"A:{digest('x')}", f"a:{digest('x').upper()}x", f"a:{digest('x')}0", f"a={digest('x')}"],
)  # fmt: skip
def test_a_wrong_setting_is_said_at_the_start(text: str) -> None:
    with pytest.raises(ConfigError, match="SHAREHUB_SERVICES"):
        Services.parse(text)


def test_operators_and_services_publish() -> None:
    for role in ("operator", "service"):
        inbox.check_publisher(Actor(user_id=Id(1), role=role))
    with pytest.raises(Forbidden):
        inbox.check_publisher(Actor(user_id=Id(1), role="user"))
    with pytest.raises(Unauthenticated):
        inbox.check_publisher(Actor(user_id=Id(0), role="anonymous"))


def test_everybody_is_told_once_in_the_order_in_which_inboxes_are_locked() -> None:
    drafts = telling.published([Id(3), Id(1), Id(3)], "safety", "t", "b", Link(order_id=Id(9)))
    assert [draft.user_id for draft in drafts] == [1, 3]
    assert {draft.kind for draft in drafts} == {"notice.safety"}
    assert all(re.fullmatch(r"[a-z._]{1,32}", draft.kind) for draft in drafts)
    with pytest.raises(BadInput):
        telling.published([Id(1)], "safety", "t", "b", Link(order_id=Id(9), listing_id=Id(9)))
