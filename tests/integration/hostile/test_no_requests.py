"""What is not even a request: refused in the same envelope, or hung up on."""

from __future__ import annotations

import asyncio
import contextlib
from urllib.parse import urlsplit

import pytest

from tests.integration.hostile.scene import Answer, World, envelope_faults


def faults_of(what: str, answer: Answer, status: int, code: str) -> list[str]:
    faults = [f"{what}: {fault}" for fault in envelope_faults(answer)]
    if (answer.status, answer.code) != (status, code):
        faults.append(f"{what}: {answer}, not {status} {code}")
    return faults


async def hang_up(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()  # whatever is unsent: the other side may have stopped listening
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def raw_answer(world: World, request: bytes, *, ends: bool = True) -> Answer | None:
    """What these very bytes get, and then nothing more if it `ends`; None when the connection is just closed."""
    url = urlsplit(world.stack.api_url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    try:
        writer.write(request)
        if ends:
            writer.write_eof()
        async with asyncio.timeout(15):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = dict(line.split(": ", 1) for line in head[1:] if line)
            body = await reader.readexactly(int(headers["Content-Length"]))
        return Answer(int(head[0].split(" ")[1]), headers, body)
    except (ConnectionError, asyncio.IncompleteReadError):
        return None
    finally:
        await hang_up(writer)


POST = b"POST /v1/login HTTP/1.1\r\nHost: x\r\n"
GET = b"GET /v1/me HTTP/1.1\r\nHost: x\r\n"
BROKEN: dict[str, bytes] = {
    "not HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "a bad version": b"GET / HTTP/9.9\r\n\r\n",
    "no path": b"GET\r\n\r\n",
    "a length that is no number": POST + b"Content-Length: x\r\n\r\n{}",
    "a negative length": POST + b"Content-Length: -1\r\n\r\n{}",
    "two lengths": POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "length and chunks": POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a body that ends early": POST + b"Content-Length: 100\r\n\r\n{",
    "a chunk size that is no number": POST
    + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "a chunk that is too short": POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{}\r\n0\r\n\r\n",
    "chunks that end early": POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
    "an unknown transfer encoding": POST + b"Transfer-Encoding: zip\r\n\r\n{}",
    "a header of 100 KB": GET + b"X-A: " + b"a" * 100_000 + b"\r\n\r\n",
    "10000 headers": GET + b"".join(b"X-%d: a\r\n" % n for n in range(10_000)) + b"\r\n",
    "a path of 100 KB": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a control character in a header": GET + b"Authorization: Bearer \x01\r\n\r\n",
    "a NUL in a header": GET + b"Idempotency-Key: \x00\r\n\r\n",
    "bytes beyond ASCII in a token": GET + b"Authorization: Bearer \xff\xfe\xed\xa0\x80\r\n\r\n",
    "bytes beyond ASCII in a request id": GET + b"X-Request-Id: \xff\xfe\r\n\r\n",
    "bytes beyond ASCII in the path": b"GET /v1/orders/\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
    "an upgrade": GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    "an unknown expectation": POST + b"Expect: wonders\r\nContent-Length: 2\r\n\r\n{}",
    "two hosts": GET + b"Host: y\r\n\r\n",
    "a smuggled request": POST + b"Content-Length : 2\r\n\r\n{}GET /v1/me HTTP/1.1\r\n\r\n",
}


@pytest.mark.parametrize("what", BROKEN)
async def test_broken_http(world: World, what: str) -> None:
    """Refused in the envelope, or hung up on; never a 5xx, and the next one is served."""
    answer = await raw_answer(world, BROKEN[what])
    if answer is not None:
        assert 400 <= answer.status < 500, answer
        assert not envelope_faults(answer), answer
    assert (await world.ask("GET", "/v1/me", token=world.buyer.token)).status == 200


@pytest.mark.parametrize(
    ("what", "status", "code"),
    [
        ("a header just too long", 413, "too_large"), ("something else than HTTP", 400, "invalid"),
        ("a control character in a header", 400, "invalid"), ("two lengths", 400, "invalid"),
        ("an unknown expectation", 417, "invalid"), ("a line just too long", 413, "too_large"),
        ("an expectation of nothing there", 417, "invalid"), ("a garbled place", 400, "invalid"),
    ],
)  # fmt: skip
async def test_what_is_no_request_is_told_why(
    world: World, what: str, status: int, code: str
) -> None:
    answer = await raw_answer(world, (BROKEN | NO_REQUESTS)[what], ends=False)
    assert answer is not None
    assert not faults_of(what, answer, status, code)


NO_REQUESTS = {
    "a line just too long": b"GET /v1/listings?text="
    + b"a" * 8200
    + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a header just too long": GET + b"X-A: " + b"a" * 8200 + b"\r\n\r\n",
    "something else than HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "an expectation of nothing there": b"POST /v1/nope HTTP/1.1\r\nHost: x\r\nExpect: x\r\n\r\n",
    "a garbled place": b"GET http://[::1 HTTP/1.1\r\nHost: x\r\n\r\n",
}
