"""Two-way ratings against a real database: hidden, revealed exactly once, counted."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import pytest

from infra.config import Config
from infra.mysql.database import Tx
from infra.process import Process, now_ms, open_process
from market.kernel.actor import ANONYMOUS, Actor
from market.kernel.errors import (
    AlreadyDone,
    BadInput,
    Conflict,
    NotFound,
    NotYet,
    Unauthenticated,
)
from market.kernel.facts import Heard, OrderMoved
from market.kernel.ids import Id
from market.kernel.topics import Want
from market.ratings import actions, rules, views
from market.ratings.commands import GetCredit, OfOrder, OfUser, Rate
from market.ratings.handlers import HANDLERS
from market.ratings.rules import OrderRatingsView
from market.ratings.wing import Ratings, open_wing
from tests.integration.conftest import call, new_id, someone
from workers import rating_windows


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """A completed order, and who made it."""

    order_id: Id
    listing_id: Id
    buyer: Actor
    owner: Actor


@pytest.fixture
async def ratings(process: Process) -> Ratings:
    return await open_wing(process)


async def completed(
    ratings: Ratings,
    at_ms: int | None = None,
    *,
    buyer: Actor | None = None,
    owner: Actor | None = None,
    times: int = 1,
) -> Deal:
    """Hear (as often as `times`) that an order was completed at `at_ms`."""
    deal = Deal(
        order_id=new_id(),
        listing_id=new_id(),
        buyer=buyer or someone(),
        owner=owner or someone(),
    )
    data = OrderMoved(
        order_id=deal.order_id, version=5, transition="complete", state="completed", by="owner",
        listing_id=deal.listing_id, buyer_id=deal.buyer.user_id, owner_id=deal.owner.user_id,
        title="电钻", start_ms=0, end_ms=1, rent_fen=0, deposit_fen=0, fee_fen=0, total_fen=0,
        refund_fen=0,
        refund_deposit_fen=0, owner_fen=0, tells=("buyer", "owner"), pay_by_ms=0,
    )  # fmt: skip
    fact = Heard(
        fact_id=new_id(), kind="order.completed", entity=deal.order_id, version=5,
        occurred_ms=at_ms or now_ms(), data=data,
    )  # fmt: skip

    async def body(tx: Tx) -> None:
        await HANDLERS[fact.kind](ratings, tx, fact)

    for _ in range(times):
        await ratings.db.act(now_ms(), body, type(None))
    return deal


def opinion(deal: Deal, stars: int = 5, comment: str = "很好") -> Rate:
    return Rate(
        order_id=deal.order_id,
        punctuality=stars,
        condition=stars,
        communication=stars,
        comment=comment,
    )


async def seen(ratings: Ratings, deal: Deal, by: Actor) -> OrderRatingsView:
    return await views.of_order(ratings, call(by), OfOrder(order_id=deal.order_id))


async def credit(ratings: Ratings, user: Actor) -> tuple[int, int]:
    view = await views.credit(ratings, call(user), GetCredit(user_id=user.user_id))
    return view.credit_centistars, view.ratings


async def facts(ratings: Ratings, *entities: Id) -> list[tuple[str, Id, int]]:
    """(kind, entity, version) in the outbox, oldest first."""
    marks = ", ".join(["%s"] * len(entities))
    sql = f"SELECT kind, entity, version FROM outbox WHERE entity IN ({marks}) ORDER BY seq"
    async with ratings.db.read() as cursor:
        return [(kind, Id(e), v) for kind, e, v in await cursor.all(sql, *entities)]


async def test_hidden_until_both_have_rated(ratings: Ratings) -> None:
    deal = await completed(ratings)
    said = await actions.rate(ratings, call(deal.buyer), opinion(deal, 5, "hush"))
    assert said.mine is not None
    assert (said.revealed, said.theirs, said.mine.comment) == (False, None, "hush")

    for_owner = await seen(ratings, deal, deal.owner)
    assert (for_owner.they_have_rated, for_owner.theirs, for_owner.mine) == (True, None, None)
    about = await views.of_user(ratings, call(ANONYMOUS), OfUser(user_id=deal.owner.user_id))
    assert about.ratings == ()
    assert await credit(ratings, deal.owner) == (400, 0)
    async with ratings.db.read() as cursor:
        written = await cursor.all(
            "SELECT kind, data, pushes FROM outbox WHERE entity = %s", deal.order_id
        )
    ((kind, data, pushes),) = written
    assert kind == "rating.given"
    assert set(msgspec.msgpack.decode(data)) == {"order_id", "rater_id", "ratee_id"}
    assert msgspec.msgpack.decode(pushes) == []

    answer = await actions.rate(ratings, call(deal.owner), opinion(deal, 3, "so so"))
    assert answer.theirs is not None
    assert (answer.revealed, answer.theirs.comment, answer.theirs.rater_side) == (
        True,
        "hush",
        "buyer",
    )
    for_buyer = await seen(ratings, deal, deal.buyer)
    assert for_buyer.theirs is not None
    assert for_buyer.theirs.comment == "so so"
    about = await views.of_user(ratings, call(ANONYMOUS), OfUser(user_id=deal.owner.user_id))
    assert [r.comment for r in about.ratings] == ["hush"]


async def test_credit_and_the_listings_rating_follow(ratings: Ratings) -> None:
    deal = await completed(ratings)
    await actions.rate(ratings, call(deal.buyer), opinion(deal, 5))
    await actions.rate(ratings, call(deal.owner), opinion(deal, 1))
    assert await credit(ratings, deal.owner) == (417, 1)
    assert await credit(ratings, deal.buyer) == (350, 1)
    buyer, owner = deal.buyer.user_id, deal.owner.user_id
    assert sorted(await facts(ratings, deal.order_id, buyer, owner, deal.listing_id)) == sorted(
        [
            ("rating.given", deal.order_id, 2),
            ("rating.given", deal.order_id, 3),
            ("ratings.revealed", deal.order_id, 4),
            ("credit.changed", buyer, 1),
            ("credit.changed", owner, 1),
            ("listing.rated", deal.listing_id, 1),
        ]
    )
    again = await completed(ratings, owner=deal.owner)
    await actions.rate(ratings, call(again.owner), opinion(again, 5))
    await actions.rate(ratings, call(again.buyer), opinion(again, 5))
    assert await credit(ratings, deal.owner) == (429, 2)
    assert (await facts(ratings, owner))[-1] == ("credit.changed", owner, 2)


async def test_two_processes_reveal_exactly_once(
    ratings: Ratings, environment: Mapping[str, str]
) -> None:
    """Both sides at the same moment, through two processes' pools; then the same user in many deals at once."""
    async with open_process(Config.from_environment(environment)) as second:
        other = await open_wing(second)
        owner, buyer = someone(), someone()
        deals = [await completed(ratings, owner=owner, buyer=buyer) for _ in range(4)]
        deals += [await completed(ratings, owner=buyer, buyer=owner) for _ in range(4)]
        answers = await asyncio.gather(
            *(actions.rate(ratings, call(deal.buyer), opinion(deal)) for deal in deals),
            *(actions.rate(other, call(deal.owner), opinion(deal)) for deal in deals),
        )
    by_order = {
        deal.order_id: [a.revealed for a in answers if a.order_id == deal.order_id]
        for deal in deals
    }
    assert all(sorted(revealed) == [False, True] for revealed in by_order.values())
    for deal in deals:
        assert await facts(ratings, deal.order_id) == [
            ("rating.given", deal.order_id, 2),
            ("rating.given", deal.order_id, 3),
            ("ratings.revealed", deal.order_id, 4),
        ]
        assert await facts(ratings, deal.listing_id) == [("listing.rated", deal.listing_id, 1)]
    for user in (owner, buyer):
        assert await credit(ratings, user) == (rules.bayesian_centistars(8, 8 * 15), 8)
        changes = await facts(ratings, user.user_id)
        assert [version for _, _, version in changes] == list(range(1, 9))


