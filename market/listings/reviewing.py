"""Looking at what people want to show: WeChat is asked between transactions, and what it or an operator says is recorded.

Every part of a wording, its text and each photo, has a row that says when to ask (again). To ask is to take the row for a while;
the answer is recorded under the listing's lock, and the last one decides. An answer about a wording that is not wanted any more
finds no row and does nothing.
"""

from __future__ import annotations

from typing import Any

from infra.action import action, view
from infra.mysql.database import Tx
from infra.wechat.content_check import SUGGESTS, Found, found
from market.kernel.actor import Call, require_operator
from market.kernel.errors import BadInput, IllegalTransition, NotFound, NotYet, VersionConflict
from market.kernel.ids import Id
from market.listings import review_store, store
from market.listings.actions import save
from market.listings.commands import Review, ReviewQueue
from market.listings.review_store import Due
from market.listings.rules import listing as rules
from market.listings.rules import review, shown
from market.listings.rules.listing import Listing
from market.listings.rules.review import TEXT, Check
from market.listings.rules.shown import ListingView, ReviewItem, ReviewQueueView
from market.listings.wing import Listings

TAKEN_MS = 20_000
"""Whoever asks has so long; then somebody else may."""

OVERDUE_MS = 31 * 60_000
"""WeChat tells of an image within 30 minutes. After that people look."""

FIRST_PAUSE_MS, LONGEST_PAUSE_MS = 1_000, 60_000
PATIENT_ATTEMPTS = 6
"""An owner whom we have not heard of, or whom WeChat has not: so often is asked before people look."""

IMAGE_EVENT = "wxa_media_check"


async def ask(listings: Listings, due: Due, now_ms: int) -> bool:
    """Ask WeChat about one part; whether there is an answer, or will be. Raise Unavailable, and it is asked again later."""
    async with listings.db.read() as cursor:
        if not await review_store.take(cursor, due, now_ms + TAKEN_MS):
            return False
    if due.trace_id:
        return await say(listings, due, None, now_ms)
    try:
        if not due.openid:
            raise NotFound("we have not heard of the owner")
        if due.part != TEXT:
            await _ask_about_image(listings, due, now_ms)
            return True
        answer = await listings.check.text(due.openid, await _text(listings, due))
    except NotFound:
        if due.attempts >= PATIENT_ATTEMPTS:
            return await say(listings, due, None, now_ms)
        await _later(listings, due, now_ms)
        return False
    except Exception:
        await _later(listings, due, now_ms)
        raise
    return await say(listings, due, answer, now_ms)


async def _ask_about_image(listings: Listings, due: Due, now_ms: int) -> None:
    url = listings.objects.download_url(due.part, now_ms)
    trace_id = await listings.check.image(due.openid, url)
    async with listings.db.read() as cursor:
        await review_store.asked(cursor, due, trace_id, now_ms, now_ms + OVERDUE_MS)


async def _text(listings: Listings, due: Due) -> str:
    """Of the wording as it is now: if that is not the one asked about, the answer will find no row."""
    async with listings.db.read() as cursor:
        (listing,) = await store.read(cursor, [due.listing_id])
    return review.text_of(rules.wording(listing))


async def _later(listings: Listings, due: Due, now_ms: int) -> None:
    pause_ms = min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** min(due.attempts, 10))
    async with listings.db.read() as cursor:
        await review_store.later(cursor, due, now_ms + pause_ms)


async def say(listings: Listings, due: Due, answer: Found | None, now_ms: int) -> bool:
    """Record what was found of a part, None: nothing will be. Locks the listing."""
    return await _record(listings, due.listing_id, due.part, due.version, answer, now_ms)


