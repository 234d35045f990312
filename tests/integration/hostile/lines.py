"""One line per operation: a valid asking, whom it is closed to, what a stale one gets, and how its effect is seen.

The tests compare these names with the product's own tables, so that a new endpoint or command fails them until it has a line.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from devkit.client.person import APPLICATION
from tests.integration.hostile.asking import Ask, Line, by, get
from tests.integration.hostile.publishing_lines import PUBLISHING_LINES
from tests.integration.hostile.scene import HOUR_MS, World, a_listing
from tests.integration.hostile.setting_lines import SETTING_LINES


def on_order(
    state: str, role: str, code_of: str = "", *, free: bool = True, **fields: Any
) -> Callable[[World], Awaitable[Ask]]:
    """A fresh order in a state; `code_of`: whose handover code is needed."""

    async def build(world: World) -> Ask:
        order = await world.order(state, free=free)
        given = {"order_id": order["order_id"], "version": order["version"], **fields}
        if code_of:
            shown = await world.known(getattr(world, code_of), f"/v1/orders/{order['order_id']}")
            given["code"] = shown["code"]
        return Ask(getattr(world, role), given)

    return build


def on_listing(**fields: Any) -> Callable[[World], Awaitable[Ask]]:
    async def build(world: World) -> Ask:
        owner = await world.log_in()  # who may have so many and no more
        listing = await world.publish(owner)
        return Ask(
            owner,
            {"listing_id": listing["listing_id"], "version": listing["version"], **fields},
        )

    return build


def on_chat(role: str, **fields: Any) -> Callable[[World], Awaitable[Ask]]:
    async def build(world: World) -> Ask:
        return Ask(getattr(world, role), {"conversation_id": await world.conversation(), **fields})

    return build


async def a_refresh(world: World) -> Ask:
    return Ask(None, {"refresh_token": (await world.log_in()).refresh_token})


async def a_login(world: World) -> Ask:
    return Ask(None, {"code": await world.login_code("o-hostile-login")})


async def a_logout(world: World) -> Ask:
    return Ask(await world.log_in(), {"everywhere": True})


async def a_new_profile(world: World) -> Ask:
    somebody = await world.log_in()
    return Ask(
        somebody, {"version": somebody.version, "nickname": "阿宝🐼", "avatar_url": "/a.png"}
    )


async def a_forgetting(world: World) -> Ask:
    somebody = await world.log_in()
    return Ask(somebody, {"version": somebody.version})


async def a_ban(world: World) -> Ask:
    return Ask(world.operator, {"user_id": (await world.log_in()).id, "reason": "spam"})


async def a_publication(world: World) -> Ask:
    return Ask(await world.log_in(), a_listing())


async def a_resume(world: World) -> Ask:
    ask = await on_listing()(world)
    assert ask.who is not None
    paused = await world.do(
        ask.who, "POST", f"/v1/listings/{ask.fields['listing_id']}/pause", ask.fields
    )
    return Ask(ask.who, {**ask.fields, "version": paused["version"]})


async def a_hold(world: World) -> Ask:
    return Ask(
        world.buyer, {"listing_id": world.listing["listing_id"], **world.period(), "lease_id": "abcdefgh1234"}
    )  # fmt: skip


async def a_release(world: World) -> Ask:
    ask = await a_hold(world)
    held = await world.do(
        world.buyer, "POST", f"/v1/listings/{ask.fields['listing_id']}/hold", ask.fields
    )
    return Ask(world.buyer, {"listing_id": held["listing_id"], "lease_id": held["lease_id"]})


async def a_quote(world: World) -> Ask:
    return Ask(None, {"listing_id": world.listing["listing_id"], **world.period()})


async def an_order(world: World) -> Ask:
    """Of a listing whose terms have changed once, so that there are older ones."""
    listing = await world.publish()
    path, edit = (
        f"/v1/listings/{listing['listing_id']}",
        {"version": listing["version"], "price_hour_fen": 120},
    )
    listing = await world.do(world.owner, "PATCH", path, edit)
    terms = listing["terms_version"]
    await world.known(world.owner, f"{path}/calendar", lambda c: c["terms_version"] == terms)
    assert terms == 2
    return Ask(
        world.buyer, {"listing_id": listing["listing_id"], "terms_version": terms, **world.period(), "lease_id": None}
    )  # fmt: skip


async def a_prepay(world: World) -> Ask:
    order = await world.order(free=False)
    path = f"/v1/payments/orders/{order['order_id']}"
    await world.known(world.buyer, path)
    return Ask(world.buyer, {"order_id": order["order_id"]})


def on_money(role: str) -> Callable[[World], Awaitable[Ask]]:
    async def build(world: World) -> Ask:
        order = await world.order("ready")
        await world.known(world.buyer, f"/v1/payments/orders/{order['order_id']}")
        return Ask(getattr(world, role), {"order_id": order["order_id"]})

    return build


def on_evidence(role: str) -> Callable[[World], Awaitable[Ask]]:
    async def build(world: World) -> Ask:
        order = await world.order("claimed", free=False)
        return Ask(getattr(world, role), {"order_id": order["order_id"]})

    return build


async def a_wish_for_longer(world: World) -> Ask:
    """Of a listing that nobody else books."""
    listing = await world.publish(deposit_fen=0)
    order = await world.order("ready", listing=listing)
    given = {n: order[n] for n in ("order_id", "version")}
    end_ms = order["end_ms"] + HOUR_MS
    return Ask(world.buyer, {**given, "end_ms": end_ms, "terms_version": listing["terms_version"]})


async def a_quote_of_longer(world: World) -> Ask:
    ask = await a_wish_for_longer(world)
    return Ask(ask.who, {n: ask.fields[n] for n in ("order_id", "end_ms")})


async def a_wish_no_more(world: World) -> Ask:
    ask = await a_wish_for_longer(world)
    path = f"/v1/orders/{ask.fields['order_id']}/extend"
    order = await world.do(world.buyer, "POST", path, ask.fields)
    return Ask(ask.who, {n: order[n] for n in ("order_id", "version")})


async def a_window(world: World) -> Ask:
    order = await world.order("completed")
    await world.known(world.buyer, f"/v1/ratings/orders/{order['order_id']}")
    return Ask(world.buyer, {"order_id": order["order_id"]})


async def a_rating(world: World) -> Ask:
    stars = {"punctuality": 5, "condition": 4, "communication": 3, "comment": "好用😀"}
    return Ask(world.buyer, {**(await a_window(world)).fields, **stars})


async def an_enquiry(world: World) -> Ask:
    listing = await world.publish(await world.log_in())  # an owner may have so many and no more
    return Ask(world.buyer, {"listing_id": listing["listing_id"]})


async def a_notice_read(world: World) -> Ask:
    await world.order()
    inbox = await world.known(world.buyer, "/v1/notices", lambda i: i["unread"] > 0)
    return Ask(world.buyer, {"up_to": inbox["last_seq"]})


async def a_notice(world: World) -> Ask:
    words = {
        "category": "safety",
        "title": f"请注意 {secrets.token_hex(4)}",
        "body": "先验货，再付款。😀",
    }
    listing_id = world.listing["listing_id"]
    told = [world.operator.id, world.stranger.id]
    return Ask(world.operator, {"user_ids": told, **words, "listing_id": listing_id})


async def an_answer(world: World) -> Ask:
    answers = [{"kind": "chat", "answer": "accept"}, {"kind": "money", "answer": "reject"}]
    return Ask(await world.log_in(), {"answers": answers})


DIFFERENCE = (
    "INSERT INTO payments.differences (id, day, sort, kind, number, order_id, ours_fen, theirs_fen, version, "
    "resolved_ms, resolved_by, note) VALUES (%s, '2026-11-21', 'payment', 'missing_here', %s, 0, 0, 100, 1, 0, 0, '')"
)


async def a_difference(world: World) -> Ask:
    """A bill's day is longer than a test, so what its comparison leaves is put down by hand."""
    id_ = secrets.randbits(62)
    await world.insert(DIFFERENCE, id_, f"P{id_:019d}")
    return Ask(world.operator, {"difference_id": str(id_), "note": "已核对"})


