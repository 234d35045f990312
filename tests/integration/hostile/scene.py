"""People, listings and orders in a running product, and plain ways to ask it things."""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import aiomysql

from devkit.client.person import APPLICATION
from devkit.loop import CENTER, WHOLE_WEEK
from devkit.stack import Stack

HOUR_MS = 3_600_000
OPERATOR = "op-1"
PATIENCE_S = 15.0


@dataclass(frozen=True, slots=True)
class Somebody:
    openid: str
    id: str
    token: str
    refresh_token: str
    version: int


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.raw)

    @property
    def code(self) -> str:
        """`ok`, or the refusal's code; the answer itself where there is no envelope."""
        if self.status < 400:
            return "ok"
        try:
            return str(self.json["error"]["code"])
        except (ValueError, KeyError, TypeError):
            return f"no envelope: {self.raw[:200]!r}"

    def __str__(self) -> str:
        return f"{self.status} {self.code}"


def envelope_faults(answer: Answer) -> list[str]:
    """What is wrong with a refusal's form. Nothing for what is none."""
    if answer.status < 400:
        return [] if "X-Request-Id" in answer.headers else ["no X-Request-Id"]
    if not answer.headers.get("Content-Type", "").startswith("application/json"):
        return [f"a refusal of type {answer.headers.get('Content-Type')}"]
    body = answer.json
    if set(body) != {"error"}:
        return [f"an envelope with {sorted(body)}"]
    error = body["error"]
    types = {"code": str, "message": str, "retryable": bool, "data": dict, "request_id": str}
    faults = [
        f"error.{n} is {error.get(n)!r}"
        for n, t in types.items()
        if not isinstance(error.get(n), t)
    ]
    if set(error) != set(types):
        faults.append(f"an error with {sorted(error)}")
    if error.get("request_id") != answer.headers.get("X-Request-Id"):
        faults.append("another request id in the header than in the body")
    return faults