async def hear(listings: Listings, event: dict[str, Any], now_ms: int) -> None:
    """An event of WeChat's; those that are about no image are passed over. Locks the listing.

    Raise NotYet for an image that nobody has asked about, or whose trace id is not written yet: WeChat tells it again.
    """
    if event.get("Event") != IMAGE_EVENT:
        return
    trace_id = event.get("trace_id")
    if not isinstance(trace_id, str) or len(trace_id) > 64 or not trace_id.isascii():
        raise BadInput("an image has a trace id")
    # An image that WeChat could not fetch or read has no result that counts.
    answer = found(event) if event.get("errcode", 0) == 0 else None
    async with listings.db.read() as cursor:
        known = await review_store.by_trace(cursor, trace_id)
    if known is None:
        raise NotYet("nobody has asked about this image")
    await _record(listings, *known, answer, now_ms)


async def _record(
    listings: Listings, listing_id: Id, part: str, version: int, answer: Found | None, now_ms: int
) -> bool:
    check = Check(part=part, verdict="review")
    if answer is not None:
        assert answer.suggest in SUGGESTS
        check = Check(part=part, verdict=answer.suggest, label=answer.label)

    async def body(tx: Tx) -> bool:
        before = await store.find_locked(tx, listing_id)
        if before is None or not await review_store.say(tx, listing_id, part, version, check):
            return False
        await _decide(tx, before)
        return True

    return await listings.db.act(now_ms, body, bool)


async def _decide(tx: Tx, before: Listing) -> None:
    said = rules.in_review(before)
    if said is None:
        return
    known = await review_store.checks(tx, before.id)
    checks = [check for check in known if check.part in review.parts_of(said)]
    reasons = await review_store.reasons(tx, before.id)
    match review.outcome(checks, reasons):
        case "pass":
            banned = (await store.owner_of(tx, before)).banned
            after = rules.withdraw(before) if banned else rules.approve(before, tx.now_ms)
            await save(tx, before, after)
        case "risky":
            await _reject(tx, before, review.note(checks))
        case "review":
            why = dict.fromkeys((*reasons, *review.found(checks)))
            await review_store.queue(tx, before.id, tuple(why))


async def _reject(tx: Tx, before: Listing, note: str) -> Listing:
    after = rules.reject(before, note)
    await save(tx, before, after)
    tx.emit(shown.reviewed(after, "rejected", note))
    return after


@action("listings.review")
async def decide(listings: Listings, call: Call, command: Review) -> ListingView:
    """An operator has looked at what waits; nothing of a banned owner's can be approved. Locks the listing."""
    require_operator(call.actor)
    if command.verdict == "reject" and not command.note.strip():
        raise BadInput("say why")

    async def body(tx: Tx) -> ListingView:
        before = await store.lock(tx, command.listing_id)
        await tx.claim(call, command)
        if command.version != before.version:
            raise VersionConflict(version=before.version)
        if rules.in_review(before) is None:
            raise IllegalTransition(status=before.status)
        if command.verdict == "reject":
            return shown.view(await _reject(tx, before, command.note))
        rules.may_offer(await store.owner_of(tx, before))
        review_store.pass_all(tx, before.id)
        after = rules.approve(before, call.now_ms)
        await save(tx, before, after)
        tx.emit(shown.reviewed(after, "approved", ""))
        return shown.view(after)

    return await listings.db.act(call.now_ms, body, ListingView)


@view("listings.review_queue")
async def queue(listings: Listings, call: Call, query: ReviewQueue) -> ReviewQueueView:
    """What operators have to look at, what has waited longest first."""
    require_operator(call.actor)
    async with listings.db.read() as cursor:
        waiting = await review_store.queued(cursor, query.limit)
        found = {s.id: s for s in await store.read(cursor, [w.listing_id for w in waiting])}
    return ReviewQueueView(
        items=tuple(
            ReviewItem(
                listing=shown.view(listing), wording=said, submitted_ms=item.submitted_ms,
                reasons=tuple(review.REASONS[reason] for reason in item.reasons),
            )
            for item in waiting
            if (listing := found.get(item.listing_id)) and (said := rules.in_review(listing))
        )
    )  # fmt: skip