async def test_once_per_side_and_the_same_key_once(ratings: Ratings) -> None:
    deal = await completed(ratings, times=2)
    asked = call(deal.buyer)
    first = await actions.rate(ratings, asked, opinion(deal))
    assert await actions.rate(ratings, asked, opinion(deal)) == first
    with pytest.raises(AlreadyDone):
        await actions.rate(ratings, call(deal.buyer), opinion(deal, 1))
    assert await facts(ratings, deal.order_id) == [("rating.given", deal.order_id, 2)]


async def test_only_the_parties_of_a_completed_order(ratings: Ratings) -> None:
    deal = await completed(ratings)
    with pytest.raises(NotFound):
        await actions.rate(ratings, call(someone()), opinion(deal))
    with pytest.raises(NotFound):
        await seen(ratings, deal, someone())
    with pytest.raises(NotFound):
        await seen(ratings, deal, someone("operator"))
    unheard = Deal(order_id=new_id(), listing_id=new_id(), buyer=deal.buyer, owner=deal.owner)
    with pytest.raises(NotYet) as refused:
        await actions.rate(ratings, call(deal.buyer), opinion(unheard))
    assert refused.value.retryable
    with pytest.raises(NotYet):
        await seen(ratings, unheard, deal.buyer)


@pytest.mark.parametrize(
    "change",
    [
        {"punctuality": 0},
        {"condition": 6},
        {"communication": None},
        {"comment": "长" * 501},
        {"order_id": 5},
    ],
)
async def test_bad_input_is_refused(ratings: Ratings, change: dict[str, object]) -> None:
    deal = await completed(ratings)
    body = {
        "order_id": str(int(deal.order_id)),
        "punctuality": 5,
        "condition": 5,
        "communication": 5,
        "comment": "长" * 500,
    }
    with pytest.raises(BadInput):
        await actions.rate.perform(ratings, deal.buyer, now_ms(), "key", body | change)
    with pytest.raises(Unauthenticated):
        await actions.rate.perform(ratings, ANONYMOUS, now_ms(), "key", body)
    await actions.rate.perform(ratings, deal.buyer, now_ms(), "key", body)