@dataclass
class World:
    """Made once for all tests of this folder; `http` and what asks with it belong to one test's event loop."""

    stack: Stack
    owner: Somebody
    buyer: Somebody
    stranger: Somebody
    operator: Somebody
    listing: dict[str, Any] = field(default_factory=dict)
    free_listing: dict[str, Any] = field(default_factory=dict)
    asked_listing: dict[str, Any] = field(default_factory=dict)
    """Whose owner is asked first."""
    http: aiohttp.ClientSession = field(init=False)
    _hours: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    # --- asking ---

    async def ask(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        key: str | None = None,
        body: Any = None,
        raw: Any = None,
        query: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """One request, once. `raw` goes as it is (an async generator: chunked)."""
        given = dict(headers or {})
        if token is not None:
            given["Authorization"] = f"Bearer {token}"
        if key is not None:
            given["Idempotency-Key"] = key
        data = raw if raw is not None else (None if body is None else json.dumps(body).encode())
        if data is not None:
            given.setdefault("Content-Type", "application/json")
        params = {k: str(v) for k, v in (query or {}).items()}
        async with self.http.request(
            method, self.stack.api_url + path, data=data, params=params, headers=given, allow_redirects=False
        ) as answer:  # fmt: skip
            return Answer(answer.status, answer.headers, await answer.read())

    async def insert(self, sql: str, *values: object) -> None:
        """What only a worker or WeChat would write."""
        server = self.stack.servers.mariadb
        connection = await aiomysql.connect(
            unix_socket=str(server.socket),
            user="root",
            password=server.root_password,
            autocommit=True,
        )
        async with connection.cursor() as cursor:
            await cursor.execute(sql, values)
        connection.close()

    async def do(
        self, who: Somebody, method: str, path: str, body: Any = None, **options: Any
    ) -> Any:
        """Until it is done: what is retryable is asked again under the same key."""
        key, deadline = new_key(), time.monotonic() + PATIENCE_S
        while True:
            answer = await self.ask(method, path, token=who.token, key=key, body=body, **options)
            if answer.status < 400:
                return answer.json
            if not answer.json["error"]["retryable"] or time.monotonic() > deadline:
                raise AssertionError(f"{method} {path}: {answer} {answer.raw!r}")
            await asyncio.sleep(0.03)

    async def known(
        self, who: Somebody, path: str, also: Callable[[Any], bool] = lambda _: True
    ) -> Any:
        """The answer of a GET, once it exists and is as wanted: wings hear of one another a moment later."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            answer = await self.ask("GET", path, token=who.token)
            if answer.status == 200 and also(answer.json):
                return answer.json
            assert time.monotonic() < deadline, f"{path}: {answer} {answer.raw!r}"
            await asyncio.sleep(0.03)

    # --- making ---

    async def log_in(self, openid: str | None = None) -> Somebody:
        openid = openid or f"o-{secrets.token_hex(6)}"
        answer = await self.ask("POST", "/v1/login", body={"code": await self.login_code(openid)})
        assert answer.status == 200, answer.raw
        given = answer.json
        return Somebody(
            openid, given["user"]["user_id"], given["access_token"], given["refresh_token"], given["user"]["version"]
        )  # fmt: skip

    async def login_code(self, openid: str) -> str:
        url = f"{self.stack.sandbox_url}/sandbox/login-code"
        async with self.http.post(url, json={"openid": openid}) as answer:
            return str((await answer.json())["code"])

    async def publish(self, who: Somebody | None = None, **fields: Any) -> dict[str, Any]:
        """A listing that everybody can see, and that all wings have heard of."""
        who = who or self.owner
        made = await self.do(who, "POST", "/v1/listings", a_listing(**fields))
        path = f"/v1/listings/{made['listing_id']}"
        await self.known(who, f"{path}/calendar")
        listing: dict[str, Any] = await self.known(who, path)
        return listing

    def period(self) -> dict[str, int]:
        """An hour that nobody else has."""
        start_ms = int(time.time() * 1000) + next(self._hours) * HOUR_MS
        return {"start_ms": start_ms, "end_ms": start_ms + HOUR_MS}

    async def order(
        self, state: str = "pending_payment", *, free: bool = True, listing: dict[str, Any] | None = None
    ) -> dict[str, Any]:  # fmt: skip
        """An order of the buyer's in that state, as the buyer sees it."""
        listing = listing or (self.free_listing if free else self.listing)
        if state == "requested":
            listing = self.asked_listing
        request = {
            "listing_id": listing["listing_id"], "terms_version": listing["terms_version"], **self.period(),
        }  # fmt: skip
        order = await self.do(self.buyer, "POST", "/v1/orders", request)
        path = f"/v1/orders/{order['order_id']}"
        states = ["pending_payment", "ready", "in_use", "returned", "completed"]
        if state == "requested":
            return order  # type: ignore[no-any-return]
        if state in ("claimed", "disputed"):
            states[4 if state == "claimed" else 3 :] = [state]
        for wanted in states[1 : states.index(state) + 1]:
            await self._advance(path, wanted)
        return await self.known(self.buyer, path, lambda o: o["state"] == state)  # type: ignore[no-any-return]

    async def _advance(self, path: str, wanted: str) -> None:
        match wanted:
            case "ready":
                order = {"order_id": path.rpartition("/")[2]}
                prepay = await self.do(self.buyer, "POST", "/v1/payments/prepay", order)
                if prepay["params"] is not None:
                    await self._pay(prepay["params"])
                await self.known(self.buyer, path, lambda o: o["state"] == "ready")
            case "in_use":
                code = (await self.known(self.buyer, path))["code"]
                await self.do(self.owner, "POST", f"{path}/start", {"code": code})
            case "returned":
                code = (await self.known(self.owner, path))["code"]
                await self.do(self.buyer, "POST", f"{path}/return", {"code": code})
            case "completed":
                await self.do(self.owner, "POST", f"{path}/accept", {})
            case "claimed":
                claim = {"amount_fen": 100, "reason": "x"}
                await self.do(self.owner, "POST", f"{path}/claim", claim)
            case "disputed":
                await self.do(self.buyer, "POST", f"{path}/dispute", {"reason": "x"})

    async def _pay(self, params: dict[str, str]) -> None:
        paying = {"prepay_id": params["package"].removeprefix("prepay_id="), **params}
        url = f"{self.stack.sandbox_url}/sandbox/pay"
        async with self.http.post(url, json=paying) as answer:
            assert answer.status == 200, await answer.text()

    async def conversation(self) -> str:
        """An enquiry of the buyer's with two lines of the owner's."""
        listing = await self.publish()
        enquiry = await self._enquire(listing["listing_id"])
        for text in ("一", "二"):
            await self.do(
                self.owner, "POST", f"/v1/conversations/{enquiry}/messages", {"kind": "text", "text": text}
            )  # fmt: skip
        return enquiry

    async def _enquire(self, listing_id: str) -> str:
        opened = await self.do(self.buyer, "POST", "/v1/enquiries", {"listing_id": listing_id})
        return str(opened["conversation_id"])


def new_key() -> str:
    return secrets.token_hex(8)


def a_listing(**fields: Any) -> dict[str, Any]:
    return {
        "title": f"电钻 {secrets.token_hex(4)}", "description": "九成新", "category": "tools", "photos": [],
        "lat": CENTER[0], "lng": CENTER[1], "address": "幸福里 7 号 302", "plan": WHOLE_WEEK,
        "price_hour_fen": 100, "deposit_fen": 500, **fields,
    }  # fmt: skip


async def furnish(stack: Stack) -> World:
    nobody = Somebody("", "", "", "", 0)
    world = World(stack, nobody, nobody, nobody, nobody)
    async with aiohttp.ClientSession() as world.http:
        world.owner, world.buyer, world.stranger = [await world.log_in() for _ in range(3)]
        world.operator = await world.log_in(OPERATOR)
        await world.do(world.owner, "POST", "/v1/payments/onboard", APPLICATION)
        world.listing = await world.publish()
        world.asked_listing = await world.publish(booking="request")
        world.free_listing = await world.publish(price_hour_fen=0, deposit_fen=0)
    return world


Build = Callable[[World], Awaitable[Any]]
