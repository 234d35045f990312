"""The object store: signatures, limits, write-once files; and its two raw endpoints over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from api.middleware import around
from api.objects import ROUTES
from api.routing import RawRoute
from infra import objects
from infra.objects import LocalObjects, Objects, UploadView, sign_upload
from infra.process import now_ms
from market.kernel.actor import ANONYMOUS, Actor
from market.kernel.errors import (
    AlreadyDone,
    BadInput,
    BadSignature,
    NotFound,
    QuotaSpent,
    TooLarge,
    Unauthenticated,
)
from market.kernel.ids import Id
from tests.unit.infra.pictures import bomb, encoded, gradient, opened

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
JPEG = b"\xff\xd8\xff\xe0" + bytes(100)
WEBP = b"RIFF\x10\0\0\0WEBPVP8 " + bytes(100)
WHO = Actor(user_id=Id(42), role="user")
KEY = "chat/7/42/" + "r" * 22
NOW = 1_800_000_000_000

Http = TestClient[web.Request, web.Application]


@pytest.fixture
def store(tmp_path: Path) -> LocalObjects:
    return LocalObjects(tmp_path / "objects", "http://files.example/", b"k" * 32)


async def chunked(raw: bytes, size: int = 7) -> AsyncIterator[bytes]:
    for start in range(0, len(raw), size):
        yield raw[start : start + size]


def files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


def query_of(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


@pytest.mark.parametrize(
    ("raw", "type_"), [(PNG, "image/png"), (JPEG, "image/jpeg"), (WEBP, "image/webp")]
)
async def test_an_image_is_kept_and_known_by_its_first_bytes(
    store: LocalObjects, raw: bytes, type_: str
) -> None:
    assert not await store.exists(KEY)
    assert await store.put(KEY, chunked(raw), type_, 1000) == len(raw)
    assert await store.exists(KEY)
    path, found = await store.find(KEY)
    assert (found, await asyncio.to_thread(path.read_bytes)) == (type_, raw)


@pytest.mark.parametrize(
    "raw", [b"", b"GIF89a" + bytes(50), b"<svg xmlns=", JPEG, b"\x89PN", b"RIFF\0\0\0\0WAVE"]
)
async def test_other_bytes_are_refused_and_leave_nothing(
    store: LocalObjects, raw: bytes, tmp_path: Path
) -> None:
    with pytest.raises(BadInput):
        await store.put(KEY, chunked(raw), "image/png", 1000)
    assert files(tmp_path) == []


async def test_the_limit_holds_while_the_bytes_come(store: LocalObjects, tmp_path: Path) -> None:
    given = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        yield PNG
        while True:
            given += 65536
            yield bytes(65536)

    with pytest.raises(TooLarge):
        await store.put(KEY, endless(), "image/png", 2**40)
    assert given <= objects.MAX_BYTES + 65536
    with pytest.raises(TooLarge):
        await store.put(KEY, chunked(PNG), "image/png", len(PNG) - 1)
    assert files(tmp_path) == []
    assert await store.put(KEY, chunked(PNG), "image/png", len(PNG)) == len(PNG)


async def test_an_upload_that_breaks_off_leaves_nothing(
    store: LocalObjects, tmp_path: Path
) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield PNG
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await store.put(KEY, broken(), "image/png", 1000)
    assert files(tmp_path) == []


async def test_an_object_never_changes(store: LocalObjects, tmp_path: Path) -> None:
    await store.put(KEY, chunked(PNG), "image/png", 1000)
    await store.put(KEY, chunked(PNG), "image/png", 1000)  # the answer was lost
    with pytest.raises(AlreadyDone):
        await store.put(KEY, chunked(PNG + b"!"), "image/png", 1000)
    path, _ = await store.find(KEY)
    assert await asyncio.to_thread(path.read_bytes) == PNG
    assert files(tmp_path) == [path]


async def test_of_many_at_once_one_wins_whole(store: LocalObjects) -> None:
    raws = [PNG + bytes([n]) * 50 for n in range(8)]
    done = await asyncio.gather(
        *(store.put(KEY, chunked(raw), "image/png", 1000) for raw in raws), return_exceptions=True
    )
    assert sum(isinstance(d, int) for d in done) == 1
    assert sum(isinstance(d, AlreadyDone) for d in done) == 7
    path, _ = await store.find(KEY)
    winner = next(n for n, d in enumerate(done) if isinstance(d, int))
    assert await asyncio.to_thread(path.read_bytes) == raws[winner]


@pytest.mark.parametrize(
    "key",
    [
        "../../etc/passwd",
        "photos/1/../../../../etc/passwd",
        "/etc/passwd",
        "photos/1/" + "r" * 21,
        "photos/1/" + "r" * 21 + "/",
        "photos/1/" + "r" * 22 + "\n",
        "photos/１/" + "r" * 22,
        "secret/1/" + "r" * 22,
        "chat/1/" + "r" * 22,
        "photos/1/" + "." * 22,
        "",
        "photos/1/" + "r" * 21 + "\0",
    ],
)
async def test_no_other_key_becomes_a_path(store: LocalObjects, key: str, tmp_path: Path) -> None:
    for attempt in (
        store.exists(key),
        store.find(key),
        store.put(key, chunked(PNG), "image/png", 1000),
    ):
        with pytest.raises(NotFound):
            await attempt
    with pytest.raises(NotFound):
        store.upload_url(key, "image/png", 10, NOW)
    assert files(tmp_path) == []


def test_a_signature_serves_for_its_own_url_and_time_alone(store: LocalObjects) -> None:
    url, expires = store.upload_url(KEY, "image/png", 1000, NOW)
    assert urlsplit(url)._replace(query="").geturl() == f"http://files.example/v1/objects/{KEY}"
    query = query_of(url)
    store.check_signature("PUT", KEY, query, expires - 1)
    changed = [
        {**query, "max_bytes": "9999"},
        {**query, "type": "image/jpeg"},
        {**query, "expires": str(expires + 1)},
        {**query, "extra": "1"},
        {**query, "sig": query["sig"][:-2] + "__"},
        {**query, "sig": "\N{SNOWMAN}"},
        {name: value for name, value in query.items() if name != "sig"},
        {name: value for name, value in query.items() if name != "max_bytes"},
        {"expires": f"{expires}\nmax_bytes=1000\ntype=image/png", "sig": query["sig"]},
        {"expires": f"{expires}&max_bytes=1000&type=image/png", "sig": query["sig"]},
        {},
    ]
    for other in changed:
        with pytest.raises(BadSignature):
            store.check_signature("PUT", KEY, other, NOW)
    for method, key, at in (
        ("GET", KEY, NOW),
        ("PUT", KEY.replace("42", "43"), NOW),
        ("PUT", KEY, expires),
    ):
        with pytest.raises(BadSignature):
            store.check_signature(method, key, query, at)
    stranger = LocalObjects(Path("/nowhere"), "http://files.example", b"x" * 32)
    with pytest.raises(BadSignature):
        stranger.check_signature("PUT", KEY, query, NOW)


async def ask(store: LocalObjects, /, _who: Actor = WHO, **body: Any) -> UploadView:
    at = now_ms()
    given = {"purpose": "photo", "content_type": "image/png", "size_bytes": 1000, **body}
    return await sign_upload.perform(Objects(store=store), _who, at, None, given)


async def test_asking_for_an_upload(store: LocalObjects) -> None:
    photo, again = await ask(store), await ask(store)
    assert photo.upload_url.startswith("http://files.example/v1/objects/photos/42/")
    assert photo.upload_url != again.upload_url
    assert photo.object_key == ""  # what it will be called depends on what it is
    avatar = await ask(store, purpose="avatar")
    assert avatar.upload_url.startswith("http://files.example/v1/objects/avatars/42/")
    chat = await ask(store, purpose="chat", conversation_id="7")
    assert chat.object_key.startswith("chat/7/42/")
    assert now_ms() < chat.expires_ms <= now_ms() + objects.UPLOAD_MS


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"size_bytes": objects.MAX_BYTES + 1}, TooLarge),
        ({"size_bytes": 0}, BadInput),
        ({"content_type": "image/svg+xml"}, BadInput),
        ({"purpose": "chat"}, BadInput),
        ({"purpose": "photo", "conversation_id": "7"}, BadInput),
        ({"purpose": "../.."}, BadInput),
        ({"purpose": "chat", "conversation_id": "../.."}, BadInput),
    ],
)
async def test_a_malformed_asking_is_refused(
    store: LocalObjects, body: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await ask(store, **body)
    with pytest.raises(Unauthenticated):
        await ask(store, ANONYMOUS)


@pytest.fixture
async def http(store: LocalObjects) -> AsyncIterator[Http]:
    """The raw endpoints, served."""
    app = web.Application(middlewares=[around], client_max_size=1024)
    for route in ROUTES:
        if isinstance(route, RawRoute):
            app.router.add_route(route.method, route.path, _bound(route, Objects(store=store)))
    async with TestClient(TestServer(app)) as client:
        yield client


def _bound(route: RawRoute, wing: Objects) -> web.Handler:  # type: ignore[name-defined]
    async def handle(request: web.Request) -> web.StreamResponse:
        return await route.handler(wing, request)

    return handle


def at(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(("", "", parts.path, parts.query, ""))


async def code(http: Http, method: str, url: str, data: bytes | None = None) -> tuple[int, str]:
    async with http.request(method, url, data=data) as answer:
        return answer.status, (await answer.json())["error"]["code"]


async def test_put_then_get_over_http(store: LocalObjects, http: Http) -> None:
    raw = PNG + bytes(300_000)
    upload = await ask(store, purpose="chat", conversation_id="7", size_bytes=len(raw))
    async with http.put(at(upload.upload_url), data=raw) as answer:
        assert answer.status == 201
    download = store.download_url(upload.object_key, now_ms())
    async with http.get(at(download)) as answer:
        assert (answer.status, await answer.read()) == (200, raw)
        assert answer.headers["Content-Type"] == "image/png"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"].startswith("private")
    assert await code(http, "GET", urlsplit(download).path) == (403, "bad_signature")
    assert await code(http, "GET", at(store.download_url(upload.object_key, 1))) == (
        403,
        "bad_signature",
    )


async def test_photos_are_for_everybody(store: LocalObjects, http: Http) -> None:
    upload, raw = await ask(store, size_bytes=100_000), encoded(gradient(300, 200), "PNG")
    first = await put(http, upload, raw)
    assert await put(http, upload, raw) == first  # an answer can be lost
    assert (first["width"], first["height"]) == (300, 200)
    assert first["public_url"] == f"http://files.example/v1/objects/{first['object_key']}"
    assert await put(http, await ask(store, size_bytes=100_000), raw) == first
    other = encoded(gradient(200, 300), "PNG")
    assert await code(http, "PUT", at(upload.upload_url), other) == (409, "already_done")
    for behind, longest in (("", 300), ("_720", 300), ("_240", 240)):
        async with http.get(at(first["public_url"] + behind)) as answer:
            assert answer.headers["Content-Type"] == "image/jpeg"
            assert answer.headers["Cache-Control"].startswith("public")
            assert max(opened(await answer.read()).size) == longest
    receipt = urlsplit(upload.upload_url).path
    assert await code(http, "GET", receipt) == (404, "not_found")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (PNG, "format"),
        (bomb(60_000, 60_000), "pixels"),
        (bomb(8_000, 8_000), "pixels"),
        (bomb(16_001, 40), "pixels"),
        (bomb(31, 31), "size"),
        (bomb(500, 500), "broken"),
    ],
)
async def test_pictures_that_cannot_be_shown(
    store: LocalObjects, http: Http, tmp_path: Path, raw: bytes, reason: str
) -> None:
    """Bombs claim gigabytes in a hundred bytes: they are refused by what they claim."""
    upload = await ask(store, size_bytes=100_000)
    async with http.put(at(upload.upload_url), data=raw) as answer:
        error = (await answer.json())["error"]
        assert (answer.status, error["code"], error["data"]["reason"]) == (400, "bad_image", reason)
    assert files(tmp_path) == []


async def test_a_day_has_its_quota(store: LocalObjects) -> None:
    class Two:
        left = 2

        async def spend(self, user_id: Id, amounts: Mapping[str, int], now_ms: int) -> None:
            assert (user_id, amounts) == (WHO.user_id, {"uploads": 1, "bytes": 1000})
            if self.left == 0:
                raise QuotaSpent
            self.left -= 1

    wing, body = (
        Objects(store=store, quota=Two()),
        {"content_type": "image/png", "size_bytes": 1000},
    )
    for purpose in ({"purpose": "photo"}, {"purpose": "chat", "conversation_id": "7"}):
        await sign_upload.perform(wing, WHO, now_ms(), None, body | purpose)
    with pytest.raises(QuotaSpent):
        await sign_upload.perform(wing, WHO, now_ms(), None, body | {"purpose": "avatar"})


async def put(http: Http, upload: UploadView, raw: bytes) -> Any:
    async with http.put(at(upload.upload_url), data=raw) as answer:
        assert answer.status == 201, await answer.text()
        return await answer.json()


async def test_refused_over_http(store: LocalObjects, http: Http, tmp_path: Path) -> None:
    upload = await ask(store, purpose="chat", conversation_id="7", size_bytes=len(PNG))
    url = at(upload.upload_url)
    assert await code(http, "PUT", url, PNG + b"!") == (413, "too_large")
    assert await code(http, "PUT", url, JPEG[: len(PNG)]) == (400, "invalid")
    assert await code(http, "PUT", url, b"") == (400, "invalid")
    assert await code(http, "PUT", url + "&type=image/png", PNG) == (403, "bad_signature")
    assert await code(http, "PUT", url.replace("type=image%2Fpng", "type=image%2Fjpeg"), JPEG) == (
        403,
        "bad_signature",
    )
    expired, _ = store.upload_url(upload.object_key, "image/png", 1000, 1)
    assert await code(http, "PUT", at(expired), PNG) == (403, "bad_signature")
    assert await code(http, "GET", "/v1/objects/photos/1/..%2f..%2f..%2fetc%2fpasswd") == (
        404,
        "not_found",
    )
    assert await code(http, "GET", "/v1/objects/%00") == (404, "not_found")
    assert files(tmp_path) == []

    async def endless() -> AsyncIterator[bytes]:
        yield PNG
        yield bytes(65536)

    async with http.put(url, data=endless()) as answer:  # without a Content-Length
        assert answer.status == 413
    assert files(tmp_path) == []
    async with http.put(url, data=PNG) as answer:
        assert answer.status == 201
    async with http.put(url, data=PNG) as answer:
        assert answer.status == 201
    other = PNG[:-1] + b"!"
    assert await code(http, "PUT", url, other) == (409, "already_done")


def test_the_query_of_a_url_survives_reencoding(store: LocalObjects) -> None:
    url, _ = store.upload_url(KEY, "image/webp", 5, NOW)
    again = dict(parse_qsl(urlencode(query_of(url))))
    store.check_signature("PUT", KEY, again, NOW)
