"""The ways in, REST and each hub, and a round of questions over all of them."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import re
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import aiohttp
import msgspec

from api.app import SERVICES, routes_of
from api.routing import RawRoute, Route
from devkit.client import JSON, Person
from devkit.loop import Loop, Party
from devkit.stack import Stack
from hub.commands import COMMANDS
from sandbox.server import keys
from tests.e2e.isolation_house import Target
from tests.e2e.isolation_probes import (
    ASKS,
    EXPERIMENT,
    IMAGE,
    OK,
    Ask,
    Lane,
    World,
    told_by_wechat,
)

ANSWER_WITHIN_S = 3.0

ROUTES: dict[str, tuple[str, Route | RawRoute]] = {
    route.operation.name if isinstance(route, Route) else f"{route.method} {route.path}": (
        service,
        route,
    )
    for service in SERVICES
    for route in routes_of(service)
}
"""Operation, or method and path of an endpoint without one -> (who serves it, how)."""

PUT_OBJECT, GET_OBJECT = "PUT /v1/objects/{key:.+}", "GET /v1/objects/{key:.+}"
NOTIFY = "POST /v1/payments/notify"
PICTURE = "POST /v1/payments/pictures"
EVENTS = "POST /v1/wechat/events"
CONFIRM = "GET /v1/wechat/events"
RAW = (PUT_OBJECT, GET_OBJECT, PICTURE, NOTIFY, EVENTS, CONFIRM)

_PATTERNS = [
    (re.compile(re.sub(r"{\w+}", "[^/]+", route.path).replace("{key:.+}", ".+")), service)
    for service, route in ROUTES.values()
]


def targets(hubs: Iterable[str]) -> list[Target]:
    """Every endpoint, and every command once per hub, in the order of asking."""
    order = [*ASKS, *RAW]
    rest = [
        Target(name=name, service=service, lane="rest")
        for name, (service, _) in sorted(ROUTES.items(), key=lambda item: order.index(item[0]))
    ]
    commands = [
        Target(name=name, service=COMMANDS[name].wing, lane=hub)
        for hub in hubs
        for name in ASKS
        if name in COMMANDS
    ]
    return rest + commands


def base_of(stack: Stack) -> Callable[[str], str]:
    """Path -> the address of the service that serves it, as a proxy in front would know it."""

    def base(path: str) -> str:
        service = next(service for pattern, service in _PATTERNS if pattern.fullmatch(path))
        return stack.api(service).url

    return base


class Prober:
    """`ask_all` gives each target's answer: "" where it was the one expected, else what went wrong instead."""

    def __init__(self, stack: Stack, http: aiohttp.ClientSession, world: World) -> None:
        self._stack = stack
        self._http = http
        self._base = base_of(stack)
        self.world = world
        self._lanes = {name: Lane(world) for name in ("rest", *(hub.name for hub in stack.hubs))}
        self.targets = targets(hub.name for hub in stack.hubs)

    async def ask_all(self, wanted: Iterable[Target] | None = None) -> dict[Target, str]:
        answers: dict[Target, str] = {}
        async with contextlib.AsyncExitStack() as stack:
            sockets: dict[tuple[str, str | None], HubSocket] = {}
            for target in self.targets if wanted is None else wanted:
                try:
                    async with asyncio.timeout(ANSWER_WITHIN_S):
                        if target.lane == "rest":
                            answers[target] = await self._rest(target)
                            continue
                        who = ASKS[target.name].who
                        if (target.lane, who) not in sockets:
                            assert who is not None
                            url = f"{self._stack[target.lane].url}/ws"
                            socket = HubSocket(self._http, url, self.world.people[who].token)
                            sockets[target.lane, who] = await stack.enter_async_context(socket)
                        answers[target] = await self._command(target, sockets[target.lane, who])
                except TimeoutError:
                    answers[target] = f"no answer within {ANSWER_WITHIN_S:g} s"
                except (aiohttp.ClientError, OSError) as error:
                    answers[target] = f"{type(error).__name__}: {error}"
        return answers

    async def _rest(self, target: Target) -> str:
        lane, (_, route) = self._lanes["rest"], ROUTES[target.name]
        if isinstance(route, RawRoute):
            return await self._raw(target.name, lane)
        if target.name == "users.login":
            lane.kept["login_code"] = "unknown"
            with contextlib.suppress(aiohttp.ClientError):  # the sandbox may be what is stopped
                lane.kept["login_code"] = await login_code(self._http, self._stack)
        question = ASKS[target.name]
        body, path = question.body(lane), route.path
        for name in re.findall(r"{(\w+)}", path):
            path = path.replace(f"{{{name}}}", str(body.pop(name)))
        headers = {"Idempotency-Key": question.key(lane)}
        if question.who is not None:
            headers["Authorization"] = f"Bearer {self.world.people[question.who].token}"
        reads = route.method == "GET"
        async with self._http.request(
            route.method,
            self._base(path) + path,
            headers=headers,
            params=body if reads else None,
            json=None if reads else body,
        ) as answer:
            given = await answer.json()
        if answer.status == route.status:
            lane.learn(target.name, given)
            return _judged(question, OK, given)
        return _judged(question, given["error"]["code"], given["error"])

    async def _command(self, target: Target, socket: HubSocket) -> str:
        lane, question = self._lanes[target.lane], ASKS[target.name]
        reply = await socket.command(target.name, question.body(lane), question.key(lane))
        if reply["ok"]:
            lane.learn(target.name, reply.get("body"))
            return _judged(question, OK, reply.get("body"))
        return _judged(question, reply["error"]["code"], reply["error"])

    async def _raw(self, name: str, lane: Lane) -> str:
        headers: dict[str, str] = {}
        content: bytes | None = None
        status = 200
        if name == PUT_OBJECT:
            url, content, status = lane.of("objects.sign_upload", "upload_url"), IMAGE, 201
        elif name == PICTURE:
            url = self._base(PICTURE.split()[1]) + PICTURE.split()[1]
            content, status = IMAGE, 201
            headers = {"Authorization": f"Bearer {self.world.people['wanderer'].token}"}
        elif name == GET_OBJECT:
            url = lane.of(PUT_OBJECT, "public_url")
        elif name in (EVENTS, CONFIRM):  # unsigned: refused, by whoever is there to
            content, status = b'{"Encrypt": ""}', 403
            url = self._base("/v1/wechat/events") + "/v1/wechat/events"
        else:
            content, headers = told_by_wechat(self.world.wechat)
            url = self._base(NOTIFY.split()[1]) + NOTIFY.split()[1]
        async with self._http.request(
            name.split()[0], url, data=content, headers=headers
        ) as answer:
            body = await answer.read()
        fits = answer.status == status and (name != GET_OBJECT or body[:2] == IMAGE[:2])
        if name == PUT_OBJECT and fits:
            lane.learn(name, json.loads(body))
        return "" if fits else f"{answer.status}: {body[:200]!r}"


