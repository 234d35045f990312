"""Experiments at run time: what they do to search, what of it is logged, who may run them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from infra import wire
from infra.process import now_ms
from market.kernel.actor import ANONYMOUS, Actor
from market.kernel.errors import (
    BadInput,
    Conflict,
    Forbidden,
    IllegalTransition,
    MarketError,
    NotFound,
    Unauthenticated,
    VersionConflict,
)
from market.kernel.facts import KINDS, ExperimentChanged, ListingRated, ResultsSeen, UserChanged
from market.kernel.ids import Id
from market.kernel.regions import REGIONS
from market.listings import experiments, flags
from market.listings import exposures as module
from market.listings.rules.ranking import DISTANCE_ONLY
from market.listings.setting_commands import (
    ListExperiments,
)
from market.listings.wing import Listings
from tests.integration.conftest import call, new_id, someone
from tests.integration.listings.conftest import hear, heard, publish
from tests.integration.listings.setting import (
    HALF,
    OPERATOR,
    WHY,
    Asked,
    create,
    do,
    end,
    search,
    started,
)


async def near_and_good(listings: Listings, lat: float) -> tuple[Id, Id]:
    """One that is near, and one that is half a mile farther and better in all else. Both are shown 300 m beside at most."""
    found: list[Id] = []
    for offset, stars, price_day_fen in ((0.0, 150, 9_000), (0.008, 490, 100)):
        listing = await publish(
            listings, someone(), lat=lat + offset, lng=100.0, price_day_fen=price_day_fen, price_hour_fen=None
        )  # fmt: skip
        id_ = listing.listing_id
        rated = ListingRated(listing_id=id_, version=1, rating_centistars=stars, ratings=9)
        await hear(listings, heard(ListingRated.KIND, id_, 1, rated))
        found.append(id_)
    return found[0], found[1]


async def exposures(listings: Listings, user_id: Id) -> list[Any]:
    """Of this user, out of the outbox."""
    while await listings.exposures.flush():
        pass
    async with listings.db.read() as cursor:
        rows = await cursor.all(
            "SELECT data FROM outbox WHERE kind = %s ORDER BY seq", ResultsSeen.KIND
        )
    facts = [wire.from_msgpack(data, ResultsSeen) for (data,) in rows]
    return [e for fact in facts for e in fact.exposures if e.user_id == user_id]


async def test_an_experiment_changes_what_its_arms_are_shown_and_leaves_a_trace(
    clean: Listings,
) -> None:
    near, good = await near_and_good(clean, 12.0)
    experiment = await started(clean)
    first: dict[str, Id] = {}
    people = [someone() for _ in range(40)]
    for person in people:
        found = await search(clean, person, lat=12.0, lng=100.0)
        (exposure,) = await exposures(clean, person.user_id)
        assert exposure.experiment_id == experiment.experiment_id
        assert [s.listing_id for s in exposure.shown] == [h.listing.listing_id for h in found.hits]
        assert [s.rank for s in exposure.shown] == [1, 2]
        assert [s.distance for s in exposure.shown] == [h.parts.distance for h in found.hits]
        assert first.setdefault(exposure.arm, found.hits[0].listing.listing_id) == (
            found.hits[0].listing.listing_id
        )
    assert first == {"distance_only": near, "full": good}
    await end(clean, experiment)
    late = someone()
    assert (await search(clean, late, lat=12.0, lng=100.0)).hits[0].listing.listing_id == good
    assert await exposures(clean, late.user_id) == []


async def test_who_wants_nothing_chosen_for_them_has_the_defaults_and_leaves_no_trace(
    clean: Listings,
) -> None:
    _, good = await near_and_good(clean, 13.0)
    weights = wire.plain(DISTANCE_ONLY)
    arms = [{"name": name, "share_bp": 5_000, "weights": weights} for name in ("a", "b")]
    await started(clean, arms=arms)
    opted_out, asks_so = someone(), someone()
    said = UserChanged(
        user_id=opted_out.user_id, version=3, nickname="", avatar_url="", role="user", openid="", personal=False
    )  # fmt: skip
    await hear(clean, heard(UserChanged.KIND, opted_out.user_id, 3, said))
    await clean.live.refresh()
    for actor, rest in ((opted_out, {}), (asks_so, {"personal": False}), (ANONYMOUS, {})):
        found = await search(clean, actor, lat=13.0, lng=100.0, **rest)
        assert found.hits[0].listing.listing_id == good
        assert await exposures(clean, actor.user_id) == []
    again = UserChanged(
        user_id=opted_out.user_id, version=4, nickname="", avatar_url="", role="user", openid=""
    )
    await hear(clean, heard(UserChanged.KIND, opted_out.user_id, 4, again))
    await hear(clean, heard(UserChanged.KIND, opted_out.user_id, 3, said))  # late
    await clean.live.refresh()
    assert (await search(clean, opted_out, lat=13.0, lng=100.0)).hits[0].listing.listing_id != good
    assert len(await exposures(clean, opted_out.user_id)) == 1


async def test_a_following_page_goes_on_with_the_ranks(clean: Listings) -> None:
    await near_and_good(clean, 14.0)
    await started(clean)
    person = someone()
    first = await search(clean, person, lat=14.0, lng=100.0, limit=1)
    await search(clean, person, lat=14.0, lng=100.0, limit=1, cursor=first.next)
    await search(clean, person, lat=14.0, lng=100.0, sort="price")
    ranks = [[s.rank for s in e.shown] for e in await exposures(clean, person.user_id)]
    assert ranks == [[1], [2]], "an order that no arm changes is not logged"


async def test_the_default_weights_are_set_by_operators(clean: Listings) -> None:
    near, good = await near_and_good(clean, 15.0)
    assert (await search(clean, someone(), lat=15.0, lng=100.0)).hits[0].listing.listing_id == good
    seen = await experiments.listed(clean, call(OPERATOR), ListExperiments())
    body: Asked = {
        "version": seen.weights_version,
        "weights": wire.plain(DISTANCE_ONLY),
        "reason": WHY,
    }
    set_ = await do(experiments.set_weights, clean, **body)
    assert set_.version == seen.weights_version + 1
    assert (await search(clean, someone(), lat=15.0, lng=100.0)).hits[0].listing.listing_id == near
    with pytest.raises(VersionConflict):
        await do(experiments.set_weights, clean, **body)


async def test_what_insights_is_told(clean: Listings) -> None:
    ended = await end(clean, await started(clean, window_hours=2))
    async with clean.db.read() as cursor:
        rows = await cursor.all(
            "SELECT kind, version, data FROM outbox WHERE entity = %s ORDER BY seq", ended.experiment_id
        )  # fmt: skip
    told = [wire.from_msgpack(data, KINDS[kind]) for kind, _, data in rows]
    assert [version for _, version, _ in rows] == [1, 2, 3]
    assert all(isinstance(t, ExperimentChanged) for t in told)
    assert [t.status for t in told] == ["draft", "running", "stopped"]  # type: ignore[union-attr]
    assert told[2].window_ms == 2 * 3_600_000  # type: ignore[union-attr]
    assert told[2].stopped_ms == ended.stopped_ms > 0  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "body",
    [
        {"arms": [{"name": "a", "share_bp": 10_000, "weights": HALF}]},
        {"arms": [{"name": "a", "share_bp": 5_000, "weights": HALF}] * 2},
        {"arms": [{"name": n, "share_bp": 5_001, "weights": HALF} for n in "ab"]},
        {"arms": [{"name": n, "share_bp": 5_000, "weights": HALF | {"price": 0.1}} for n in "ab"]},
        {"arms": [{"name": n, "share_bp": 5_000, "weights": HALF | {"price": -0.1}} for n in "ab"]},
        {"arms": []},
        {"regions": ["atlantis"]},
        {"regions": ["shanghai"] * 101},
        {"unit": "phase of the moon"},
        {"traffic_bp": 0},
        {"days": 0},
        {"reason": " "},
    ],
)
async def test_an_experiment_that_makes_no_sense_is_refused(
    listings: Listings, body: dict[str, Any]
) -> None:
    with pytest.raises(BadInput):
        await create(listings, **body)


async def test_two_do_not_take_the_same_people(clean: Listings) -> None:
    await started(clean, traffic_bp=6_000)
    second = await create(clean, traffic_bp=5_000)
    body: Asked = {"experiment_id": str(int(second.experiment_id)), "version": 1, "reason": WHY}
    with pytest.raises(Conflict):
        await do(experiments.start, clean, **body)


async def test_two_who_start_at_once_get_ranges_of_their_own(clean: Listings) -> None:
    drafts = [await create(clean, traffic_bp=5_000) for _ in range(3)]
    answers = await asyncio.gather(
        *(
            do(experiments.start, clean, experiment_id=str(int(d.experiment_id)), version=1, reason=WHY)
            for d in drafts
        ),
        return_exceptions=True,
    )  # fmt: skip
    refused = [a for a in answers if isinstance(a, Conflict)]
    assert len(refused) == 1
    ranges = {e.first_bucket for e in clean.live.settings.running}
    assert ranges == {0, 5_000}


async def test_versions_and_states_guard_an_experiment(clean: Listings) -> None:
    running = await started(clean)
    one: Asked = {"experiment_id": str(int(running.experiment_id)), "reason": WHY}
    with pytest.raises(VersionConflict):
        await do(experiments.stop, clean, **one, version=1)
    with pytest.raises(IllegalTransition):
        await do(experiments.start, clean, **one, version=2)
    with pytest.raises(NotFound):
        await do(experiments.start, clean, experiment_id="5", version=1, reason=WHY)


async def test_the_same_key_is_one_experiment(clean: Listings) -> None:
    body, key = {"name": "x", "reason": WHY}, str(new_id())
    answers = [
        await experiments.create.perform(clean, OPERATOR, now_ms(), key, body) for _ in range(2)
    ]
    assert answers[0] == answers[1]


@pytest.mark.parametrize(("actor", "error"), [(someone(), Forbidden), (ANONYMOUS, Unauthenticated)])
async def test_only_operators_set_and_look(
    listings: Listings, actor: Actor, error: type[MarketError]
) -> None:
    one = {"experiment_id": "5", "version": 1, "reason": WHY}
    asked: list[tuple[Any, Asked]] = [
        (experiments.create, {"name": "x", "reason": WHY}),
        (experiments.start, one),
        (experiments.stop, one),
        (experiments.set_weights, {"version": 1, "weights": HALF, "reason": WHY}),
        (experiments.listed, {}),
        (experiments.changes, {}),
        (flags.set_flag, {"name": "a", "version": 0, "on": True, "reason": WHY}),
        (flags.listed, {}),
    ]
    for operation, body in asked:
        with pytest.raises(error):
            await do(operation, listings, actor, **body)


async def test_exposures_are_bounded(clean: Listings, monkeypatch: pytest.MonkeyPatch) -> None:
    await near_and_good(clean, 16.0)
    await started(clean)
    person = someone()
    await exposures(clean, person.user_id)
    monkeypatch.setattr(module, "MOST", 3)
    dropped = module.LOGGED.labels("dropped")._value.get()
    for _ in range(5):
        ranking = clean.live.ranking_for(person.user_id, REGIONS[0].center, personal=True)
        clean.exposures.add(ranking, person.user_id, REGIONS[0].center, now_ms(), ())
    assert module.LOGGED.labels("dropped")._value.get() == dropped + 2
    assert len(await exposures(clean, person.user_id)) == 3
