"""One cheap question per endpoint and command, whose answer only the service behind it can give.

Most are done anew each time and write to the wing's database (a listing is published, edited, paused, resumed and closed; a
period is held, ordered and cancelled; a line is said). Where doing it again would need a new order's whole life, the refusal
that follows from the wing's own rows is asked for (`illegal_transition`, `already_done`). An operation that has no question
here fails the test.
"""

from __future__ import annotations

import itertools
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from devkit.client import Person
from devkit.client.person import APPLICATION
from sandbox.server.crypto import platform_headers, seal
from sandbox.server.keys import Identity
from tests.unit.infra.pictures import encoded, gradient

HOUR_MS = 3_600_000
IMAGE = encoded(gradient(64, 64), "JPEG")
OK = "ok"
FLAG, WHY = "isolation", "asked about"
EXPERIMENT = {"name": "隔离", "regions": ["kunming"], "traffic_bp": 1, "reason": WHY}
"""Far from everybody who searches here."""


@dataclass(slots=True, kw_only=True)
class World:
    """What there is to ask about. `order_id` is completed and rated by both; `unpaid_id` waits for its buyer to pay."""

    people: Mapping[str, Person]
    listing_id: str
    terms_version: int
    order_id: str
    unpaid_id: str
    spare_conversation_id: str
    experiment_id: str
    old_logout_key: str
    """Under which `leaver` has logged out before: asked again it is answered again, and ends no session."""
    refresh_token: str
    profile_version: int
    wechat: Identity
    slots: itertools.count[int] = field(default_factory=itertools.count)


