"""Whose topics are whose, and what ends a session."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.integration.hostile.forged import bad_tokens, claims_of
from tests.integration.hostile.scene import Somebody, World, new_key
from tests.integration.hostile.wire import Wire, code_of, wired

SESSION_REVOKED, TOKEN_EXPIRED, UNAUTHENTICATED = 4503, 4100, 4502


async def a_private_scene(world: World) -> tuple[dict[str, Any], list[str]]:
    """A ready order, and every topic that a stranger may not join."""
    order = await world.order("ready")
    id_, buyer, owner = order["order_id"], world.buyer, world.owner
    await world.known(buyer, f"/v1/conversations/{id_}/messages")
    return order, [
        f"order:{id_}:buyer", f"order:{id_}:owner", f"chat:{id_}", f"user:{buyer.id}", f"user:{owner.id}",
        f"session:{claims_of(buyer.token)['sid']}", f"session:{claims_of(owner.token)['sid']}",
    ]  # fmt: skip


async def live_through(world: World, order: dict[str, Any]) -> None:
    """Something happens on each of those topics."""
    path, chat = (
        f"/v1/orders/{order['order_id']}",
        f"/v1/conversations/{order['order_id']}/messages",
    )
    await world.do(world.buyer, "POST", chat, {"kind": "text", "text": "只给你看"})
    await world.do(world.owner, "POST", f"{path}/start", {"code": order["code"]})
    await world.do(world.buyer, "POST", f"{path}/dispute", {"reason": "坏了"})
    await world.do(world.operator, "POST", f"{path}/decide", {"decision": "refund"})


@pytest.mark.parametrize("who", ["stranger", "operator"])
async def test_nobody_joins_what_is_others(world: World, who: str) -> None:
    """Refused with not_found, in `connect` and in `subscribe`, and nothing of it ever arrives."""
    order, topics = await a_private_scene(world)
    somebody: Somebody = getattr(world, who)
    public = f"calendar:{order['listing_id']}"
    async with wired(world) as wire, wired(world, world.buyer) as buyer:
        await buyer.subscribe(f"order:{order['order_id']}:buyer", public)
        connected = await wire.connect(
            somebody.token, [[topic, None] for topic in [*topics, public]]
        )
        assert {r["topic"]: r["code"] for r in connected["refused"]} == dict.fromkeys(
            topics, "not_found"
        )
        answer = await wire.subscribe(*topics)
        assert {r["topic"]: r["code"] for r in answer["refused"]} == dict.fromkeys(
            topics, "not_found"
        )
        assert answer["topics"] == []
        await live_through(world, order)
        # The refund frees time: its push on the public topic comes after all the others.
        while (await wire.hear("push"))["topic"] != public:
            pass
        while (await buyer.hear("push"))["payload"].get("state") != "refunded":
            pass
        assert await wire.alive()
        heard = {f["topic"] for f in wire.frames if f["op"] == "push"}
        assert heard == {public}
        assert order["code"] not in str(wire.frames)


async def test_each_party_joins_its_own_side_only(world: World) -> None:
    order, topics = await a_private_scene(world)
    id_ = order["order_id"]
    for who, mine, theirs in ((world.buyer, "buyer", "owner"), (world.owner, "owner", "buyer")):
        async with wired(world, who) as wire:
            answer = await wire.subscribe(*topics)
            joined = {t["topic"] for t in answer["topics"]}
            other = world.owner if who is world.buyer else world.buyer
            assert joined == {
                f"order:{id_}:{mine}", f"chat:{id_}", f"user:{who.id}", f"session:{claims_of(who.token)['sid']}",
            }  # fmt: skip
            assert f"order:{id_}:{theirs}" not in joined
            assert claims_of(other.token)["sid"] not in str(answer["topics"])


MALFORMED = (
    "order:{order}", "order:{order}:", "order:{order}:operator", "order:{order}:buyer:", "order:{order}:BUYER",
    "order:0{order}:buyer", "order: {order}:buyer", "order:{order}:buyer ", "order:{order}:buyer\x00", "order::buyer",
    "order:*:buyer", "order:-1:buyer", "order:99999999999999999999:buyer", "order:1e3:owner", "chat:", "chat:*",
    "chat:{order}:", "user:", "user:*", "user:0x1", "session:*", "session:", "hold:", "hold:x", "holds:", "holds:wtw3", "holds:AAAAA", "listing:", "listing:x",
    "listing:%", "calendar:' OR '1'='1", "area:", "area:wtw3", "area:wtw3sx", "area:AAAAA", "area:a\x00bcd", "user:９",
)  # fmt: skip


async def test_malformed_topics_of_known_kinds(world: World) -> None:
    order, _ = await a_private_scene(world)
    names = [name.format(order=order["order_id"]) for name in MALFORMED]
    for who in (world.buyer, world.stranger):
        async with wired(world, who) as wire:
            answer = await wire.subscribe(*names)
            assert {r["topic"]: r["code"] for r in answer["refused"]} == dict.fromkeys(
                names, "not_found"
            )
            assert answer["topics"] == []
            assert await wire.alive()


async def test_unknown_topics(world: World) -> None:
    names = [
        "",
        ":",
        "x",
        "order",
        "orders:1",
        "__probe",
        "probe:1",
        "sh:ch",
        "é:1",
        "a" * 129,
    ]
    names += [f"listing:{'1' * 200}", "listing:" + "\x00" * 130]
    async with wired(world, world.buyer) as wire:
        answer = await wire.subscribe(*names)
        refused = {r["topic"]: r["code"] for r in answer["refused"]}
        assert set(refused) == set(names)
        assert {code for name, code in refused.items() if name != "order"} == {"unknown_topic"}
        assert await wire.alive()


async def test_too_many_topics(world: World) -> None:
    """hub-2 takes 20 a connection; what is beyond is refused, what was there stays, and what is given up makes room."""
    cells = [f"area:wtw{a}{b}" for a in "0123456789" for b in "0123"]
    async with wired(world, world.buyer, hub=1) as wire:
        answer = await wire.subscribe(*cells)
        taken = [t["topic"] for t in answer["topics"]]
        assert 0 < len(taken) <= 20
        assert {r["code"] for r in answer["refused"]} == {"too_many_topics"}
        assert len(taken) + len(answer["refused"]) == len(cells)
        again = await wire.subscribe(*cells)
        assert [t["topic"] for t in again["topics"]] == taken
        await wire.say({"op": "unsubscribe", "id": 9, "topics": taken[:3]})
        await wire.hear("unsubscribed", 9)
        more = await wire.subscribe(*cells[-3:])
        assert len(more["topics"]) == 3


async def test_ones_own_session_cannot_be_given_up(world: World) -> None:
    """Otherwise a thief would not hear of the logout."""
    somebody = await world.log_in()
    async with wired(world, somebody) as wire:
        await wire.say(
            {
                "op": "unsubscribe",
                "id": 9,
                "topics": [f"session:{claims_of(somebody.token)['sid']}"],
            }
        )
        await wire.hear("unsubscribed", 9)
        await world.do(somebody, "POST", "/v1/logout", {})
        assert await wire.closed() == SESSION_REVOKED


@pytest.mark.parametrize("over", ["rest", "socket"])
async def test_logout_everywhere_closes_all_sockets_on_all_hubs(world: World, over: str) -> None:
    first = await world.log_in()
    second = await world.log_in(first.openid)
    assert claims_of(first.token)["sid"] != claims_of(second.token)["sid"]
    async with (
        wired(world, first) as a,
        wired(world, second) as b,
        wired(world, second, hub=1) as c,
    ):
        if over == "rest":
            await world.do(first, "POST", "/v1/logout", {"everywhere": True})
        else:
            await a.say(
                {
                    "op": "command",
                    "id": 1,
                    "name": "users.logout",
                    "key": new_key(),
                    "body": {"everywhere": True},
                }
            )
        assert [await wire.closed() for wire in (a, b, c)] == [SESSION_REVOKED] * 3
    for somebody in (first, second):
        await _is_locked_out(world, somebody)


async def test_who_deletes_the_account_is_gone_on_every_device(world: World) -> None:
    first = await world.log_in()
    second = await world.log_in(first.openid)
    async with wired(world, first) as a, wired(world, second, hub=1) as b:
        await world.do(first, "POST", "/v1/me/forget", {"version": first.version})
        assert [await wire.closed() for wire in (a, b)] == [SESSION_REVOKED] * 2
    for somebody in (first, second):
        await _is_locked_out(world, somebody)


async def test_logout_of_one_session_leaves_the_others(world: World) -> None:
    first = await world.log_in()
    second = await world.log_in(first.openid)
    async with wired(world, first) as gone, wired(world, second, hub=1) as stays:
        await world.do(first, "POST", "/v1/logout", {})
        assert await gone.closed() == SESSION_REVOKED
        assert await stays.alive()
    await _is_locked_out(world, first)


async def test_a_ban_closes_all_sockets(world: World) -> None:
    somebody = await world.log_in()
    async with wired(world, somebody) as a, wired(world, somebody, hub=1) as b:
        await world.do(world.operator, "POST", f"/v1/users/{somebody.id}/ban", {"reason": "spam"})
        assert [await wire.closed() for wire in (a, b)] == [SESSION_REVOKED] * 2
    await _is_locked_out(world, somebody)
    answer = await world.ask(
        "POST", "/v1/login", body={"code": await world.login_code(somebody.openid)}
    )
    assert (answer.status, answer.code) == (403, "forbidden")


async def _is_locked_out(world: World, somebody: Somebody) -> None:
    for hub in (0, 1):
        async with wired(world, hub=hub) as wire:
            await wire.say({"op": "connect", "token": somebody.token})
            assert await wire.closed() == SESSION_REVOKED
            assert [f["error"]["code"] for f in wire.frames] == ["session_revoked"]
    answer = await world.ask(
        "POST", "/v1/token/refresh", key=new_key(), body={"refresh_token": somebody.refresh_token}
    )
    assert (answer.status, answer.code) == (401, "session_revoked")


async def test_a_refresh_token_used_twice_revokes_its_family(world: World) -> None:
    """Both the thief and the robbed are out, on every hub; the same key again is no reuse."""
    somebody = await world.log_in()
    old, key = {"refresh_token": somebody.refresh_token}, new_key()
    fresh = await world.ask("POST", "/v1/token/refresh", key=key, body=old)
    again = await world.ask("POST", "/v1/token/refresh", key=key, body=old)
    assert (fresh.status, again.status) == (200, 200)
    assert fresh.json["refresh_token"] == again.json["refresh_token"] != somebody.refresh_token
    async with wired(world, somebody) as a, wired(world, somebody, hub=1) as b:
        assert await a.alive()
        stolen = await world.ask("POST", "/v1/token/refresh", key=new_key(), body=old)
        assert (stolen.status, stolen.code) == (401, "session_revoked")
        assert [await wire.closed() for wire in (a, b)] == [SESSION_REVOKED] * 2
    newest = {"refresh_token": fresh.json["refresh_token"]}
    answer = await world.ask("POST", "/v1/token/refresh", key=new_key(), body=newest)
    assert (answer.status, answer.code) == (401, "session_revoked")


async def test_refresh_tokens_cannot_be_made(world: World) -> None:
    session, generation, mac = world.buyer.refresh_token.split(".")
    forged = (
        f"{session}.{int(generation) + 1}.{mac}", f"{int(session) + 1}.{generation}.{mac}", f"{session}.{generation}.",
        f"{session}.{generation}", f"{session}.0{generation}.{mac}", f"{session}.-1.{mac}", f"{session}.{generation}.{mac}x",
        f"{session}.{generation}.ключ", f"{session}.{'9' * 200}.{mac}", "..", "\x00", world.buyer.token,
    )  # fmt: skip
    for token in forged:
        answer = await world.ask(
            "POST", "/v1/token/refresh", key=new_key(), body={"refresh_token": token[:256]}
        )
        assert (answer.status, answer.code) == (401, "unauthenticated"), token
    async with wired(world, world.buyer) as wire:
        assert await wire.alive(), "a forgery must not revoke what it imitates"


async def test_connecting_with_bad_tokens(world: World) -> None:
    for hub in (0, 1):
        for name, (token, code) in bad_tokens(world, world.buyer).items():
            async with wired(world, hub=hub) as wire:
                await wire.say(
                    {"op": "connect", "token": token, "topics": [[f"user:{world.buyer.id}", None]]}
                )
                closed = await wire.closed()
                assert [f["error"]["code"] for f in wire.frames] == [code], name
                assert closed == (TOKEN_EXPIRED if code == "token_expired" else UNAUTHENTICATED), (
                    name
                )


async def test_a_code_cannot_be_guessed_for_ever(world: World) -> None:
    """After five wrong ones it is another; the buyer is shown the new one, the owner never."""
    order = await world.order("ready")
    id_, right = order["order_id"], order["code"]
    wrong = [
        code
        for code in ("000000", "000001", "000002", "000003", "000004", "000005")
        if code != right
    ][:5]
    async with wired(world, world.buyer) as buyer, wired(world, world.owner) as owner:
        await buyer.subscribe(f"order:{id_}:buyer")
        await owner.subscribe(f"order:{id_}:owner")
        for code in wrong:
            reply = await owner.command("orders.start", {"order_id": id_, "code": code})
            assert code_of(reply) == "wrong_code"
        push = await _next_on(buyer, f"order:{id_}:buyer")
        fresh = push["payload"]["code"]
        await _next_on(owner, f"order:{id_}:owner")
        assert fresh not in str(owner.frames)
        reply = await owner.command("orders.start", {"order_id": id_, "code": fresh})
        assert code_of(reply) == "ok"


async def _next_on(wire: Wire, topic: str) -> dict[str, Any]:
    async with asyncio.timeout(10):
        while (push := await wire.hear("push"))["topic"] != topic:
            pass
    return push