def _judged(question: Ask, code: str, content: Any) -> str:
    return "" if code == question.answer else f"{code}, not {question.answer}: {str(content)[:200]}"


class HubSocket:
    """A connection to one hub that asks once, and does not try again: the opposite of devkit.client.Socket."""

    def __init__(self, http: aiohttp.ClientSession, url: str, token: str) -> None:
        self._http, self._url, self._token = http, url.replace("http", "ws", 1), token
        self._ids = itertools.count(1)

    async def __aenter__(self) -> HubSocket:
        self._socket = await self._http.ws_connect(self._url, protocols=(JSON,))
        try:
            await self._ask(
                {"op": "connect", "token": self._token}, lambda f: f["op"] == "connected"
            )
        except BaseException:
            await self._socket.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._socket.close()

    async def command(self, name: str, body: dict[str, Any], key: str) -> dict[str, Any]:
        id_ = next(self._ids)
        frame = {"op": "command", "id": id_, "name": name, "key": key, "body": body}
        return await self._ask(frame, lambda f: f["op"] == "reply" and f["id"] == id_)

    async def _ask(
        self, frame: dict[str, Any], answers: Callable[[dict[str, Any]], bool]
    ) -> dict[str, Any]:
        await self._socket.send_str(msgspec.json.encode([frame]).decode())
        while True:
            message = await self._socket.receive()
            if message.type is not aiohttp.WSMsgType.TEXT:
                raise ConnectionResetError(f"closed with {self._socket.close_code}")
            for given in msgspec.json.decode(message.data):
                if answers(given):
                    return dict(given)