class Lane:
    """One way in: REST, or one hub. `kept` are its last answers by operation."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.kept: dict[str, Any] = {}
        self.period: dict[str, Any] = {}

    def of(self, operation: str, name: str) -> Any:
        """A field of the last answer; nothing fits when there was none."""
        return (self.kept.get(operation) or {}).get(name)

    def learn(self, operation: str, answer: Any) -> None:
        self.kept[operation] = answer
        if operation in LISTING_MOVES:
            self.kept["listing"] = answer
        elif operation == "users.edit_profile":
            self.world.profile_version = answer["version"]
        elif operation == "users.refresh":
            self.world.refresh_token = answer["refresh_token"]

    def next_period(self) -> dict[str, Any]:
        """An hour of the listing that nobody has asked for."""
        hour = int(time.time() * 1000) // HOUR_MS + 24 + next(self.world.slots)
        self.period = {"start_ms": hour * HOUR_MS, "end_ms": (hour + 1) * HOUR_MS}
        return self.period


LISTING_MOVES = ("listings.draft", "listings.edit")

Body = Callable[[Lane], dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """`who` is a name in World.people, None for nobody. `answer` is "ok" or the code of the only refusal that will do."""

    who: str | None
    body: Body
    answer: str = OK
    key: Callable[[Lane], str] = lambda _: secrets.token_hex(8)


def ask(who: str | None, body: Body | None = None, answer: str = OK, **rest: Any) -> Ask:
    return Ask(who=who, body=body or (lambda _: {}), answer=answer, **rest)


def _publish(_: Lane) -> dict[str, Any]:
    return {
        "title": "梯子", "category": "tools", "lat": 31.2, "lng": 121.4, "price_day_fen": 900,
        "plan": {"weekly": [[[0, 1440]]] * 7},
    }  # fmt: skip


def _listing(lane: Lane) -> dict[str, Any]:
    return {
        "listing_id": lane.of("listing", "listing_id"),
        "version": lane.of("listing", "version"),
    }


def _seed(lane: Lane) -> dict[str, Any]:
    return {"listing_id": lane.world.listing_id}


def _experiment(of: str) -> Body:
    """As the operation `of` has left it."""
    return lambda lane: {
        "experiment_id": lane.of(of, "experiment_id"),
        "version": lane.of(of, "version"),
        "reason": WHY,
    }


def _same_weights(lane: Lane) -> dict[str, Any]:
    seen = "listings.experiments"
    return {
        "version": lane.of(seen, "weights_version"), "weights": lane.of(seen, "weights"), "reason": WHY,
    }  # fmt: skip


def _flag(lane: Lane) -> dict[str, Any]:
    known = lane.of("listings.flags", "flags") or ()
    version = next((flag["version"] for flag in known if flag["name"] == FLAG), 0)
    return {"name": FLAG, "version": version, "on": True, "reason": WHY}


def _order(lane: Lane) -> dict[str, Any]:
    return {"order_id": lane.world.order_id}


def _talk(lane: Lane) -> dict[str, Any]:
    return {"conversation_id": lane.world.order_id}


def _user(name: str) -> Body:
    return lambda lane: {"user_id": lane.world.people[name].id}


def _and(body: Body, **more: Any) -> Body:
    return lambda lane: {**body(lane), **more}


ASKS: Mapping[str, Ask] = {
    # users
    "users.login": ask(None, lambda lane: {"code": lane.kept["login_code"]}),
    "users.refresh": ask(None, lambda lane: {"refresh_token": lane.world.refresh_token}),
    "users.me": ask("buyer"),
    "users.profile": ask(None, _user("owner")),
    "users.edit_profile": ask(
        "leaver", lambda lane: {"version": lane.world.profile_version, "nickname": "小王"}
    ),
    "users.forget": ask("leaver", lambda _: {"version": 999}, "version_conflict"),
    "users.logout": ask("leaver", key=lambda lane: lane.world.old_logout_key),
    "users.ban": ask("operator", _and(_user("victim"), reason="spam")),
    # listings
    "listings.publish": ask("owner", _publish),
    "listings.draft": ask("owner", _publish),
    "listings.edit": ask("owner", _and(_listing, title="长梯子")),
    "listings.submit": ask("owner", _and(_listing, version=999), "version_conflict"),
    "listings.withdraw": ask("owner", _listing, "illegal_transition"),
    "listings.review": ask("operator", _and(_listing, verdict="approve"), "illegal_transition"),
    "listings.pause": ask("owner", _listing, "illegal_transition"),
    "listings.resume": ask("owner", _listing, "illegal_transition"),
    "listings.review_queue": ask("operator"),
    "listings.suggest_price": ask(
        "owner", lambda _: {"category": "tools", "lat": 31.2, "lng": 121.4}
    ),
    "listings.close": ask("owner", _listing),
    "listings.open": ask("buyer", _seed),
    "listings.get": ask(None, _seed),
    "listings.mine": ask("owner"),
    "listings.categories": ask(None),
    "listings.search": ask(None, lambda _: {"lat": 31.23, "lng": 121.47}),
    "listings.experiments": ask("operator"),
    "listings.create_experiment": ask("operator", lambda _: EXPERIMENT),
    "listings.start_experiment": ask("operator", _experiment("listings.create_experiment")),
    "listings.stop_experiment": ask("operator", _experiment("listings.start_experiment")),
    "listings.set_weights": ask("operator", _same_weights),
    "listings.flags": ask("operator"),
    "listings.set_flag": ask("operator", _flag),
    "listings.setting_changes": ask("operator", lambda _: {"name": "weights", "limit": 5}),
    "listings.flags_mine": ask(None, lambda _: {"lat": 31.2, "lng": 121.4}),
    # orders
    "orders.hold": ask("buyer", lambda lane: {**_seed(lane), **lane.next_period()}),
    "orders.release_hold": ask(
        "buyer", lambda lane: {**_seed(lane), "lease_id": lane.of("orders.hold", "lease_id")}
    ),
    "orders.create": ask(
        "buyer",
        lambda lane: {
            **_seed(lane),
            **lane.next_period(),
            "terms_version": lane.world.terms_version,
        },
    ),
    "orders.cancel": ask("buyer", lambda lane: {"order_id": lane.of("orders.create", "order_id")}),
    "orders.approve": ask("owner", _order, "illegal_transition"),
    "orders.decline": ask("owner", _order, "illegal_transition"),
    "orders.start": ask("owner", _and(_order, code="000000"), "illegal_transition"),
    "orders.return": ask("buyer", _and(_order, code="000000"), "illegal_transition"),
    "orders.accept": ask("owner", _order, "illegal_transition"),
    "orders.claim": ask("owner", _and(_order, amount_fen=1, reason="x"), "illegal_transition"),
    "orders.concede": ask("buyer", _order, "illegal_transition"),
    "orders.contest": ask("buyer", _order, "illegal_transition"),
    "orders.dispute": ask("buyer", _order, "illegal_transition"),
    "orders.extend": ask("buyer", _and(_order, end_ms=1), "illegal_transition"),
    "orders.quote_extension": ask("buyer", _and(_order, end_ms=1), "illegal_transition"),
    "orders.forgo": ask("buyer", _order, "illegal_transition"),
    "orders.evidence": ask("buyer", _and(_order, text="x"), "illegal_transition"),
    "orders.evidence_of": ask("buyer", _order),
    "orders.decide": ask("operator", _and(_order, decision="release"), "illegal_transition"),
    "orders.get": ask("buyer", _order),
    "orders.mine": ask("buyer"),
    "orders.calendar": ask(None, _seed),
    "orders.free": ask(None, lambda lane: {**_seed(lane), **lane.next_period()}),
    "orders.quote": ask("buyer", lambda lane: {**_seed(lane), **lane.next_period()}),
    # payments
    "payments.prepay": ask("buyer", lambda lane: {"order_id": lane.world.unpaid_id}),
    "payments.onboard": ask("buyer", lambda _: APPLICATION),
    "payments.onboarding": ask("owner"),
    "payments.of_order": ask("buyer", _order),
    "payments.statement": ask("buyer", _order),
    "payments.balance": ask("owner"),
    "payments.differences": ask("operator"),
    "payments.resolve": ask(
        "operator", lambda _: {"difference_id": "1", "note": "已核对"}, "not_found"
    ),
    "payments.stuck_refunds": ask("operator"),
    "payments.settle_refund": ask(
        "operator", lambda _: {"refund_id": "1", "note": "已转账"}, "not_found"
    ),
    "payments.ledger_check": ask("operator"),
    # ratings
    "ratings.rate": ask(
        "buyer", _and(_order, punctuality=5, condition=5, communication=5), "already_done"
    ),
    "ratings.of_order": ask("buyer", _order),
    "ratings.of_user": ask(None, _user("owner")),
    "ratings.credit": ask(None, _user("owner")),
    # chat
    "chat.open_enquiry": ask("buyer", _seed),
    "chat.presets": ask(None),
    "chat.conversations": ask("buyer"),
    "chat.messages": ask("buyer", _talk),
    "chat.send": ask("buyer", _and(_talk, kind="text", text="在吗")),
    "chat.mark_read": ask("owner", _and(_talk, up_to=1)),
    "chat.verify": ask("owner", _talk),
    "chat.erase": ask(
        "operator",
        lambda lane: {"conversation_id": lane.world.spare_conversation_id, "reason": "asked for"},
    ),
    # notices, insights, objects
    "notices.inbox": ask("buyer"),
    "notices.mark_read": ask("buyer", lambda _: {"up_to": 1}),
    "notices.publish": ask(
        "operator",
        lambda lane: {
            "user_ids": [lane.world.people["victim"].id],
            "category": "announcement",
            "title": "维护通知",
            "body": "今晚维护",
        },
    ),
    "notices.subscriptions": ask("buyer"),
    "notices.allow": ask("buyer", lambda _: {"answers": [{"kind": "chat", "answer": "accept"}]}),
    "notices.switch": ask("buyer", lambda _: {"kind": "chat", "wanted": False}),
    "insights.facts_per_hour": ask("operator", lambda _: {"from_ms": 0, "to_ms": 24 * HOUR_MS}),
    "insights.experiment_results": ask(
        "operator", lambda lane: {"experiment_id": lane.world.experiment_id}
    ),
    "objects.sign_upload": ask(
        "owner",
        lambda _: {"purpose": "photo", "content_type": "image/jpeg", "size_bytes": len(IMAGE)},
    ),
}
"""By operation, in the order in which they are asked: some ask about what the one before has made."""


def told_by_wechat(identity: Identity) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a sealed and signed notification of a kind that means nothing to us: it is noted, and that is all."""
    nonce, ciphertext = seal(identity.account.apiv3_key, b"{}", "other")
    resource = {
        "algorithm": "AEAD_AES_256_GCM", "original_type": "other", "associated_data": "other",
        "nonce": nonce, "ciphertext": ciphertext,
    }  # fmt: skip
    body = json.dumps(
        {"id": f"EV-{secrets.token_hex(8)}", "event_type": "OTHER.NEWS", "resource": resource}
    ).encode()
    account = identity.account
    signed = platform_headers(
        identity.platform_key, account.platform_key_id, body, int(time.time())
    )
    return body, {**signed, "Content-Type": "application/json"}