async def run_dry(ratings: Ratings, at_ms: int) -> int:
    done = 0
    while step := await rating_windows.run_once(ratings, at_ms):
        done += step
    return done


async def test_a_window_closes_by_itself(ratings: Ratings) -> None:
    """What one side said is shown and counted then; where nobody spoke there is no news."""
    start = now_ms()
    one_sided, silent = await completed(ratings, start), await completed(ratings, start)
    await actions.rate(ratings, call(one_sided.buyer), opinion(one_sided, 5, "hush"))

    end = start + rules.WINDOW_MS
    await run_dry(ratings, end - 1)
    assert (await seen(ratings, one_sided, one_sided.owner)).theirs is None
    with pytest.raises(Conflict):
        await actions.rate(ratings, call(one_sided.owner, at_ms=end), opinion(one_sided))

    assert await run_dry(ratings, end) >= 2
    shown = await seen(ratings, one_sided, one_sided.owner)
    assert shown.theirs is not None
    assert (shown.revealed, shown.theirs.comment) == (True, "hush")
    assert await credit(ratings, one_sided.owner) == (417, 1)
    assert await credit(ratings, one_sided.buyer) == (400, 0)
    assert (await facts(ratings, one_sided.order_id))[-1] == (
        "ratings.revealed",
        one_sided.order_id,
        3,
    )
    assert (await seen(ratings, silent, silent.buyer)).revealed
    assert await facts(ratings, silent.order_id) == []
    assert await rating_windows.run_once(ratings, end) == 0
    with pytest.raises(Conflict):
        await actions.rate(ratings, call(silent.buyer, at_ms=start), opinion(silent))


async def test_a_window_closed_by_two_workers_closes_once(
    ratings: Ratings, environment: Mapping[str, str]
) -> None:
    start = now_ms()
    deal = await completed(ratings, start)
    await actions.rate(ratings, call(deal.owner), opinion(deal))
    end = start + rules.WINDOW_MS
    async with open_process(Config.from_environment(environment)) as second:
        other = await open_wing(second)
        done = await asyncio.gather(
            *(actions.close_window(wing, deal.order_id, end) for wing in (ratings, other, ratings))
        )
    assert sorted(done) == [False, False, True]
    assert await credit(ratings, deal.buyer) == (417, 1)


@pytest.mark.allow_blocking  # unconfigured logs print the traceback with its source lines
async def test_a_window_that_cannot_be_closed_blocks_no_other(ratings: Ratings) -> None:
    """The first one's owner has more points than fit; it is put off, and tried again later."""
    start = now_ms() - rules.WINDOW_MS - 5_000
    broken, sound = await completed(ratings, start), await completed(ratings, start + 1)
    for deal in (broken, sound):
        await actions.rate(ratings, call(deal.buyer, at_ms=start + 1), opinion(deal))
    owner = broken.owner.user_id

    async def fill(tx: Tx) -> None:
        await tx.execute("INSERT INTO credits VALUES (%s, 1, 1, %s)", owner, 2**63 - 1)

    async def empty(tx: Tx) -> None:
        await tx.execute("DELETE FROM credits WHERE id = %s", owner)

    now = now_ms()
    await ratings.db.act(now, fill, type(None))
    await run_dry(ratings, now)
    assert (await seen(ratings, sound, sound.owner)).revealed
    assert not (await seen(ratings, broken, broken.owner)).revealed

    await ratings.db.act(now, empty, type(None))
    await run_dry(ratings, now)
    assert not (await seen(ratings, broken, broken.owner)).revealed
    await run_dry(ratings, now + rules.RETRY_MS)
    assert (await seen(ratings, broken, broken.owner)).revealed
    assert await credit(ratings, broken.owner) == (417, 1)


async def test_what_was_said_of_somebody_is_read_page_by_page(ratings: Ratings) -> None:
    owner = someone()
    for n in range(5):
        deal = await completed(ratings, owner=owner)
        await actions.rate(ratings, call(deal.buyer), opinion(deal, 5, str(n)))
        if n != 2:
            await actions.rate(ratings, call(deal.owner), opinion(deal))
    comments: list[str] = []
    before: Id | None = None
    pages = 0
    while pages < 10:
        page = await views.of_user(
            ratings, call(ANONYMOUS), OfUser(user_id=owner.user_id, before=before, limit=2)
        )
        pages += 1
        comments += [r.comment for r in page.ratings]
        before = page.next
        if before is None:
            break
    assert pages == 2
    assert sorted(comments) == ["0", "1", "3", "4"]


async def test_no_topics(ratings: Ratings) -> None:
    assert views.TOPICS == ()
    assert await views.snapshot(ratings, [Want(topic="rating:1")], now_ms()) == []
