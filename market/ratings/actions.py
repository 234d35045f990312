"""Doing it: each function is one transaction; its docstring names the rows it locks."""

from __future__ import annotations

from collections.abc import Sequence

from infra.action import action, table
from infra.mysql.database import Tx
from market.kernel.actor import Call
from market.kernel.ids import Id, gene_of
from market.ratings import rules, store
from market.ratings.commands import Rate
from market.ratings.rules import OrderRatingsView, Rating, Window
from market.ratings.wing import Ratings


@action("ratings.rate")
async def rate(ratings: Ratings, call: Call, command: Rate) -> OrderRatingsView:
    """Rate the other side, once. The second of the two reveals both. Locks the window, then what a reveal locks.

    An order that is not known to be completed gives the retryable `not_yet`, since its parties may have heard of it
    first; somebody who is no party gets `not_found`.
    """

    async def body(tx: Tx) -> OrderRatingsView:
        window = await store.lock_window(tx, command.order_id)
        await tx.claim(call, command)
        side = rules.side_of(window, call.actor.user_id)
        given = await store.ratings_of(tx, window.order_id)
        rules.may_rate(window, given, side, call.now_ms)
        rating = Rating(
            id=tx.new_id(gene_of(window.order_id)), order_id=window.order_id, side=side,
            rater_id=call.actor.user_id, ratee_id=rules.ratee(window, side),
            listing_id=window.listing_id, punctuality=command.punctuality,
            condition=command.condition, communication=command.communication,
            comment=command.comment, given_ms=call.now_ms, revealed=False,
        )  # fmt: skip
        await store.insert_rating(tx, rating)
        window, fact = rules.given(window, rating)
        tx.emit(fact)
        given.append(rating)
        if rules.complete(given):
            window = await _reveal(tx, window, given)
        else:
            await store.update_window(tx, window)
        return rules.as_seen_by(window, given, side)

    return await ratings.db.act(call.now_ms, body, OrderRatingsView)


async def close_window(ratings: Ratings, order_id: Id, now_ms: int) -> bool:
    """Close a window whose time is over, and reveal what there is. False: there was nothing to do.

    Locks the window, then what a reveal locks.
    """

    async def body(tx: Tx) -> bool:
        window = await store.lock_window(tx, order_id)
        if not rules.is_due(window, now_ms):
            return False
        await _reveal(tx, window, await store.ratings_of(tx, order_id))
        return True

    return await ratings.db.act(now_ms, body, bool)


async def postpone_window(ratings: Ratings, order_id: Id, now_ms: int) -> None:
    """Let a window that could not be closed make room for the others. Locks the window."""

    async def body(tx: Tx) -> None:
        await store.postpone_window(tx, order_id, now_ms + rules.RETRY_MS)

    await ratings.db.act(now_ms, body, type(None))


async def _reveal(tx: Tx, window: Window, given: Sequence[Rating]) -> Window:
    """Show what was given and count it. Locks the credits in the users' order, then the listing's rating."""
    window, facts = rules.reveal(window, given)
    await store.update_window(tx, window)
    await store.reveal_ratings(tx, window.order_id)
    tx.emit(*facts)
    for rating in sorted(given, key=lambda rating: rating.ratee_id):
        credit = rules.count(await store.lock_tally(tx, "credits", rating.ratee_id), rating)
        await store.update_tally(tx, "credits", credit)
        tx.emit(rules.credit_changed(credit))
    for rating in given:
        if rating.side == "buyer":
            rated = rules.count(
                await store.lock_tally(tx, "listing_ratings", rating.listing_id), rating
            )
            await store.update_tally(tx, "listing_ratings", rated)
            tx.emit(rules.listing_rated(rated))
    return window


ACTIONS = table(rate)