# --- who and what there is ----------------------------------------------------------------------------------------------


async def login_code(http: aiohttp.ClientSession, stack: Stack, openid: str = "o-passer-by") -> str:
    async with http.post(
        f"{stack.sandbox_url}/sandbox/login-code", json={"openid": openid}
    ) as answer:
        return str((await answer.json())["code"])


async def person(http: aiohttp.ClientSession, stack: Stack, openid: str | None = None) -> Person:
    """Somebody logged in, new unless an openid is given."""
    one = Person(
        http, api=base_of(stack), hubs=[hub.url for hub in stack.hubs], sandbox=stack.sandbox_url,
        openid=openid or f"o-{secrets.token_hex(8)}",
    )  # fmt: skip
    return await one.log_in()


@contextlib.asynccontextmanager
async def two_parties(http: aiohttp.ClientSession, stack: Stack) -> AsyncIterator[list[Party]]:
    """Two new people, each connected to a hub of their own first, watching their own inboxes."""
    parties: list[Party] = []
    try:
        for hub in range(2):
            one = await person(http, stack)
            parties.append(Party(one, await one.connect(hub=hub)))
            await parties[-1].socket.watch(f"user:{one.id}")
        yield parties
    finally:
        for party in parties:
            await party.socket.close()


async def build_world(
    http: aiohttp.ClientSession, stack: Stack, owner: Party, buyer: Party
) -> World:
    """One order's whole life between these two, one order that waits for payment, and some others to be asked about."""
    loop = Loop(0, owner, buyer)
    assert await loop.walk(), loop.steps[-1]
    people = {"owner": owner.person, "buyer": buyer.person}
    people["operator"] = await person(http, stack, "operator")
    for name in ("leaver", "victim", "wanderer"):
        people[name] = await person(http, stack)
    done = (await people["buyer"].rest("GET", "/v1/orders"))["orders"][0]
    listing_id = done["listing_id"]
    calendar = await people["buyer"].rest("GET", f"/v1/listings/{listing_id}/calendar")

    start_ms = int(time.time() * 1000) + 5 * 3_600_000
    unpaid = await people["buyer"].rest(
        "POST", "/v1/orders",
        {"listing_id": listing_id, "start_ms": start_ms, "end_ms": start_ms + 3_600_000,
         "terms_version": calendar["terms_version"]},
    )  # fmt: skip
    await people["buyer"].rest("POST", "/v1/payments/prepay", {"order_id": unpaid["order_id"]})
    enquiry = await people["victim"].rest("POST", "/v1/enquiries", {"listing_id": listing_id})

    experiment = await people["operator"].rest("POST", "/v1/experiments", EXPERIMENT)

    logout_key = secrets.token_hex(8)
    await people["leaver"].rest("POST", "/v1/logout", {}, key=logout_key)
    await people["leaver"].log_in()
    return World(
        people=people, listing_id=listing_id, terms_version=calendar["terms_version"],
        order_id=done["order_id"], unpaid_id=unpaid["order_id"],
        spare_conversation_id=enquiry["conversation_id"],
        experiment_id=experiment["experiment_id"], old_logout_key=logout_key,
        refresh_token=people["wanderer"].tokens["refresh_token"],
        profile_version=people["leaver"].tokens["user"]["version"],
        wechat=keys.ensure(stack.sandbox_dir),
    )  # fmt: skip
