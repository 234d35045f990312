"""What operators and other systems tell users, from outside: who may, how often it happens, and what it survives."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from devkit.client import JSON, MSGPACK, Person, Refusal, Socket
from devkit.stack import Layout, ServingProcess, Stack

OPERATOR = "op-1"
OLD_KEY, NEW_KEY, OTHERS_KEY = (secrets.token_urlsafe(32) for _ in range(3))
WORDS = {"category": "safety", "title": "请注意", "body": "先验货，再付款。😀"}


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


SERVICES = f"insurance:{digest(OLD_KEY)}, insurance:{digest(NEW_KEY)}, courier:{digest(OTHERS_KEY)}"


@pytest.fixture(scope="module")
def running(workplace: Path) -> Iterator[Stack]:
    environment = {"SHAREHUB_OPERATORS": OPERATOR, "SHAREHUB_SERVICES": SERVICES}
    with Stack(
        workplace / "publishing", layout=Layout(api=((), ("notices",))), extra_env=environment
    ) as stack:
        yield stack


class Town:
    """People at a running product, and services that write to them by the second api process."""

    def __init__(self, stack: Stack, http: aiohttp.ClientSession) -> None:
        self.stack, self.http = stack, http
        self.sockets: list[Socket] = []

    @property
    def notices_api(self) -> ServingProcess:
        return self.stack["api-notices"]

    async def person(self, openid: str = "") -> Person:
        return await Person(
            self.http, api=self.stack["api"].url, hubs=[hub.url for hub in self.stack.hubs],
            sandbox=self.stack.sandbox_url, openid=openid or f"o-{secrets.token_hex(8)}",
        ).log_in()  # fmt: skip

    async def watcher(self, encoding: str = MSGPACK) -> tuple[Person, Socket]:
        person = await self.person()
        socket = await person.connect(encoding)
        self.sockets.append(socket)
        await socket.watch(f"user:{person.id}")
        return person, socket

    async def post(
        self, bearer: str | None, body: Any, key: str | None = None, path: str = "/v1/notices"
    ) -> tuple[int, Any]:
        headers = {"Idempotency-Key": key or secrets.token_hex(8)}
        if bearer is not None:
            headers["Authorization"] = f"Bearer {bearer}"
        url = self.notices_api.url + path
        async with self.http.post(url, json=body, headers=headers) as answer:
            return answer.status, await answer.json()

    async def code(self, bearer: str | None, body: Any, key: str | None = None) -> tuple[int, str]:
        status, answer = await self.post(bearer, body, key)
        return status, answer["error"]["code"] if status >= 400 else "ok"


@pytest.fixture
async def town(running: Stack) -> AsyncIterator[Town]:
    async with aiohttp.ClientSession() as http:
        town = Town(running, http)
        yield town
        for socket in town.sockets:
            await socket.close()


def to(*people: Person, **more: Any) -> dict[str, Any]:
    return {"user_ids": [person.id for person in people], **WORDS, **more}


async def inbox(person: Person) -> Any:
    return await person.rest("GET", "/v1/notices")


async def test_it_reaches_the_live_sockets_of_all_who_are_named(town: Town) -> None:
    (one, ones), (other, others), (third, thirds) = [
        await town.watcher(encoding) for encoding in (JSON, MSGPACK, MSGPACK)
    ]
    status, answer = await town.post(NEW_KEY, to(one, other, one, listing_id="77"))
    assert status == 201
    ids = sorted((one.id, other.id), key=int)
    assert answer == {"told": [{"user_id": id_, "seq": 1} for id_ in ids]}
    for person, socket in ((one, ones), (other, others)):
        push = (await socket.push_where(lambda p: p["topic"].startswith("user:"))).push
        payload = push["payload"]
        assert push["topic"] == f"user:{person.id}"
        assert (payload["kind"], payload["title"], payload["body"]) == (
            "notice.safety", WORDS["title"], WORDS["body"],
        )  # fmt: skip
        assert payload["link"] == {
            "order_id": None,
            "conversation_id": None,
            "listing_id": "77",
        }
        assert (payload["seq"], payload["unread"], payload["read"]) == (1, 1, False)
        assert (await inbox(person))["entries"] == [payload]
    assert (await inbox(third))["entries"] == []
    assert not thirds.received
    assert (await ones.command("notices.mark_read", {"up_to": 1}))["unread"] == 0


async def test_operators_services_and_nobody_else(town: Town) -> None:
    person, _ = await town.watcher()
    operator, stranger = await town.person(OPERATOR), await town.person()
    notice = to(person)
    for bearer in (operator.token, OLD_KEY, NEW_KEY, OTHERS_KEY):
        assert await town.code(bearer, notice) == (201, "ok")
    for bearer in (stranger.token, person.token):
        assert await town.code(bearer, notice) == (403, "forbidden")
    wrong = (
        None, "x", NEW_KEY[:-1], NEW_KEY + "x", NEW_KEY.swapcase(), digest(NEW_KEY), "insurance", "",
        f"insurance:{NEW_KEY}", operator.token + "x",
    )  # fmt: skip
    for nobody in wrong:
        assert await town.code(nobody, notice) == (401, "unauthenticated"), nobody
    for header in (f"Basic {NEW_KEY}", NEW_KEY, "Bearer", "Bearer \udcff\udcfe"):
        async with town.http.post(
            f"{town.notices_api.url}/v1/notices", json=notice, headers={"Authorization": header, "Idempotency-Key": "k"}
        ) as answer:  # fmt: skip
            assert answer.status == 401, header
    assert (await inbox(person))["last_seq"] == 4


async def test_a_services_key_opens_nothing_else(town: Town) -> None:
    person, _ = await town.watcher()
    for path in ("/v1/notices", "/v1/me", "/v1/orders", "/v1/payments/ledger"):
        async with town.http.get(
            town.stack.api_url + path, headers={"Authorization": f"Bearer {NEW_KEY}"}
        ) as answer:
            assert answer.status == 401, path
    status, _ = await town.post(NEW_KEY, {"up_to": 1}, path="/v1/notices/read")
    assert status == 401
    with pytest.raises(Refusal, match="close_4502"):
        await Socket(town.http, town.stack.hub_urls, lambda: NEW_KEY).open()
    assert (await inbox(person))["last_seq"] == 0


async def test_a_key_is_one_notice_and_belongs_to_its_sender(town: Town) -> None:
    person, _ = await town.watcher()
    key, notice = secrets.token_hex(8), to(person)
    at_once = await asyncio.gather(*(town.post(OLD_KEY, notice, key) for _ in range(5)))
    assert [answer for answer in at_once if answer != at_once[0]] == []
    assert await town.post(NEW_KEY, notice, key) == at_once[0]  # the service's other key
    assert (await inbox(person))["last_seq"] == 1
    assert await town.code(OLD_KEY, to(person, title="别的"), key) == (409, "key_reused")
    assert await town.code(OTHERS_KEY, notice, key) == (201, "ok")  # another service's own
    assert (await inbox(person))["last_seq"] == 2
    async with town.http.post(
        f"{town.notices_api.url}/v1/notices", json=notice, headers={"Authorization": f"Bearer {NEW_KEY}"}
    ) as answer:  # fmt: skip
        assert (answer.status, (await answer.json())["error"]["code"]) == (400, "key_required")


async def test_what_does_not_fit_tells_nobody(town: Town) -> None:
    person, _ = await town.watcher()
    wrong: list[dict[str, Any]] = [
        {"user_ids": []},
        {"user_ids": [person.id] * 101},
        {"user_ids": [person.id, "-1"]},
        {"user_ids": [person.id, 1]},
        {"user_ids": [str(2**63)]},
        {"title": ""}, {"title": "長" * 65}, {"body": ""}, {"body": "長" * 513},
        {"category": "order.ready"}, {"category": "read"}, {"category": ""},
        {"order_id": "1", "listing_id": "2"}, {"order_id": "x"}, {"conversation_id": 5},
    ]  # fmt: skip
    for fields in wrong:
        assert await town.code(NEW_KEY, to(person) | fields) == (400, "invalid"), fields
    assert (await inbox(person))["last_seq"] == 0
    longest = {"title": "😀" * 64, "body": "😀" * 512}
    assert await town.code(NEW_KEY, to(person, **longest)) == (201, "ok")
    (entry,) = (await inbox(person))["entries"]
    assert {"title": entry["title"], "body": entry["body"]} == longest


async def test_many_who_write_to_many_lose_nothing(town: Town) -> None:
    """Calls that name the same people in other orders, all at once: inboxes without gaps, and every call done."""
    people = [await town.person() for _ in range(6)]
    ids = [person.id for person in people]
    bodies = [
        {"user_ids": ids[n % 6 :] + ids[: n % 6], **WORDS, "title": str(n)} for n in range(24)
    ]
    answers = await asyncio.gather(*(town.post(NEW_KEY, body) for body in bodies))
    assert {status for status, _ in answers} == {201}
    for person in people:
        entries = (await inbox(person))["entries"]
        assert [e["seq"] for e in entries] == list(range(1, 25))
        assert {e["title"] for e in entries} == {str(n) for n in range(24)}
        assert entries[-1]["unread"] == 24


async def test_it_survives_the_api_that_took_it(town: Town) -> None:
    """Killed after the commit and before a word to anybody: told all the same, and the repeated call knows it."""
    person, socket = await town.watcher()
    notices_api = town.notices_api
    await asyncio.to_thread(notices_api.stop)
    whole = dict(notices_api.env or {})
    notices_api.env = {**whole, "SHAREHUB_CRASH_AT": "after_commit"}
    await asyncio.to_thread(notices_api.start)
    key, notice = secrets.token_hex(8), to(person)
    try:
        with pytest.raises(aiohttp.ClientError):
            await town.post(NEW_KEY, notice, key)
    finally:
        await asyncio.to_thread(notices_api.stop)
        notices_api.env = whole
        await asyncio.to_thread(notices_api.start)
    pushed = await socket.push_where(lambda p: p["topic"] == f"user:{person.id}")
    assert pushed.push["payload"]["title"] == WORDS["title"]
    again = {"told": [{"user_id": person.id, "seq": 1}]}
    assert await town.post(NEW_KEY, notice, key) == (201, again)
    assert (await inbox(person))["last_seq"] == 1


async def test_it_survives_the_hub_of_its_reader(town: Town) -> None:
    person, socket = await town.watcher()
    hub = town.stack["hub-1"]
    await asyncio.to_thread(hub.kill)
    try:
        assert await town.code(NEW_KEY, to(person)) == (201, "ok")
        topic = await socket.until(f"user:{person.id}", lambda t: t.version == 1)
        assert topic.log[1]["title"] == WORDS["title"]
    finally:
        await asyncio.to_thread(hub.start)
