"""A listing's life, what is shown of it, and the ranking's promises."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from market.kernel.geo import Point, distance_m
from market.kernel.ids import Id
from market.kernel.money import MAX_FEN
from market.kernel.terms import AHEAD_DAYS, TERMS, Terms
from market.listings.commands import Category, Publish
from market.listings.rules import categories, offer, ranking, shown
from market.listings.rules import listing as rules
from market.listings.rules.listing import Listing, Owner, Status
from market.listings.rules.ranking import Candidate, Parts

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
    published_ms=0,
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
    [{"title": "锤子"}, rules.place(BEIJING, b"1"), {"photos": ()}, {"category": "books"}],
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


metres = st.floats(min_value=0, max_value=50_000)
fen = st.integers(min_value=0, max_value=100_000_000)
stars = st.integers(min_value=100, max_value=500)
prices = st.one_of(st.tuples(fen, fen), st.tuples(fen, st.none()), st.tuples(st.none(), fen))


@st.composite
def candidates(draw: st.DrawFn) -> Candidate:
    created = draw(st.integers(min_value=0, max_value=10_000))
    hour_fen, day_fen = draw(prices)
    return Candidate(
        id=Id(draw(st.integers(min_value=1, max_value=2**62))),
        point=Point(
            draw(st.floats(min_value=31.0, max_value=31.4)),
            draw(st.floats(min_value=121.2, max_value=121.7)),
        ),
        orders_created=created,
        orders_completed=draw(st.integers(min_value=0, max_value=created)),
        rating_centistars=draw(stars),
        price_hour_fen=hour_fen,
        price_day_fen=day_fen,
    )


many = st.lists(candidates(), max_size=20, unique_by=lambda c: c.id)


@given(many, st.sampled_from(["match", "distance", "price", "rating"]))
def test_every_part_and_the_score_are_shares(found: list[Candidate], sort: str) -> None:
    for ranked in ranking.rank(found, SHANGHAI, 50_000, sort):
        parts = ranked.parts
        for part in (parts.distance, parts.deal_rate, parts.rating, parts.price, ranked.score):
            assert 0 <= part <= 1 + 1e-12
        assert ranked.score == pytest.approx(
            0.4 * parts.distance + 0.3 * parts.deal_rate + 0.2 * parts.rating + 0.1 * parts.price
        )


@given(metres, metres)
def test_nearer_is_never_worse(a: float, b: float) -> None:
    near, far = sorted((a, b))
    assert ranking.distance_part(near) >= ranking.distance_part(far)


@given(fen, fen, fen)
def test_cheaper_is_never_worse(a: int, b: int, middle: int) -> None:
    cheap, dear = sorted((a, b))
    assert ranking.price_part(cheap, middle) >= ranking.price_part(dear, middle)
    assert 0 <= ranking.price_part(dear, middle) <= 1


@given(stars, stars)
def test_better_rated_is_never_worse(a: int, b: int) -> None:
    worse, better = sorted((a, b))
    assert ranking.rating_part(worse) <= ranking.rating_part(better)


@given(st.integers(0, 10_000), st.data())
def test_more_deals_of_as_many_orders_are_never_worse(created: int, data: st.DataObject) -> None:
    counts = st.integers(0, created)
    fewer, more = sorted((data.draw(counts), data.draw(counts)))
    assert ranking.deal_rate_part(created, fewer) <= ranking.deal_rate_part(created, more)


@given(candidates(), many, fen, metres)
def test_what_is_better_in_one_thing_alone_never_scores_lower(
    one: Candidate, others: list[Candidate], cheaper: int, radius: float
) -> None:
    """Its twin at the same place differs in one thing: all else, the median too, is equal."""
    base = ranking.day_price_fen(one.price_hour_fen, one.price_day_fen)
    twins = (
        replace(one, id=Id(0), rating_centistars=min(500, one.rating_centistars + 50)),
        replace(one, id=Id(0), price_hour_fen=None, price_day_fen=min(base, cheaper)),
        replace(one, id=Id(0), orders_completed=one.orders_created),
    )
    for twin in twins:
        scores = {
            r.candidate.id: r.score
            for r in ranking.rank([one, twin, *others], one.point, max(radius, 1), "match")
        }
        assert scores[Id(0)] >= scores[one.id]


@given(many, metres, st.sampled_from(["match", "distance", "price", "rating"]))
def test_a_ranking_keeps_exactly_those_within_reach_in_its_order(
    found: list[Candidate], radius: float, sort: str
) -> None:
    ranked = ranking.rank(found, SHANGHAI, radius, sort)
    near = {c.id for c in found if distance_m(SHANGHAI, c.point) <= radius}
    assert {r.candidate.id for r in ranked} == near
    keys: dict[str, list[float]] = {
        "match": [-r.score for r in ranked],
        "distance": [r.distance_m for r in ranked],
        "price": [
            ranking.day_price_fen(r.candidate.price_hour_fen, r.candidate.price_day_fen)
            for r in ranked
        ],
        "rating": [-r.candidate.rating_centistars for r in ranked],
    }
    assert keys[sort] == sorted(keys[sort])


def test_known_values() -> None:
    assert ranking.distance_part(0) == 1
    assert ranking.distance_part(4_000) == 0.25
    assert ranking.deal_rate_part(0, 0) == 0.6
    assert ranking.deal_rate_part(5, 5) == 0.8
    assert [ranking.rating_part(c) for c in (100, 300, 500)] == [0, 0.5, 1]
    assert [ranking.price_part(p, 100) for p in (0, 100, 300)] == [1, 0.5, 0.25]
    assert ranking.price_part(0, 0) == 1
    assert ranking.day_price_fen(100, 700) == 700
    assert ranking.day_price_fen(100, None) == 800
    assert ranking.day_price_fen(None, None, 1_400) == 200
    assert ranking.day_price_fen(100, None, 1_400) == 800
    assert ranking.score(Parts(distance=1, deal_rate=1, rating=1, price=1)) == pytest.approx(1)
