"""People who cheat with orders: with old prices and prices of their own, with amounts that are none, with two phones, and with what is
the other party's to do. Each is refused by its code, and the order is as it was."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any

import pytest

from tests.integration.hostile.lines import an_order
from tests.integration.hostile.scene import HOUR_MS, Answer, Somebody, World, a_listing, new_key
from tests.integration.hostile.wire import code_of, wired

MAX_FEN = 100_000_000
LOST_RACES = {"version_conflict", "illegal_transition"}

MAY = {
    "approve": {"owner"}, "decline": {"owner"}, "cancel": {"buyer", "owner"}, "start": {"owner"}, "return": {"buyer"},
    "accept": {"owner"}, "claim": {"owner"}, "concede": {"buyer"}, "contest": {"buyer"}, "dispute": {"buyer", "owner"},
    "evidence": {"buyer", "owner"}, "decide": {"operator"}, "extend": {"buyer"}, "forgo": {"buyer"},
}  # fmt: skip
"""Who may ever do what with an order."""


def terms_of(listing: dict[str, Any]) -> dict[str, Any]:
    return {"listing_id": listing["listing_id"], "terms_version": listing["terms_version"]}


async def calendar(world: World, listing_id: str) -> Any:
    answer = await world.ask("GET", f"/v1/listings/{listing_id}/calendar")
    assert answer.status == 200, answer
    return answer.json


async def order_of(world: World, who: Somebody, body: dict[str, Any], key: str = "") -> Answer:
    return await world.ask("POST", "/v1/orders", token=who.token, key=key or new_key(), body=body)


async def orders_of(world: World, who: Somebody) -> list[Any]:
    answer = await world.ask("GET", "/v1/orders", token=who.token, query={"limit": 100})
    assert answer.status == 200, answer
    return list(answer.json["orders"])


# --- prices -------------------------------------------------------------------------------------------------------------


async def test_an_old_price_buys_nothing_and_the_new_one_does(world: World) -> None:
    wish = (await an_order(world)).fields
    buyer, key = await world.log_in(), new_key()
    before = await calendar(world, wish["listing_id"])
    stale = await order_of(world, buyer, {**wish, "terms_version": 1}, key)
    assert (stale.status, stale.code) == (409, "stale_quote")
    assert stale.json["error"]["data"] == {"terms_version": wish["terms_version"]}
    assert not stale.json["error"]["retryable"]
    assert await calendar(world, wish["listing_id"]) == before
    assert await orders_of(world, buyer) == []
    bought = await order_of(world, buyer, wish, key)  # a refusal has not spent the key
    assert bought.status == 201, bought
    assert (await order_of(world, buyer, {**wish, "terms_version": 1}, key)).code == "key_reused"


async def test_nobody_gets_another_price_than_the_one_they_were_quoted(world: World) -> None:
    """While the owner goes on changing it."""
    listing = await world.publish()
    path = f"/v1/listings/{listing['listing_id']}"
    done, starts = asyncio.Event(), itertools.count(world.period()["start_ms"], HOUR_MS)

    async def change() -> list[str]:
        version = listing["version"]
        for price_fen in range(200, 1200, 100):
            edit = {"version": version, "price_hour_fen": price_fen}
            answer = await world.ask(
                "PATCH", path, token=world.owner.token, key=new_key(), body=edit
            )
            if answer.code == "version_conflict":
                version = answer.json["error"]["data"]["version"]
            else:
                assert answer.status == 200, answer
                version = answer.json["version"]
        done.set()
        return ["ok"]

    async def buy(buyer: Somebody) -> list[str]:
        codes = []
        while not done.is_set():
            start_ms = next(starts)
            period = {"start_ms": start_ms, "end_ms": start_ms + HOUR_MS}
            quoted = (await world.ask("GET", f"{path}/quote", query=period)).json
            wish = {
                "listing_id": listing["listing_id"], "terms_version": quoted["terms_version"], **period,
            }  # fmt: skip
            answer = await order_of(world, buyer, wish)
            codes.append(answer.code)
            if answer.status == 201:
                paid = (answer.json["rent_fen"], answer.json["deposit_fen"])
                assert paid == (quoted["rent_fen"], quoted["deposit_fen"])
        return codes

    buyers = [await world.log_in() for _ in range(4)]
    _, *told = await asyncio.gather(change(), *map(buy, buyers))
    codes = {code for codes in told for code in codes}
    assert "ok" in codes
    assert codes <= {"ok", "stale_quote", "too_many_unpaid"}


async def test_what_the_client_says_of_money_is_not_heard(world: World) -> None:
    wish = {**terms_of(world.listing), **world.period()}
    quoted = (
        await world.ask("GET", f"/v1/listings/{wish['listing_id']}/quote", query={**wish})
    ).json
    claimed = {
        "rent_fen": 1, "deposit_fen": 0, "total_fen": 1, "fee_fen": 0, "price_hour_fen": 1, "lines": [],
        "price": {"total_fen": 1}, "state": "ready", "buyer_id": world.stranger.id, "owner_id": world.buyer.id,
        "pay_by_ms": 2**52, "version": 7, "waived": True,
    }  # fmt: skip
    answer = await order_of(world, world.buyer, {**wish, **claimed})
    assert answer.status == 201, answer
    made = answer.json
    for name in ("rent_fen", "deposit_fen", "total_fen", "lines"):
        assert made[name] == quoted[name], name
    assert made["state"] == "pending_payment"
    assert (made["buyer_id"], made["owner_id"]) == (world.buyer.id, world.owner.id)
    path = f"/v1/payments/orders/{made['order_id']}"
    owed = await world.known(world.buyer, path)
    assert owed["paid"]["total_fen"] == quoted["total_fen"]
    prepay = {"order_id": made["order_id"], "total_fen": 1, "amount_fen": 1, "amount": {"total": 1}}
    await world.do(world.buyer, "POST", "/v1/payments/prepay", prepay)
    assert (await world.known(world.buyer, path))["paid"]["total_fen"] == quoted["total_fen"]


# --- amounts ------------------------------------------------------------------------------------------------------------

NO_AMOUNTS = ["-1", "0.5", "1.0000001", str(MAX_FEN + 1), "1e400", "1e18", str(2**63), str(-(2**63)), "NaN", "Infinity", '"1"',
              '""', "true", "[1]", "{}"]  # fmt: skip
"""As they stand in JSON."""


def with_raw(body: dict[str, Any], field: str, raw: str) -> bytes:
    return json.dumps({**body, field: "HERE"}).replace('"HERE"', raw).encode()


@pytest.mark.parametrize("field", ["price_hour_fen", "price_day_fen", "deposit_fen"])
async def test_amounts_that_are_none_cannot_be_asked(world: World, field: str) -> None:
    listing = await world.publish()
    edit_path = f"/v1/listings/{listing['listing_id']}"
    for raw in NO_AMOUNTS:
        for method, path, body in (
            ("POST", "/v1/listings", a_listing()),
            ("PATCH", edit_path, {"version": listing["version"]}),
        ):
            answer = await world.ask(
                method, path, token=world.owner.token, key=new_key(), raw=with_raw(body, field, raw)
            )
            assert (answer.status, answer.code) == (400, "invalid"), (method, raw, answer)
    now = (await world.ask("GET", edit_path)).json
    assert (now["version"], now[field]) == (listing["version"], listing[field])


NO_MOMENTS = [*NO_AMOUNTS[:3], str(2**53), str(2**63), "1e400", "NaN", "null", '"1"', "true", "[]"]


@pytest.mark.parametrize("field", ["start_ms", "end_ms", "terms_version"])
async def test_numbers_that_are_none_order_nothing(world: World, field: str) -> None:
    buyer = await world.log_in()
    wish = {**terms_of(world.listing), **world.period()}
    before = await calendar(world, wish["listing_id"])
    for raw in NO_MOMENTS if field != "terms_version" else [*NO_MOMENTS, "0"]:
        if (field, raw) == ("terms_version", str(2**53)):
            continue  # a number, and one that nobody has seen: below
        answer = await world.ask(
            "POST", "/v1/orders", token=buyer.token, key=new_key(), raw=with_raw(wish, field, raw)
        )
        assert (answer.status, answer.code) == (400, "invalid"), (raw, answer)
    ahead = await order_of(world, buyer, {**wish, "terms_version": 2**53})
    assert (ahead.status, ahead.code) == (409, "not_yet")
    assert await orders_of(world, buyer) == []
    assert await calendar(world, wish["listing_id"]) == before


async def test_periods_that_are_none_cost_nothing(world: World) -> None:
    """Backwards, empty, long ago, for ever: no negative price, no free ride."""
    buyer, terms, period = await world.log_in(), terms_of(world.listing), world.period()
    start_ms = period["start_ms"]
    for start, end in (
        (start_ms, start_ms), (start_ms + HOUR_MS, start_ms), (start_ms, 0), (0, HOUR_MS), (0, 0), (0, 2**53 - 1),
        (start_ms, 2**53 - 1), (2**53 - 2, 2**53 - 1), (start_ms - 10**10, start_ms - 10**10 + HOUR_MS), (start_ms, start_ms + 1),
    ):  # fmt: skip
        wish = {**terms, "start_ms": start, "end_ms": end}
        answer = await order_of(world, buyer, wish)
        assert answer.status in (400, 409), (start, end, answer)
        assert answer.code in ("invalid", "not_bookable"), (start, end, answer)
        quoted = await world.ask("GET", f"/v1/listings/{terms['listing_id']}/quote", query=wish)
        assert quoted.status < 500, quoted
        if quoted.status == 200:
            assert min(quoted.json[name] for name in ("rent_fen", "deposit_fen", "total_fen")) >= 0
    assert await orders_of(world, buyer) == []


async def test_the_dearest_thing_has_an_exact_price_or_none(world: World) -> None:
    buyer = await world.log_in()
    too_dear = a_listing(price_hour_fen=MAX_FEN, deposit_fen=1)
    answer = await world.ask(
        "POST", "/v1/listings", token=world.owner.token, key=new_key(), body=too_dear
    )
    assert (answer.status, answer.code) == (400, "invalid")
    listing = await world.publish(await world.log_in(), price_hour_fen=MAX_FEN, deposit_fen=0)
    start_ms = world.period()["start_ms"]
    for hours in (2, 24, 24 * 20):
        wish = {**terms_of(listing), "start_ms": start_ms, "end_ms": start_ms + hours * HOUR_MS}
        answer = await order_of(world, buyer, wish)
        assert (answer.status, answer.code) == (409, "not_bookable"), answer
    wish = {**terms_of(listing), "start_ms": start_ms, "end_ms": start_ms + HOUR_MS}
    made = (await order_of(world, buyer, wish)).json
    assert (made["rent_fen"], made["total_fen"]) == (MAX_FEN, MAX_FEN)
    assert [order["order_id"] for order in await orders_of(world, buyer)] == [made["order_id"]]


async def test_no_more_is_divided_than_was_paid(world: World) -> None:
    """Claims and decisions beyond it are refused; of two that are right and come at once, one divides it, to the fen."""
    order = await world.order("returned", free=False)
    order_id, rent_fen, deposit_fen = order["order_id"], order["rent_fen"], order["deposit_fen"]
    path = f"/v1/orders/{order_id}"

    async def step(who: Somebody, name: str, **body: Any) -> Answer:
        return await world.ask("POST", f"{path}/{name}", token=who.token, key=new_key(), body=body)

    for raw in ["0", *NO_AMOUNTS]:
        answer = await world.ask(
            "POST", f"{path}/claim", token=world.owner.token, key=new_key(),
            raw=with_raw({"reason": "坏了"}, "amount_fen", raw),
        )  # fmt: skip
        assert (answer.status, answer.code) == (400, "invalid"), (raw, answer)
    too_much = await step(world.owner, "claim", amount_fen=deposit_fen + 1, reason="坏了")
    assert (too_much.status, too_much.code) == (409, "too_much")
    assert (await world.known(world.buyer, path))["version"] == order["version"]
    claimed = await step(world.owner, "claim", amount_fen=deposit_fen, reason="坏了")
    assert claimed.status == 200, claimed
    contested = (await step(world.buyer, "contest", reason="没有")).json

    for rent, deposit, code in (
        (rent_fen + 1, 0, "too_much"), (0, deposit_fen + 1, "too_much"), (rent_fen + 1, deposit_fen + 1, "too_much"),
        (-1, 0, "invalid"), (0, -deposit_fen, "invalid"), (0.5, 0, "invalid"), (MAX_FEN + 1, 0, "invalid"),
    ):  # fmt: skip
        answer = await step(
            world.operator, "decide", decision="split", rent_back_fen=rent, deposit_kept_fen=deposit
        )
        assert answer.code == code, (rent, deposit, answer)
    assert (await world.known(world.buyer, path))["version"] == contested["version"]

    splits = [(rent_fen // 2, 1), (rent_fen, 0), (0, deposit_fen)]
    answers = await asyncio.gather(
        *(
            step(world.operator, "decide", decision="split", rent_back_fen=rent, deposit_kept_fen=kept)
            for rent, kept in splits
        )
    )  # fmt: skip
    [won] = [n for n, answer in enumerate(answers) if answer.status == 200]
    assert {answer.code for answer in answers} == {"ok", "illegal_transition"}
    rent, kept = splits[won]
    refunded_fen = rent + deposit_fen - kept
    shown = await world.known(
        world.buyer, f"/v1/payments/orders/{order_id}/statement",
        lambda s: s["held_rent_fen"] + s["held_deposit_fen"] == 0 and s["refunded_fen"] == refunded_fen,
    )  # fmt: skip
    assert shown["paid_fen"] == rent_fen + deposit_fen
    assert shown["owner_fen"] + shown["fee_fen"] + refunded_fen == shown["paid_fen"]
    assert shown["owner_fen"] >= kept


# --- two devices --------------------------------------------------------------------------------------------------------


async def test_two_phones_order_the_same_hour_and_one_gets_it(world: World) -> None:
    phones = [await world.log_in("o-two-phones") for _ in range(2)]
    assert phones[0].id == phones[1].id
    wish = {**terms_of(await world.publish(await world.log_in())), **world.period()}
    answers = await asyncio.gather(*(order_of(world, phone, wish) for phone in phones * 3))
    assert sorted(answer.code for answer in answers) == ["ok", *["slot_taken"] * 5]
    assert len(await orders_of(world, phones[0])) == 1
    assert len((await calendar(world, wish["listing_id"]))["busy"]) == 1


async def test_two_phones_with_one_key_make_one_order(world: World) -> None:
    """Over REST and over the socket at the same moment; all are told the same."""
    phones, key = [await world.log_in("o-one-key") for _ in range(2)], new_key()
    wish = {**terms_of(await world.publish(await world.log_in())), **world.period()}
    async with wired(world, phones[0]) as wire:
        reply, *answers = await asyncio.gather(
            wire.command("orders.create", wish, key),
            *(order_of(world, phone, wish, key) for phone in phones * 2),
        )
    assert code_of(reply) == "ok", reply
    assert {answer.status for answer in answers} == {201}
    assert {a.json["order_id"] for a in answers} == {reply["body"]["order_id"]}
    assert len(await orders_of(world, phones[0])) == 1
    moved = {**wish, **world.period()}
    assert (await order_of(world, phones[1], moved, key)).code == "key_reused"
    assert len(await orders_of(world, phones[0])) == 1


async def test_two_phones_cancel_at_once_and_it_happens_once(world: World) -> None:
    order = await world.order("ready")
    path = f"/v1/orders/{order['order_id']}"
    other = await world.log_in(world.buyer.openid)
    body = {"version": order["version"]}
    answers = await asyncio.gather(
        *(
            world.ask("POST", f"{path}/cancel", token=who.token, key=new_key(), body=body)
            for who in (world.buyer, other, world.owner) * 2
        )
    )
    codes = sorted(answer.code for answer in answers)
    assert codes.count("ok") == 1
    assert set(codes) <= {"ok", *LOST_RACES}
    now = await world.known(world.buyer, path)
    assert (now["state"], now["version"]) == ("cancelled", order["version"] + 1)


async def test_a_handover_against_a_cancellation_has_one_winner(world: World) -> None:
    for _ in range(5):
        order = await world.order("ready")
        path = f"/v1/orders/{order['order_id']}"
        start, cancel = await asyncio.gather(
            world.ask(
                "POST", f"{path}/start", token=world.owner.token, key=new_key(), body={"code": order["code"]}
            ),
            world.ask("POST", f"{path}/cancel", token=world.buyer.token, key=new_key(), body={}),
        )  # fmt: skip
        assert sorted((start.code, cancel.code)) == ["illegal_transition", "ok"], (start, cancel)
        now = await world.known(world.buyer, path)
        assert now["state"] == ("in_use" if start.code == "ok" else "cancelled")
        assert now["version"] == order["version"] + 1


# --- the other party ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "state", ["requested", "pending_payment", "ready", "in_use", "returned", "claimed", "disputed"]
)
async def test_nobody_does_what_is_the_other_partys_to_do(world: World, state: str) -> None:
    order = await world.order(state, free=state != "claimed")
    path = f"/v1/orders/{order['order_id']}"
    people = {name: getattr(world, name) for name in ("buyer", "owner", "operator", "stranger")}
    codes = [
        code
        for name in ("buyer", "owner")
        if (code := (await world.known(people[name], path))["code"])
    ]
    body = {
        "code": (codes or ["000000"])[0], "decision": "release", "reason": "我说了算", "text": "看", "amount_fen": 1, "end_ms": order["end_ms"] + 1,
    }  # fmt: skip
    for step, allowed in MAY.items():
        for name, who in people.items():
            if name in allowed:
                continue
            for _ in range(2):  # insisting does not help
                answer = await world.ask(
                    "POST", f"{path}/{step}", token=who.token, key=new_key(), body=body
                )
                expected = (
                    "forbidden" if step == "decide"
                    else "not_found" if name == "stranger" else "illegal_transition"
                )  # fmt: skip
                assert answer.code == expected, (step, name, answer)
    now = await world.known(world.buyer, path)
    assert {n: now[n] for n in ("state", "version")} == {n: order[n] for n in ("state", "version")}


async def test_nobody_pays_or_reads_for_the_other(world: World) -> None:
    order = await world.order(free=False)
    order_id = order["order_id"]
    await world.known(world.buyer, f"/v1/payments/orders/{order_id}")
    for who in (world.owner, world.stranger, world.operator):
        answer = await world.ask(
            "POST", "/v1/payments/prepay", token=who.token, key=new_key(), body={"order_id": order_id}
        )  # fmt: skip
        assert answer.code in ("forbidden", "not_found"), (who, answer)
    for path in (
        f"/v1/orders/{order_id}",
        f"/v1/payments/orders/{order_id}",
        f"/v1/payments/orders/{order_id}/statement",
    ):
        answer = await world.ask("GET", path, token=world.stranger.token, query={"seen": 1})
        assert (answer.status, answer.code) == (404, "not_found"), (path, answer)
    async with wired(world, world.owner) as wire:
        joined = await wire.subscribe(f"order:{order_id}:buyer")
        assert [refused["topic"] for refused in joined["refused"]] == [f"order:{order_id}:buyer"]


async def test_an_owner_does_not_book_their_own_listing(world: World) -> None:
    wish = {**terms_of(world.listing), **world.period()}
    answer = await order_of(world, world.owner, wish)
    assert (answer.status, answer.code) == (403, "forbidden")
