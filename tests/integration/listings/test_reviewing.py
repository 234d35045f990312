"""What people want to show is looked at first: by WeChat, and where it cannot say, by operators."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from infra.objects import LocalObjects
from infra.process import now_ms
from infra.wechat.content_check import Found
from market.kernel.actor import Actor
from market.kernel.errors import Duplicate, Forbidden, IllegalTransition, Incomplete, NotFound
from market.kernel.ids import Id
from market.kernel.topics import EVERYONE, Want
from market.listings import actions, reviewing, views
from market.listings.commands import Edit, GetListing, Review, ReviewQueue, Submit, Withdraw
from market.listings.rules.shown import ListingView, ReviewItem
from market.listings.wing import Listings
from tests.integration.conftest import call, new_id, someone
from tests.integration.listings.conftest import (
    BODY,
    ban,
    facts_of,
    look,
    look_at_all,
    publish,
    says,
    submit,
    trace_of,
)
from tests.unit.infra.pictures import encoded, gradient

RISKY = Found(suggest="risky", label=20001)
DOUBTFUL = Found(suggest="review", label=20012)
PASS = Found(suggest="pass", label=100)


async def mine(listings: Listings, owner: Actor, id_: Id) -> ListingView:
    return await views.get(listings, call(owner), GetListing(listing_id=id_))


async def edit(listings: Listings, owner: Actor, id_: Id, **changes: Any) -> ListingView:
    version = (await mine(listings, owner, id_)).version
    return await actions.edit(
        listings, call(owner), Edit(listing_id=id_, version=version, **changes)
    )


async def queue_item(listings: Listings, id_: Id) -> ReviewItem | None:
    page = await reviewing.queue(listings, call(someone("operator")), ReviewQueue(limit=50))
    return next((item for item in page.items if item.listing.listing_id == id_), None)


async def test_a_draft_is_its_owners_alone(listings: Listings) -> None:
    owner = someone()
    bare = {name: BODY[name] for name in ("category", "lat", "lng", "plan")}
    made = await actions.draft.perform(listings, owner, now_ms(), str(new_id()), bare)
    id_ = made.listing_id
    assert (made.status, made.version, made.exact) == ("draft", 1, True)
    for who in (someone(), someone("operator")):
        with pytest.raises(NotFound):
            await mine(listings, who, id_)
    (snapshot,) = await views.snapshot(listings, [Want(topic=f"listing:{id_}")], now_ms())
    assert snapshot.readers.admit(owner)
    assert not snapshot.readers.admit(someone())
    with pytest.raises(Incomplete) as refused:
        await actions.submit(listings, call(owner), Submit(listing_id=id_, version=1))
    assert refused.value.data["missing"] == ["title", "price"]
    await edit(listings, owner, id_, title="梯子", price_day_fen=900)
    with pytest.raises(Forbidden):
        await actions.submit(listings, call(someone()), Submit(listing_id=id_, version=2))
    sent = await actions.submit(listings, call(owner), Submit(listing_id=id_, version=2))
    assert sent.status == "review"
    back = await actions.withdraw(listings, call(owner), Withdraw(listing_id=id_, version=3))
    assert back.status == "draft"
    assert {fact.kind for fact in await facts_of(listings, id_)} == {"listing.drafted"}


async def test_what_is_risky_is_rejected_mended_and_shown(listings: Listings) -> None:
    owner = someone()
    says(listings).of_words = {"违禁": RISKY}
    id_ = (await submit(listings, owner, title="违禁品")).listing_id
    await look_at_all(listings)
    rejected = await mine(listings, owner, id_)
    assert rejected.status == "rejected"
    assert "时政" in rejected.review_note
    with pytest.raises(NotFound):
        await look(listings, id_)
    assert [fact.kind for fact in await facts_of(listings, id_)][-1] == "listing.reviewed"
    mended = await edit(listings, owner, id_, title="电锯")
    sent = Submit(listing_id=id_, version=mended.version)
    assert (await actions.submit(listings, call(owner), sent)).review_note == ""
    await look_at_all(listings)
    assert (await look(listings, id_)).title == "电锯"


async def test_people_see_the_old_wording_until_the_new_one_has_passed(listings: Listings) -> None:
    owner = someone()
    says(listings).of_words = {"违禁": RISKY}
    id_ = (await publish(listings, owner)).listing_id
    waiting = await edit(listings, owner, id_, title="违禁电钻", price_day_fen=2_000)
    assert waiting.pending is not None
    assert (waiting.title, waiting.pending.title, waiting.price_day_fen) == (
        "电钻",
        "违禁电钻",
        2_000,
    )
    await look_at_all(listings)
    refused = await mine(listings, owner, id_)
    assert (refused.status, refused.title) == ("live", "电钻")
    assert refused.review_note
    stranger = await look(listings, id_)
    assert (stranger.pending, stranger.review_note, stranger.title) == (None, "", "电钻")
    await edit(listings, owner, id_, title="好电钻")
    await look_at_all(listings)
    assert (await look(listings, id_)).title == "好电钻"
    assert (await mine(listings, owner, id_)).pending is None
    pushed = [p for fact in await facts_of(listings, id_) for p in fact.pushes]
    assert all("违禁" not in str(p["payload"]) for p in pushed)


async def test_while_wechat_is_away_all_waits_and_nothing_is_lost(listings: Listings) -> None:
    owner = someone()
    says(listings).away = True
    id_ = (await submit(listings, owner)).listing_id
    await look_at_all(listings)
    assert (await mine(listings, owner, id_)).status == "review"
    says(listings).away = False
    await look_at_all(listings)  # not at once again
    assert (await mine(listings, owner, id_)).status == "review"
    await look_at_all(listings, now_ms() + reviewing.LONGEST_PAUSE_MS)
    assert (await mine(listings, owner, id_)).status == "live"
    assert (f"o-{owner.user_id}", "电钻\n博世,带两块电池") in says(listings).texts


async def test_operators_look_at_what_wechat_leaves_to_them(listings: Listings) -> None:
    owner, operator = someone(), someone("operator")
    says(listings).of_words = {"可疑": DOUBTFUL}
    first, second = [
        (await submit(listings, owner, title=f"可疑{n}")).listing_id for n in ("一", "二")
    ]
    await look_at_all(listings)
    item = await queue_item(listings, first)
    assert item is not None
    assert (item.wording.title, item.reasons) == ("可疑一", ("内容需要人工确认",))
    version = item.listing.version
    with pytest.raises(Forbidden):
        await reviewing.queue(listings, call(owner), ReviewQueue())
    yes = Review(listing_id=first, version=version, verdict="approve")
    with pytest.raises(Forbidden):
        await reviewing.decide(listings, call(owner), yes)
    assert (await reviewing.decide(listings, call(operator), yes)).status == "live"
    again = Review(listing_id=first, version=version + 1, verdict="approve")
    with pytest.raises(IllegalTransition):
        await reviewing.decide(listings, call(operator), again)
    other = await queue_item(listings, second)
    assert other is not None
    no = Review(listing_id=second, version=other.listing.version, verdict="reject", note="请写清楚")
    await reviewing.decide(listings, call(operator), no)
    assert (await mine(listings, owner, second)).review_note == "请写清楚"
    assert await queue_item(listings, first) is await queue_item(listings, second) is None


async def test_nothing_of_who_is_banned_is_taken_in_or_shown(listings: Listings) -> None:
    owner, operator = someone(), call(someone("operator"))
    says(listings).of_words = {"疑": DOUBTFUL}

    async def draft() -> ListingView:
        return await actions.draft.perform(listings, owner, now_ms(), str(new_id()), BODY)

    doubted, reworded = [(await publish(listings, owner)).listing_id for _ in range(2)]
    await edit(listings, owner, doubted, title="疑似电钻")
    await look_at_all(listings)
    drafted = (await draft()).listing_id
    waiting = (await submit(listings, owner)).listing_id
    await edit(listings, owner, reworded, title="新电钻")
    await ban(listings, owner)

    with pytest.raises(Forbidden):
        await draft()
    for id_ in (drafted, waiting):
        now = await mine(listings, owner, id_)
        assert now.status == "draft"
        with pytest.raises(Forbidden):
            await actions.submit(listings, call(owner), Submit(listing_id=id_, version=now.version))
    item = await queue_item(listings, doubted)
    assert item is not None
    approval = Review(listing_id=doubted, version=item.listing.version, verdict="approve")
    with pytest.raises(Forbidden):
        await reviewing.decide(listings, operator, approval)
    assert await queue_item(listings, doubted) == item
    refusal = replace(approval, verdict="reject", note="封号")
    await reviewing.decide(listings, operator, refusal)
    await look_at_all(listings)
    for id_ in (doubted, reworded):
        now = await look(listings, id_)
        assert (now.status, now.title) == ("paused", BODY["title"])
    assert (await mine(listings, owner, reworded)).pending is None
    for id_ in (drafted, waiting):
        with pytest.raises(NotFound):
            await look(listings, id_)


async def test_an_answer_about_what_was_replaced_is_of_no_account(listings: Listings) -> None:
    owner = someone()
    says(listings).of_words = {"违禁": RISKY}
    id_ = (await publish(listings, owner)).listing_id
    await edit(listings, owner, id_, title="违禁电钻")
    await edit(listings, owner, id_, title="电钻二")
    await look_at_all(listings)
    found = await mine(listings, owner, id_)
    assert (found.title, found.review_note, found.pending) == ("电钻二", "", None)


# --- photos -----------------------------------------------------------------------------------------------------------------


async def photo(listings: Listings, owner: Actor, turn: int, size: tuple[int, int] = (640, 480)) -> str:  # fmt: skip
    """Uploaded by the owner: its key."""
    assert isinstance(listings.objects, LocalObjects)
    raw = await asyncio.to_thread(lambda: encoded(gradient(*size, turn=turn), "PNG"))

    async def chunks() -> AsyncIterator[bytes]:
        yield raw

    key = f"photos/{owner.user_id}/{secrets.token_urlsafe(16)}"
    return (await listings.objects.put_photo(key, chunks(), "image/png", len(raw))).object_key


async def tell(listings: Listings, key: str, found: Found) -> None:
    event = {
        "Event": "wxa_media_check", "trace_id": trace_of(key), "errcode": 0,
        "result": {"suggest": found.suggest, "label": found.label},
    }  # fmt: skip
    await reviewing.hear(listings, event, now_ms())


@pytest.mark.parametrize(
    ("found", "status"), [(PASS, "live"), (RISKY, "rejected"), (DOUBTFUL, "review")]
)
async def test_photos_are_waited_for(listings: Listings, found: Found, status: str) -> None:
    owner = someone()
    key = await photo(listings, owner, new_id() % 200)
    id_ = (await submit(listings, owner, photos=[key])).listing_id
    await look_at_all(listings)
    assert (await mine(listings, owner, id_)).status == "review"
    assert (f"o-{owner.user_id}", listings.objects.download_url(key, 0)) in says(listings).images
    await tell(listings, key, found)
    assert (await mine(listings, owner, id_)).status == status
    assert (await queue_item(listings, id_) is not None) == (status == "review")


async def test_a_photo_that_nobody_tells_of_is_looked_at_by_people(listings: Listings) -> None:
    owner = someone()
    key = await photo(listings, owner, 41)
    id_ = (await submit(listings, owner, photos=[key])).listing_id
    await look_at_all(listings)
    await look_at_all(listings, now_ms() + reviewing.OVERDUE_MS)
    item = await queue_item(listings, id_)
    assert item is not None
    assert "自动检查没有结果" in item.reasons


async def test_the_same_thing_twice(listings: Listings) -> None:
    owner, other = someone(), someone()
    key = await photo(listings, owner, 97, (600, 450))
    first = await submit(listings, owner, title="博世电钻 GSB 120", photos=[key])
    smaller = await photo(listings, owner, 97, (500, 375))
    with pytest.raises(Duplicate) as refused:
        await submit(listings, owner, title="博世电钻GSB 120 ", photos=[smaller])
    assert refused.value.data["listing_id"] == first.listing_id
    away = {"lat": BODY["lat"] + 0.1, "lng": BODY["lng"]}
    await submit(listings, owner, title="博世电钻 GSB 120", photos=[smaller], **away)
    theirs = await photo(listings, other, 97, (600, 450))
    copied = (await submit(listings, other, title="别的东西", photos=[theirs])).listing_id
    await look_at_all(listings)
    await tell(listings, theirs, PASS)
    item = await queue_item(listings, copied)
    assert item is not None
    assert item.reasons == ("他人的发布中有相同的照片",)
    assert all(s.readers == EVERYONE for s in await views.snapshot(listings, [Want(topic="area:wtw3s")], now_ms()))  # fmt: skip
