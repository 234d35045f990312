"""HTTP itself, misused: methods, paths, lengths, encodings, headers; and the endpoints that are not JSON in, JSON out."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import re
import zlib
from typing import Any
from urllib.parse import urlsplit

import pytest

from api.app import SERVICES, routes_of
from tests.integration.hostile.scene import World, a_listing, envelope_faults, new_key
from tests.integration.hostile.test_no_requests import faults_of, hang_up, raw_answer
from tests.integration.hostile.wire import wired
from tests.unit.infra.pictures import bomb, encoded, gradient

PATHS = sorted(
    {re.sub(r"{[^}]+}", "1", route.path) for service in SERVICES for route in routes_of(service)}
)
METHODS = {
    re.sub(r"{[^}]+}", "1", path): {route.method for s in SERVICES for route in routes_of(s) if route.path == path}
    for path in {route.path for s in SERVICES for route in routes_of(s)}
}  # fmt: skip
MEGABYTE = 1024 * 1024


async def test_wrong_methods(world: World) -> None:
    """405 with Allow and the envelope, for every path and method that has no endpoint."""
    faults = []
    merged: dict[str, set[str]] = {}
    for path, methods in METHODS.items():
        merged.setdefault(path, set()).update(methods)
    for path, methods in merged.items():
        others = [  # /v1/listings/{listing_id} takes /v1/listings/mine too, and so on
            m for p, ms in METHODS.items() for m in ms if re.fullmatch(p.replace("/1", "/[^/]+"), path)
        ]  # fmt: skip
        for method in (
            {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"}
            - methods
            - set(others)
        ):
            answer = await world.ask(method, path, token=world.buyer.token, key=new_key())
            faults += faults_of(f"{method} {path}", answer, 405, "method_not_allowed")
            if not methods <= set(answer.headers.get("Allow", "").split(",")):
                faults.append(f"{method} {path}: Allow: {answer.headers.get('Allow')}")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    "path",
    ["/v1", "/v1/", "/v1/nope", "/v2/me", "/v1/me/", "//v1/me", "/v1/orders/1/nope", "/v1/%00", "/%2e%2e/etc/passwd",
     "/v1/..%2f..%2fetc", "/v1/orders/1%2f2/cancel/x", "/favicon.ico", "/.git/config", "/%ff%fe", "/" + "a" * 4000],
)  # fmt: skip
async def test_unknown_paths(world: World, path: str) -> None:
    for method in ("GET", "POST"):
        answer = await world.ask(method, path, token=world.buyer.token)
        assert not faults_of(path, answer, 404, "not_found")


async def test_ten_megabytes(world: World) -> None:
    """To every path that takes a body, with a length and in chunks: refused early, and the next one is served."""
    body = b'{"a": "' + b"x" * (10 * MEGABYTE) + b'"}'
    for path, methods in METHODS.items():
        for method in methods - {"GET"}:
            if path.startswith("/v1/objects/"):
                continue
            for chunked in (False, True):
                status, answer = await raw_request(world, method, path, body, chunked=chunked)
                assert status == 413, (method, path, chunked, status)
                assert json.loads(answer)["error"]["code"] == "too_large"
    assert (await world.ask("GET", "/v1/me", token=world.buyer.token)).status == 200


async def raw_request(
    world: World,
    method: str,
    path: str,
    body: bytes,
    *,
    chunked: bool = False,
    headers: bytes = b"",
) -> tuple[int, bytes]:
    """Status and body of what comes back while we are still sending."""
    url = urlsplit(world.stack.api_url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(body)
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nIdempotency-Key: k\r\nAuthorization: Bearer {world.buyer.token}\r\n"
    sent = (b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)) if chunked else body
    writer.write(head.encode() + headers + framing + b"\r\n\r\n")

    async def push() -> None:
        try:
            for start in range(0, len(sent), 65536):
                writer.write(sent[start : start + 65536])
                await writer.drain()
        except ConnectionError:
            pass

    pushing = asyncio.create_task(push())
    try:
        return await _read(reader)
    finally:
        pushing.cancel()
        await asyncio.gather(pushing, return_exceptions=True)
        await hang_up(writer)


async def _read(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    async with asyncio.timeout(15):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = int(re.search(r"(?i)content-length: (\d+)", head)[1])  # type: ignore[index]
        return int(head.split(" ")[1]), await reader.readexactly(length)


def _bomb(compressed: bytes = b"") -> bytes:
    return gzip.compress(b'{"code": "' + b"x" * (20 * MEGABYTE) + b'"}')


ENCODED: dict[str, tuple[str, bytes, int, str]] = {
    "no gzip": ("gzip", b"{}", 400, "invalid"),
    "truncated gzip": ("gzip", gzip.compress(b'{"code": "' + bytes(range(48, 90)) * 99 + b'"}')[:-12], 400, "invalid"),
    "no deflate": ("deflate", b"\xff\xff", 400, "invalid"),
    "a bomb": ("gzip", _bomb(), 413, "too_large"),
    "a deflate bomb": ("deflate", zlib.compress(b"x" * (20 * MEGABYTE)), 413, "too_large"),
}  # fmt: skip


@pytest.mark.parametrize("what", ENCODED)
async def test_bad_content_encodings(world: World, what: str) -> None:
    encoding, body, status, code = ENCODED[what]
    answer = await world.ask("POST", "/v1/login", raw=body, headers={"Content-Encoding": encoding})
    assert not faults_of(what, answer, status, code)


async def test_request_ids(world: World) -> None:
    """A sane one is kept, whatever else is replaced; they never reach a log or a header as they are."""
    answer = await world.ask("GET", "/v1/me", headers={"X-Request-Id": "abc.DEF-1_2"})
    assert answer.headers["X-Request-Id"] == answer.json["error"]["request_id"] == "abc.DEF-1_2"
    for bad in ("a b", "x" * 65, '"', "<b>", "é", "{}"):
        answer = await world.ask("GET", "/v1/me", headers={"X-Request-Id": bad})
        assert re.fullmatch("[0-9a-f]{16}", answer.headers["X-Request-Id"])
        assert not envelope_faults(answer)


async def test_methods_do_not_fill_the_metrics(world: World) -> None:
    """Anybody can invent methods; a label each would be memory for nothing."""
    for number in range(20):
        await raw_answer(world, f"HOSTILE{number} /v1/nope HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    metrics = (await world.ask("GET", "/metrics")).raw.decode()
    assert "HOSTILE" not in metrics


async def test_notifications_need_wechats_signature(world: World) -> None:
    """WeChat's own form of refusal, and nothing booked."""
    signed = {
        "Wechatpay-Timestamp": "1", "Wechatpay-Nonce": "n", "Wechatpay-Signature": "c2ln", "Wechatpay-Serial": "PUB_KEY_ID_1",
    }  # fmt: skip
    for headers in (
        {},
        signed,
        {**signed, "Wechatpay-Timestamp": "x" * 500},
        {**signed, "Wechatpay-Signature": "\xff"},
    ):
        for raw in (b"", b"{}", b"[]", b"\xff", b'{"id": "1", "resource": {}}', b"[" * 30_000):
            answer = await world.ask("POST", "/v1/payments/notify", raw=raw, headers=dict(headers))
            assert answer.status == 401, (headers, raw[:20], answer.raw)
            assert answer.json["code"] == "FAIL"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"5", b'{"Encrypt": 5}', pytest.param(b"[" * 60_000, id="deep")]
)
async def test_events_that_are_none(world: World, body: bytes) -> None:
    answer = await world.ask("POST", "/v1/wechat/events", raw=body)
    assert (answer.status, answer.json["error"]["code"]) == (400, "invalid")


