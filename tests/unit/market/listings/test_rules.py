"""A listing's life, and what is shown of it."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any, get_args

import pytest

from market.kernel import geo
from market.kernel.actor import ANONYMOUS
from market.kernel.availability import ALWAYS, Plan
from market.kernel.errors import (
    BadInput,
    Conflict,
    Forbidden,
    IllegalTransition,
    VersionConflict,
)
from market.kernel.facts import CreditChanged, ListingChanged, ListingRated, UserChanged
from market.kernel.geo import Point
from market.kernel.ids import Id
from market.kernel.money import MAX_FEN
from market.kernel.terms import AHEAD_DAYS, TERMS, Terms
from market.listings.commands import Category, Publish
from market.listings.rules import categories, offer, shown
from market.listings.rules import listing as rules
from market.listings.rules.listing import Listing, Owner, Status

OWNER = Owner(user_id=Id(7), user_version=3, nickname="阿明", credit_version=2)
SHANGHAI = Point(31.2304, 121.4737)
BEIJING = Point(39.9042, 116.4074)
DRILL = Listing(
    id=Id(1),
    version=4,
    terms_version=2,
    owner=rules.owner_card(OWNER),
    status="live",
    title="电钻",
    description="",
    category="tools",
    photos=("a.jpg", "b.jpg"),
    point=SHANGHAI,
    blurred=geo.blurred(SHANGHAI, b"secret"),
    region="shanghai",
    address="南京东路 1 号",
    terms=Terms(plan=ALWAYS, price_hour_fen=500, deposit_fen=10_000),
    published_ms=1,
)


def test_every_category_has_a_name() -> None:
    assert tuple(categories.LABELS) == get_args(Category)
    assert [c.label for c in categories.ALL.categories] == list(categories.LABELS.values())


@pytest.mark.parametrize(
    ("status", "move", "after"),
    [
        ("live", "pause", "paused"),
        ("live", "close", "closed"),
        ("paused", "resume", "live"),
        ("paused", "close", "closed"),
        ("live", "resume", None),
        ("paused", "pause", None),
        ("closed", "pause", None),
        ("closed", "resume", None),
        ("closed", "close", None),
    ],
)
def test_moves(status: Status, move: rules.Move, after: Status | None) -> None:
    before = replace(DRILL, status=status)
    if after is None:
        with pytest.raises(IllegalTransition):
            rules.move(before, move)
    else:
        moved = rules.move(before, move)
        assert moved == replace(before, status=after, version=5, terms_version=3)


@pytest.mark.parametrize(
    "changes",
    [{"address": "锤路 1 号"}, rules.place(BEIJING, b"1")],
)
def test_what_no_quote_depends_on_leaves_the_terms_version(changes: dict[str, Any]) -> None:
    assert rules.edit(DRILL, changes) == replace(DRILL, version=5, **changes)


OTHER_TERMS: dict[str, Any] = {
    "plan": Plan(weekly=((),) * 7), "price_hour_fen": 501, "price_day_fen": 1, "price_week_fen": 1,
    "surcharge_bp": (0, 0, 0, 0, 0, 1, 1), "minimum_fen": 1, "deposit_fen": 0, "waives_deposit": True,
    "policy": "strict", "booking": "request", "capacity": 2, "buffer_minutes": 1, "notice_minutes": 1,
    "horizon_days": 1, "shortest_minutes": 16, "longest_minutes": 60,
}  # fmt: skip


@pytest.mark.parametrize("name", TERMS)
def test_each_of_the_terms_raises_the_terms_version(name: str) -> None:
    changes = {name: OTHER_TERMS[name]}
    after = rules.edit(DRILL, {}, changes)
    assert after == replace(
        DRILL, version=5, terms_version=3, terms=replace(DRILL.terms, **changes)
    )
    assert getattr(shown.view(after), name) == OTHER_TERMS[name]


def test_who_publishes_says_nothing_of_terms_and_has_the_usual_ones() -> None:
    given = Publish(title="电钻", category="tools", lat=0, lng=0, plan=ALWAYS)
    assert {name: getattr(given, name) for name in TERMS} == asdict(Terms(plan=ALWAYS)) | {
        "plan": ALWAYS
    }


def test_an_edit_that_changes_nothing_is_no_change() -> None:
    assert rules.edit(DRILL, {"title": DRILL.title}, {"capacity": 1}) is DRILL


def test_a_listing_keeps_a_price() -> None:
    with pytest.raises(BadInput):
        rules.edit(DRILL, {}, {"price_hour_fen": None})
    kept = rules.edit(DRILL, {}, {"price_hour_fen": None, "price_week_fen": 100}).terms
    assert (kept.price_hour_fen, kept.price_week_fen) == (None, 100)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"price_hour_fen": None}, "price"),
        ({"price_hour_fen": MAX_FEN, "deposit_fen": 1}, "limit"),
        ({"minimum_fen": MAX_FEN, "deposit_fen": 1}, "limit"),
        ({"shortest_minutes": 61, "longest_minutes": 60}, "shortest"),
        ({"notice_minutes": 1441, "horizon_days": 1}, "notice"),
        ({"horizon_days": 91}, "frozen"),
        ({"longest_minutes": 60 * 1440 + 1}, "frozen"),
    ],
)
def test_terms_that_do_not_go_together_are_refused(changes: dict[str, Any], word: str) -> None:
    with pytest.raises(BadInput, match=word):
        offer.check(replace(DRILL.terms, **changes))


@pytest.mark.parametrize(
    "changes",
    [
        {}, {"price_hour_fen": 0}, {"price_hour_fen": MAX_FEN, "deposit_fen": 0}, {"notice_minutes": 1440, "horizon_days": 1},
        {"horizon_days": AHEAD_DAYS - 1, "longest_minutes": 1440},
        {"horizon_days": 1, "longest_minutes": (AHEAD_DAYS - 1) * 1440},
        {"shortest_minutes": 60, "longest_minutes": 60},
    ],
)  # fmt: skip
def test_terms_at_the_very_bounds_are_fine(changes: dict[str, Any]) -> None:
    terms = replace(DRILL.terms, **changes)
    assert offer.check(terms) == terms


def test_what_is_closed_is_not_edited() -> None:
    with pytest.raises(IllegalTransition):
        rules.edit(replace(DRILL, status="closed"), {"title": "x"})


def test_only_the_owner_with_the_present_version() -> None:
    rules.may_change(DRILL, Id(7), 4)
    with pytest.raises(Forbidden):
        rules.may_change(DRILL, Id(8), 4)
    with pytest.raises(VersionConflict) as refused:
        rules.may_change(DRILL, Id(7), 3)
    assert refused.value.data == {"version": 4}


def test_an_owner_has_a_limit() -> None:
    rules.may_publish(rules.MAX_OPEN - 1)
    with pytest.raises(Conflict):
        rules.may_publish(rules.MAX_OPEN)


def test_projections_apply_what_is_newer_only() -> None:
    said = UserChanged(
        user_id=Id(7), version=4, nickname="小红", avatar_url="/a", role="user", openid="secret"
    )
    heard = rules.hear_user(OWNER, said)
    assert (heard.nickname, heard.avatar_url, heard.user_version) == ("小红", "/a", 4)
    assert rules.hear_user(heard, replace(said, version=3, nickname="old")) is heard

    credit = CreditChanged(user_id=Id(7), version=3, credit_centistars=480, ratings=2)
    believed = rules.hear_credit(heard, credit)
    assert (believed.credit_centistars, believed.ratings, believed.nickname) == (480, 2, "小红")
    assert rules.hear_credit(believed, replace(credit, credit_centistars=100)) is believed

    rated = rules.hear_rating(
        DRILL, ListingRated(listing_id=Id(1), version=1, rating_centistars=450, ratings=1)
    )
    assert (rated.rating_centistars, rated.version, rated.terms_version) == (450, 5, 2)
    stale = ListingRated(listing_id=Id(1), version=1, rating_centistars=100, ratings=9)
    assert rules.hear_rating(rated, stale) is rated


def test_the_version_moves_with_what_is_shown_of_the_deal_rate() -> None:
    created = rules.count_order(DRILL, created=1)
    assert created.deal_rate_percent < DRILL.deal_rate_percent
    assert created.version == DRILL.version + 1
    completed = rules.count_order(created, completed=1)
    assert (completed.version, completed.orders_completed) == (DRILL.version + 2, 1)
    many = replace(DRILL, orders_created=10_000, orders_completed=5_000)
    unseen = rules.count_order(many, created=1)
    assert (unseen.version, unseen.orders_created) == (many.version, 10_001)


def test_the_address_is_the_owners_own() -> None:
    assert shown.view(DRILL, Id(7)).address == "南京东路 1 号"
    for viewer in (None, Id(8), ANONYMOUS.user_id):
        assert shown.view(DRILL, viewer).address == ""


def test_a_change_is_told_to_its_watchers_and_its_cell() -> None:
    after = rules.move(DRILL, "pause")
    fact = shown.changed(DRILL, after)
    state, keyed = fact.pushes
    assert (state.topic, state.kind, state.version) == ("listing:1", "state", 5)
    assert state.payload == shown.view(after)
    assert (keyed.topic, keyed.kind, keyed.key, keyed.version) == (
        f"area:{DRILL.cell}", "keyed", "1", 5,
    )  # fmt: skip
    assert keyed.payload == shown.card(after)
    assert isinstance(fact.data, ListingChanged)
    assert (fact.data.status, fact.data.terms_version) == ("paused", 3)
    assert DRILL.address not in repr(fact.pushes)


def test_who_moves_away_is_gone_from_the_old_cell() -> None:
    after = rules.edit(DRILL, rules.place(BEIJING, b"1"))
    areas = {p.topic: p.payload for p in shown.changed(DRILL, after).pushes if p.kind == "keyed"}
    assert areas == {
        f"area:{DRILL.cell}": replace(shown.card(after), status="gone"),
        f"area:{after.cell}": shown.card(after),
    }