async def differences_resolved(world: World, ask: Ask) -> Any:
    """How often it is among those that are."""
    path = "/v1/payments/differences?resolved=true&limit=200"
    seen = (await world.ask("GET", path, token=world.operator.token)).json
    return [d for d in seen["differences"] if d["difference_id"] == ask.fields["difference_id"]]


STUCK_REFUND = (
    "INSERT INTO payments.refunds (id, payment_id, order_id, reason, amount_fen, deposit_fen, status, out_refund_no, wechat_id, "
    "attempts, due_ms, error, created_ms, done_ms) "
    "SELECT %s, id, order_id, 'hostile', 0, 0, 'stuck', %s, '', 1, 0, 'ABNORMAL', 0, 0 FROM payments.payments WHERE order_id = %s"
)


async def a_stuck_refund(world: World) -> Ask:
    id_ = secrets.randbits(62)
    order = await world.order("ready")
    await world.insert(STUCK_REFUND, id_, f"R{id_:019d}", int(order["order_id"]))
    return Ask(world.operator, {"refund_id": str(id_), "note": "已线下转账"})


async def refunds_settled(world: World, ask: Ask) -> Any:
    path = "/v1/payments/refunds?settled=true&limit=200"
    seen = (await world.ask("GET", path, token=world.operator.token)).json
    return [r for r in seen["refunds"] if r["refund_id"] == ask.fields["refund_id"]]