@pytest.mark.parametrize(
    "query",
    ["", "?timestamp=0&nonce=n&msg_signature=s&signature=s", "?timestamp=x&nonce=&signature=%00", "?echostr=hello"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_events_need_wechats_signature(world: World, method: str, query: str) -> None:
    answer = await world.ask(
        method,
        f"/v1/wechat/events{query}",
        raw=b'{"Encrypt": "AAAA"}' if method == "POST" else None,
    )
    assert (answer.status, answer.json["error"]["code"]) == (403, "bad_signature")


async def test_pictures_for_an_application(world: World) -> None:
    """A user's JPEG or PNG of up to 2 MB goes on to WeChat, and nothing else does."""
    path, png = "/v1/payments/pictures", b"\x89PNG\r\n\x1a\n" + b"\0" * 90_000
    taken = await world.ask("POST", path, token=world.owner.token, raw=png)
    assert (taken.status, bool(taken.json["media_id"])) == (201, True)
    refusals: list[tuple[str | None, bytes, int, str]] = [
        (None, png, 401, "unauthenticated"),
        ("forged", png, 401, "unauthenticated"),
        (world.owner.token, b"", 400, "invalid"),
        (world.owner.token, b"GIF89a" + b"\0" * 50, 400, "invalid"),
        (world.owner.token, png + b"\0" * (2 * MEGABYTE), 413, "too_large"),
    ]
    for token, raw, status, code in refusals:
        answer = await world.ask("POST", path, token=token, raw=io.BytesIO(raw))
        assert (answer.status, answer.json["error"]["code"]) == (status, code)


async def test_objects_need_signatures(world: World) -> None:
    """No key but ours becomes a path; no signature serves for anything else; who is no party cannot look."""
    chat = await world.conversation()
    sign: dict[str, Any] = {
        "purpose": "chat", "conversation_id": chat, "content_type": "image/png", "size_bytes": 60
    }  # fmt: skip
    given = await world.do(world.buyer, "POST", "/v1/objects", sign)
    url = urlsplit(given["upload_url"])
    png = b"\x89PNG\r\n\x1a\n" + b"\0" * 50
    path = f"{url.path}?{url.query}"
    refusals: list[tuple[str, str, bytes, int, str]] = [
        ("PUT", url.path, png, 403, "bad_signature"),
        ("PUT", path + "x", png, 403, "bad_signature"),
        ("PUT", path + "&type=image/jpeg", png, 403, "bad_signature"),
        ("PUT", path.replace("max_bytes=60", "max_bytes=6000"), png, 403, "bad_signature"),
        ("PUT", path, png + b"\0" * 100, 413, "too_large"),
        ("PUT", path, b"GIF89a" + b"\0" * 50, 400, "invalid"),
        ("PUT", path, b"", 400, "invalid"),
        ("GET", url.path, b"", 403, "bad_signature"),
        ("PUT", "/v1/objects/photos/1/../../secrets.json", png, 404, "not_found"),
        ("GET", "/v1/objects/..%2f..%2fsecrets.json", b"", 404, "not_found"),
        ("GET", "/v1/objects/photos/1/%00", b"", 404, "not_found"),
        ("GET", "/v1/objects/chat/1/1/" + "a" * 22, b"", 403, "bad_signature"),
        ("GET", "/v1/objects/chat/1/1/" + "a" * 22 + "?expires=x&sig=y", b"", 403, "bad_signature"),
    ]
    for method, where, body, status, code in refusals:
        got = await raw_request(world, method, where, body)
        assert (got[0], json.loads(got[1])["error"]["code"]) == (status, code), (method, where, got)
    assert (await raw_request(world, "PUT", path, png))[0] == 201
    status, _ = await raw_request(world, "PUT", path, b"x" * (10 * MEGABYTE))
    assert status == 413


async def test_photos_that_are_none(world: World) -> None:
    """200 MB are refused before they have come in, a bomb before it goes off, and what is somebody else's stays theirs."""
    sign = {"purpose": "photo", "content_type": "image/png", "size_bytes": 5 * MEGABYTE}
    given = await world.do(world.owner, "POST", "/v1/objects", sign)
    url = urlsplit(given["upload_url"])
    path = f"{url.path}?{url.query}"
    status, _ = await raw_request(world, "PUT", path, b"x" * (200 * MEGABYTE))
    assert status == 413
    for raw in (bomb(60_000, 60_000), bomb(8_000, 8_000), bomb(500, 500)):
        status, body = await raw_request(world, "PUT", path, raw)
        assert (status, json.loads(body)["error"]["code"]) == (400, "bad_image")
    status, body = await raw_request(world, "PUT", path, encoded(gradient(64, 64), "PNG"))
    assert status == 201
    key = json.loads(body)["object_key"]
    for who, photos, code in (
        (world.stranger, [key], "forbidden"),
        (world.owner, [key, key], "invalid"),
        (world.owner, [key[:-1] + ("A" if key[-1] != "A" else "B")], "not_found"),
        (world.owner, ["../../secrets.json"], "invalid"),
        (world.owner, [f"https://example.org/{key}"], "invalid"),
    ):
        answer = await world.ask(
            "POST", "/v1/listings/drafts", token=who.token, key=new_key(), body=a_listing(photos=photos)
        )  # fmt: skip
        assert answer.json["error"]["code"] == code, (photos, answer.raw)


async def test_tags_without_end(world: World) -> None:
    """Over REST by their size, over a socket by their number; and those that nobody has named, by their name."""
    for attributes, code in (
        ({str(n): True for n in range(10_000)}, "too_large"),
        ({str(n): True for n in range(21)}, "invalid"),
        ({"colour": "red"}, "bad_attribute"),
        ({"power_w": 0}, "bad_attribute"),
        ({"power_w": True}, "bad_attribute"),
        ({"cordless": 1}, "bad_attribute"),
        ({"brand": " "}, "bad_attribute"),
    ):
        body = a_listing(attributes=attributes)
        answer = await world.ask("POST", "/v1/listings", token=world.owner.token, key=new_key(), body=body)  # fmt: skip
        assert answer.json["error"]["code"] == code, answer.raw


async def test_somebody_elses_draft(world: World) -> None:
    """Nobody reads it, and nobody learns that it is there."""
    made = await world.do(world.owner, "POST", "/v1/listings/drafts", a_listing())
    path = f"/v1/listings/{made['listing_id']}"
    for token in (world.stranger.token, world.operator.token, None):
        answer = await world.ask("GET", path, token=token)
        assert (answer.status, answer.json["error"]["code"]) == (404, "not_found")
    async with wired(world, world.stranger) as wire:
        told = await wire.subscribe(f"listing:{made['listing_id']}")
        assert [refusal["code"] for refusal in told["refused"]] == ["not_found"]


async def test_the_api_outlives_all_of_this(world: World) -> None:
    answer = await world.ask("GET", "/readyz")
    assert answer.status == 200
    log = world.stack["api"].log_file.read_text()
    crashes = [line[:500] for line in log.splitlines() if '"unexpected error"' in line]
    assert not crashes, "\n".join(crashes)
