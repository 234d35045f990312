"""Reading it: who may see what."""

from __future__ import annotations

from collections.abc import Sequence

from infra.action import view
from market.kernel.actor import Call
from market.kernel.ids import MAX_ID, Id
from market.kernel.topics import Snapshot, Want
from market.ratings import rules, store
from market.ratings.commands import GetCredit, OfOrder, OfUser
from market.ratings.rules import CreditView, OrderRatingsView, UserRatingsView
from market.ratings.wing import Ratings


@view("ratings.of_order")
async def of_order(ratings: Ratings, call: Call, query: OfOrder) -> OrderRatingsView:
    """What the two sides of an order said, for these two: one's own at once, the other's when it is revealed."""
    async with ratings.db.read() as cursor:
        # The window first: if it is revealed, so are the ratings that are read after it.
        window = await store.read_window(cursor, query.order_id)
        side = rules.side_of(window, call.actor.user_id)
        return rules.as_seen_by(window, await store.ratings_of(cursor, query.order_id), side)


@view("ratings.of_user", public=True)
async def of_user(ratings: Ratings, call: Call, query: OfUser) -> UserRatingsView:
    """What has been revealed about somebody, newest first."""
    before = Id(MAX_ID) if query.before is None else query.before
    async with ratings.db.glance() as cursor:
        found = await store.revealed_about(cursor, query.user_id, before, query.limit + 1)
    page = found[: query.limit]
    return UserRatingsView(
        ratings=tuple(rules.view(rating) for rating in page),
        next=page[-1].id if len(found) > len(page) else None,
    )


@view("ratings.credit", public=True)
async def credit(ratings: Ratings, call: Call, query: GetCredit) -> CreditView:
    """Somebody's credit; of somebody nobody has rated, what everybody starts with."""
    async with ratings.db.glance() as cursor:
        return rules.credit(await store.read_tally(cursor, "credits", query.user_id))


async def snapshot(ratings: Ratings, wants: Sequence[Want], now_ms: int) -> list[Snapshot]:
    """No topics: credit is shown on the listings' cards."""
    return []


TOPICS: tuple[str, ...] = ()