async def listings_of_title(world: World, ask: Ask) -> Any:
    mine = await world.ask(
        "GET", "/v1/listings/mine", token=(ask.who or world.owner).token, query={"limit": 50}
    )
    return sum(listing["title"] == ask.fields["title"] for listing in mine.json["listings"])


async def orders_of_period(world: World, ask: Ask) -> Any:
    mine = await world.ask("GET", "/v1/orders", token=world.buyer.token, query={"limit": 100})
    return [
        o["version"] for o in mine.json["orders"] if o["listing_id"] == ask.fields["listing_id"]
    ]


async def notices_of_title(world: World, ask: Ask) -> Any:
    found = []
    for who in (world.operator, world.stranger):
        inbox = (await world.ask("GET", "/v1/notices", token=who.token)).json
        found += [e["seq"] for e in inbox["entries"] if e["title"] == ask.fields["title"]]
    return found


ORDER = get("/v1/orders/{order_id}")
LISTING = get("/v1/listings/{listing_id}")
CHAT = get("/v1/conversations/{conversation_id}/messages", lambda v: (v["last_seq"], v["messages"]))
MOVED = (("version", 999, "version_conflict"), ("version", 1, "version_conflict"))
STALE = (("version", 999, "version_conflict"),)
SINCE_MS = 1_767_225_600_000

