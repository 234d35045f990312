"""Two people walk the whole loop and watch all they may; every single frame that each received is then read for what only the
other may see. A stranger watches what everybody may, and reads nothing of theirs.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest

from devkit.client import Person, Refusal
from devkit.loop import CENTER, DEPOSIT_FEN, HOUR_MS, RENT_FEN, Loop, Party, join
from devkit.stack import Stack
from market.kernel.geo import Point, cell, distance_m

ADDRESS = "人民广场 1 号"
"""What `Loop` gives its listings."""

RATING_FIELDS = {"punctuality", "condition", "communication", "comment"}
MONEY_OF_THE_OWNER = {"fee_fen", "payout_fen", "owner_fen", "settled_fen", "due_fen"}


class Watching(Loop):
    """The loop, with a stranger who joins every public topic, and tries all others, as soon as they exist."""

    def __init__(self, owner: Party, buyer: Party, stranger: Party) -> None:
        super().__init__(1, owner, buyer)
        self.stranger = stranger
        self.order_id = ""
        self.listing_id = ""
        self.exact = (0.0, 0.0)
        """Where the thing is, as its owner alone is shown."""
        self.handover_codes: dict[str, str] = {}
        """role -> the code that this party alone is shown."""

    async def _step(self, name: str, act: Any, push: Any = None) -> Any:
        if name == "return":
            self.handover_codes["owner"] = self._state(self.owner, "owner")["code"]
        if name == "start":
            self.handover_codes["buyer"] = self._state(self.buyer, "buyer")["code"]
        reply = await super()._step(name, act, push)
        if name == "publish":
            self.listing_id = reply["listing_id"]
            self.exact = reply["lat"], reply["lng"]
            shown = await self.stranger.person.rest("GET", f"/v1/listings/{self.listing_id}")
            where = cell(Point(shown["lat"], shown["lng"]))
            public = [f"{kind}:{self.listing_id}" for kind in ("listing", "calendar", "hold")]
            for party in (self.owner, self.buyer, self.stranger):
                await party.socket.watch(*public, f"area:{where}")
        if name == "order":
            self.order_id = reply["order_id"]
        if name == "rate by buyer":
            await self._nothing_is_revealed()
        return reply

    def _state(self, party: Party, role: str) -> dict[str, Any]:
        state = party.socket.topics[f"order:{self.order_id}:{role}"].state
        assert isinstance(state, dict)
        return state

    async def _nothing_is_revealed(self) -> None:
        """After one rating: the owner knows that there is one, and not a word of it."""
        path = f"/v1/ratings/orders/{self.order_id}"
        seen = await self.owner.person.rest("GET", path)
        assert (seen["they_have_rated"], seen["theirs"], seen["revealed"]) == (True, None, False)
        with pytest.raises(Refusal) as refused:
            await self.stranger.person.rest("GET", path)
        assert refused.value.code == "not_found"
        about = await self.stranger.person.rest("GET", f"/v1/ratings/users/{self.owner.person.id}")
        assert all(r["comment"] != "很好用" for r in about["ratings"])
        assert "很好用" not in everything(self.owner)


def everything(party: Party) -> str:
    return json.dumps(party.socket.frames, ensure_ascii=False, default=repr)


def fields(value: Any) -> Iterator[tuple[str, Any]]:
    """Every (name, value) anywhere within."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield str(name), inner
            yield from fields(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from fields(inner)


def shown(party: Party) -> Iterator[tuple[int, str, Any]]:
    """(place, topic, value) of all that was said of topics, in order."""
    for place, frame in enumerate(party.socket.frames):
        if frame["op"] == "push":
            yield place, frame["topic"], frame["payload"]
        for topic in frame.get("topics") or ():
            yield place, topic["topic"], topic.get("state")
            for entry in topic.get("entries") or ():
                yield place, topic["topic"], entry["payload"]


@pytest.fixture
async def walked(stack: Stack) -> Any:
    """The loop, walked once by three new people."""
    run = secrets.token_hex(4)
    hubs = [hub.url for hub in stack.hubs]
    where: dict[str, Any] = {"api": stack.api_url, "hubs": hubs, "sandbox": stack.sandbox_url}
    async with aiohttp.ClientSession() as http:
        owner = await join(http, f"openid-owner-{run}", **where, hub=0)
        buyer = await join(http, f"openid-buyer-{run}", **where, hub=1)
        stranger = await join(http, f"openid-stranger-{run}", **where, hub=0)
        loop = Watching(owner, buyer, stranger)
        assert await loop.walk(), [step for step in loop.steps if not step.ok]
        yield loop
        await asyncio.gather(*(party.socket.close() for party in (owner, buyer, stranger)))


@pytest.mark.slow
@pytest.mark.timeout(90)
async def test_nobody_is_shown_what_is_the_others(walked: Watching) -> None:
    owner, buyer, stranger = walked.owner, walked.buyer, walked.stranger
    assert len(buyer.socket.frames) > 20
    assert len(owner.socket.frames) > 20
    assert len(stranger.socket.frames) > 5
    _topics_are_ones_own(walked)
    _no_credentials(walked)
    _codes(walked)
    _money(walked)
    _address(walked)
    _place(walked)
    _ratings(walked)
    _holds(walked)


def _topics_are_ones_own(walked: Watching) -> None:
    """Only topics that one asked for and may join; the other's order topic, inbox and session are none of these."""
    public = {f"{kind}:{walked.listing_id}" for kind in ("listing", "calendar", "hold")}
    for party, role in ((walked.owner, "owner"), (walked.buyer, "buyer"), (walked.stranger, "")):
        person = party.person
        mine = {f"user:{person.id}", f"session:{session_of(person)}"}
        if role:
            mine |= {f"order:{walked.order_id}:{role}", f"chat:{walked.order_id}"}
        topics = {topic for _, topic, _ in shown(party) if not topic.startswith("area:")}
        assert topics <= public | mine, topics - public - mine


def session_of(person: Person) -> str:
    return person.tokens["refresh_token"].split(".")[0]  # type: ignore[no-any-return]


def _no_credentials(walked: Watching) -> None:
    """Openids, tokens and sessions travel to nobody; not even one's own, beyond the session in `connected`."""
    parties = (walked.owner, walked.buyer, walked.stranger)
    for party in parties:
        text = everything(party)
        for other in parties:
            assert other.person.openid not in text
            for secret in ("access_token", "refresh_token"):
                assert other.person.tokens[secret] not in text
                assert other.person.tokens[secret].split(".")[-1] not in text
            if other is not party:
                assert session_of(other.person) not in text
        names = {name for frame in party.socket.frames for name, _ in fields(frame)}
        assert not names & {
            "openid",
            "unionid",
            "session_key",
            "access_token",
            "refresh_token",
            "holder_id",
            "holder",
        }
        assert not names & {
            "start_code",
            "return_code",
            "wrong_codes",
            "transaction_id",
            "out_trade_no",
        }


def _codes(walked: Watching) -> None:
    """The buyer alone is shown the code for the start, the owner alone that for the return."""
    codes = walked.handover_codes
    assert all(len(code) == 6 for code in codes.values())
    assert set(codes) == {"buyer", "owner"}
    for party, role in ((walked.owner, "owner"), (walked.buyer, "buyer"), (walked.stranger, "")):
        values = {str(value) for frame in party.socket.frames for _, value in fields(frame)}
        assert {code for code in codes.values() if code in values} == (
            {codes[role]} if role else set()
        )
        own = {
            p["code"]
            for _, topic, p in shown(party)
            if topic.startswith("order:") and p and p["code"]
        }
        assert own == ({codes[role]} if role else set())


def _money(walked: Watching) -> None:
    """The fee and what the owner gets are the owner's business."""
    fee = RENT_FEN // 10
    known = [
        v
        for _, t, p in shown(walked.owner)
        if t.startswith("order:")
        for n, v in fields(p)
        if n == "fee_fen"
    ]
    assert set(known) == {fee}, "the owner sees the fee"
    for party in (walked.buyer, walked.stranger):
        for place, topic, payload in shown(party):
            for name, value in fields(payload):
                assert name not in MONEY_OF_THE_OWNER or value is None, (place, topic, name, value)
                if isinstance(value, str) and topic.startswith("user:"):
                    assert f"{(RENT_FEN - fee) / 100:g} 元" not in value, (place, topic, value)
    for _, topic, payload in shown(walked.stranger):
        names = {name for name, value in fields(payload) if value is not None}
        assert not names & {"total_fen", "rent_fen", "lines", "order_id", "buyer_id"}, (
            topic,
            names,
        )
    assert {DEPOSIT_FEN} == {v for _, t, p in shown(walked.stranger) if t == f"listing:{walked.listing_id}"
                             for n, v in fields(p) if n == "deposit_fen"}  # fmt: skip


def _address(walked: Watching) -> None:
    """Nobody but the owner knows it before the payment; the stranger never."""
    paid = False
    told = False
    for place, topic, payload in shown(walked.buyer):
        if topic == f"order:{walked.order_id}:buyer" and isinstance(payload, dict):
            paid = paid or payload["state"] not in ("pending_payment", "expired", "cancelled")
        if ADDRESS in json.dumps(payload, ensure_ascii=False, default=repr):
            told = True
            assert paid, (place, topic)
            assert topic == f"order:{walked.order_id}:buyer", topic
    assert told, "the buyer learns it with the payment"
    first = next(i for i, f in enumerate(walked.buyer.socket.frames) if ADDRESS in str(f))
    assert any("'ready'" in str(f) for f in walked.buyer.socket.frames[: first + 1])
    assert ADDRESS not in everything(walked.stranger)


NEAREST_SHOWN_M = 149
UNPAID = ("requested", "pending_payment", "declined", "expired", "cancelled")


def _place(walked: Watching) -> None:
    """Where the thing is, its owner alone knows, and who has paid; all others are shown a point that is somewhere near."""
    exact, told = Point(*walked.exact), 0
    for party in (walked.buyer, walked.stranger):
        for place, topic, payload in shown(party):
            if topic == f"order:{walked.order_id}:buyer" and payload["state"] not in UNPAID:
                continue
            for where in places(payload):
                told += 1
                assert distance_m(exact, where) > NEAREST_SHOWN_M, (place, topic)
    assert told > 5


def places(value: Any) -> Iterator[Point]:
    """Every pair of coordinates anywhere within."""
    if isinstance(value, dict):
        if value.get("lat") is not None and value.get("lng") is not None:
            yield Point(value["lat"], value["lng"])
        for inner in value.values():
            yield from places(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from places(inner)


def _ratings(walked: Watching) -> None:
    """What was said in ratings travels on no topic at all; that there is one does."""
    for party in (walked.owner, walked.buyer, walked.stranger):
        for place, topic, payload in shown(party):
            assert not {name for name, _ in fields(payload)} & RATING_FIELDS, (place, topic)
        text = everything_pushed(party)
        assert "很好用" not in text
        assert text.count('"准时"') == 0


def everything_pushed(party: Party) -> str:
    return json.dumps([payload for _, _, payload in shown(party)], ensure_ascii=False, default=repr)


def _holds(walked: Watching) -> None:
    """All see that there is a hold, nobody whose."""
    for party in (walked.owner, walked.stranger):
        leases = [
            lease
            for _, topic, payload in shown(party)
            if topic.startswith("hold:")
            for lease in payload or ()
        ]
        assert leases, "the hold was seen"
        for lease in leases:
            assert set(lease) == {"lease_id", "start_ms", "end_ms", "until_ms"}
        public = [
            p
            for _, t, p in shown(party)
            if t.split(":")[0] in ("hold", "calendar", "listing", "area")
        ]
        assert walked.buyer.person.id not in json.dumps(public, default=repr)
    assert walked.buyer.person.id not in everything(walked.stranger)


@pytest.mark.slow
async def test_a_stranger_reads_nothing_over_rest_either(walked: Watching) -> None:
    """Not of the order, its money, its chat or its ratings; and the listing without its address."""
    order, rest = walked.order_id, walked.stranger.person.rest
    for path in (
        f"/v1/orders/{order}", f"/v1/payments/orders/{order}", f"/v1/payments/orders/{order}/statement",
        f"/v1/conversations/{order}/messages", f"/v1/conversations/{order}/verify", f"/v1/ratings/orders/{order}",
    ):  # fmt: skip
        with pytest.raises(Refusal) as refused:
            await rest("GET", path)
        assert (refused.value.code, refused.value.status) == ("not_found", 404), path
    around = {"lat": CENTER[0], "lng": CENTER[1], "radius_m": 5000}
    answers = [
        await rest("GET", f"/v1/listings/{walked.listing_id}"),
        await rest("GET", f"/v1/listings/{walked.listing_id}/calendar"),
        await rest("GET", "/v1/listings", query=around),
        await rest("GET", f"/v1/users/{walked.buyer.person.id}"),
        await rest("GET", f"/v1/ratings/users/{walked.owner.person.id}"),
        await rest("GET", "/v1/orders"), await rest("GET", "/v1/conversations"), await rest("GET", "/v1/notices"),
    ]  # fmt: skip
    text = json.dumps(answers, ensure_ascii=False)
    assert ADDRESS not in text
    # Somebody else may show a thing close by.
    hits = [h for h in answers[2]["hits"] if h["listing"]["listing_id"] == walked.listing_id]
    for shown in (answers[0], hits):
        for where in places(shown):
            assert distance_m(Point(*walked.exact), where) > NEAREST_SHOWN_M
        assert any(places(shown))
    assert walked.order_id not in text
    assert walked.buyer.person.openid not in text
    assert walked.owner.person.openid not in text
    assert answers[5]["orders"] == []
    start_ms = answers[1]["busy"][0][0]
    assert answers[1]["busy"] == [[start_ms, start_ms + HOUR_MS]]