LINES: dict[str, Line] = {
    "users.login": Line(build=a_login, again="bad_login_code"),
    "users.refresh": Line(build=a_refresh),
    "users.logout": Line(build=a_logout),
    "users.edit_profile": Line(
        build=a_new_profile, stale=(("version", 999, "version_conflict"),), see=get("/v1/me")
    ),
    "users.forget": Line(build=a_forgetting, stale=STALE, see=get("/v1/me")),
    "users.ban": Line(build=a_ban, stranger="forbidden", see=get("/v1/users/{user_id}")),
    "users.me": Line(build=by("buyer")),
    "users.profile": Line(build=by("", user_id="owner.id")),
    "listings.publish": Line(build=a_publication, see=listings_of_title),
    "listings.edit": Line(
        build=on_listing(address="新路 1 号", deposit_fen=900), stranger="forbidden", see=LISTING,
        stale=(("version", 999, "version_conflict"),),
    ),
    "listings.pause": Line(
        build=on_listing(), stranger="forbidden", see=LISTING, stale=(("version", 999, "version_conflict"),)
    ),
    "listings.resume": Line(build=a_resume, stranger="forbidden", see=LISTING, stale=MOVED),
    "listings.close": Line(
        build=on_listing(), stranger="forbidden", see=LISTING, stale=(("version", 999, "version_conflict"),)
    ),
    "listings.open": Line(build=by("buyer", listing_id="listing.listing_id")),
    "listings.get": Line(build=by("", listing_id="listing.listing_id")),
    "listings.categories": Line(build=by("")),
    "listings.mine": Line(build=by("owner", limit=20)),
    "listings.search": Line(
        build=by("", lat=31.2304, lng=121.4737, radius_m=5000, category="tools", text="电钻", sort="match", limit=5)
    ),
    "orders.hold": Line(build=a_hold),
    "orders.release_hold": Line(build=a_release),
    "orders.calendar": Line(build=by("", listing_id="listing.listing_id")),
    "orders.free": Line(build=a_quote),
    "orders.quote": Line(build=a_quote),
    "orders.create": Line(
        build=an_order, see=orders_of_period, stale=(("terms_version", 1, "stale_quote"), ("terms_version", 99, "not_yet"))
    ),
    "orders.get": Line(build=on_money("buyer"), stranger="not_found"),
    "orders.mine": Line(build=by("buyer", role="buyer", limit=20)),
    "orders.approve": Line(build=on_order("requested", "owner"), stranger="not_found", stale=STALE, see=ORDER),
    "orders.decline": Line(
        build=on_order("requested", "owner", reason="没空"), stranger="not_found", stale=STALE, see=ORDER
    ),
    "orders.cancel": Line(
        build=on_order("ready", "buyer", reason="改期"), stranger="not_found", stale=MOVED, see=ORDER
    ),
    "orders.start": Line(build=on_order("ready", "owner", "buyer"), stranger="not_found", stale=MOVED, see=ORDER),
    "orders.return": Line(build=on_order("in_use", "buyer", "owner"), stranger="not_found", stale=MOVED, see=ORDER),
    "orders.accept": Line(build=on_order("returned", "owner"), stranger="not_found", stale=MOVED, see=ORDER),
    "orders.dispute": Line(
        build=on_order("in_use", "buyer", reason="坏了"), stranger="not_found", stale=MOVED, see=ORDER
    ),
    "orders.claim": Line(
        build=on_order("returned", "owner", free=False, amount_fen=100, reason="划痕", objects=[]), stranger="not_found",
        stale=MOVED, see=ORDER,
    ),
    "orders.concede": Line(build=on_order("claimed", "buyer", free=False), stranger="not_found", stale=MOVED, see=ORDER),
    "orders.contest": Line(
        build=on_order("claimed", "buyer", free=False, reason="没有", objects=[]), stranger="not_found", stale=MOVED, see=ORDER
    ),
    "orders.extend": Line(
        build=a_wish_for_longer, stranger="not_found", see=ORDER, stale=(*MOVED, ("terms_version", 99, "not_yet"))
    ),
    "orders.quote_extension": Line(build=a_quote_of_longer, stranger="not_found"),
    "orders.forgo": Line(build=a_wish_no_more, stranger="not_found", stale=MOVED, see=ORDER),
    "orders.evidence": Line(
        build=on_order("disputed", "owner", text="看照片😀", objects=["chat/1/2/x"]), stranger="not_found",
        stale=MOVED, see=ORDER,
    ),
    "orders.evidence_of": Line(build=on_evidence("buyer"), stranger="not_found"),
    "orders.decide": Line(
        build=on_order("disputed", "operator", decision="refund"), stranger="forbidden", stale=MOVED, see=ORDER
    ),
    "payments.prepay": Line(
        build=a_prepay, stranger="not_found", see=get("/v1/payments/orders/{order_id}")
    ),
    "payments.onboard": Line(build=by("stranger", **APPLICATION), see=get("/v1/payments/onboarding")),
    "payments.onboarding": Line(build=by("owner")),
    "payments.of_order": Line(build=on_money("buyer"), stranger="not_found"),
    "payments.statement": Line(build=on_money("owner"), stranger="not_found"),
    "payments.balance": Line(build=by("owner", limit=20)),
    "payments.differences": Line(build=by("operator", limit=20), stranger="forbidden"),
    "payments.resolve": Line(build=a_difference, stranger="forbidden", see=differences_resolved),
    "payments.stuck_refunds": Line(build=by("operator", limit=20), stranger="forbidden"),
    "payments.settle_refund": Line(build=a_stuck_refund, stranger="forbidden", see=refunds_settled),
    "payments.ledger_check": Line(build=by("operator"), stranger="forbidden"),
    "ratings.rate": Line(build=a_rating, stranger="not_found", see=get("/v1/ratings/orders/{order_id}")),
    "ratings.of_order": Line(build=a_window, stranger="not_found"),
    "ratings.of_user": Line(build=by("", user_id="owner.id", limit=20)),
    "ratings.credit": Line(build=by("", user_id="owner.id")),
    "chat.open_enquiry": Line(
        build=an_enquiry,
        see=get("/v1/conversations?limit=100", lambda v: len({c["conversation_id"] for c in v["conversations"]})),
    ),
    "chat.presets": Line(build=by("")),
    "chat.conversations": Line(build=by("buyer", limit=20)),
    "chat.messages": Line(build=on_chat("buyer", limit=50), stranger="not_found"),
    "chat.send": Line(build=on_chat("buyer", kind="text", text="在吗😀"), stranger="not_found", see=CHAT),
    "chat.mark_read": Line(build=on_chat("buyer", up_to=2), stranger="not_found", see=CHAT),
    "chat.verify": Line(build=on_chat("owner"), stranger="not_found"),
    "chat.erase": Line(build=on_chat("operator", reason="他要求"), stranger="forbidden", see=CHAT),
    "notices.inbox": Line(build=by("buyer", limit=50)),
    "notices.mark_read": Line(build=a_notice_read),
    "notices.publish": Line(build=a_notice, stranger="forbidden", see=notices_of_title),
    "notices.subscriptions": Line(build=by("buyer")),
    "notices.allow": Line(build=an_answer, see=get("/v1/notices/subscriptions")),
    "notices.switch": Line(build=by("buyer", kind="chat", wanted=False), see=get("/v1/notices/subscriptions")),
    **PUBLISHING_LINES,
    **SETTING_LINES,
    "insights.facts_per_hour": Line(
        build=by("operator", from_ms=SINCE_MS, to_ms=SINCE_MS + HOUR_MS), stranger="forbidden"
    ),
    "objects.sign_upload": Line(build=by("buyer", purpose="photo", content_type="image/png", size_bytes=99)),
}  # fmt: skip
