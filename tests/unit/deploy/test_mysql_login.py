"""MySQL 8's default login over plain TCP, which MariaDB, the tests' database, does not have.

A stand-in plays the server's side of caching_sha2_password as MySQL's manual describes it (Client/Server Protocol, "Caching_sha2_password
information"), and our pool logs in to it. It is no MySQL; it shows that what we install can do this exchange, RSA included.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import SystemRandom

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from infra.config import Dsn
from infra.mysql.database import open_database
from market.kernel.errors import Unavailable
from market.kernel.ids import IdMaker

PASSWORD = "one wing's password"
PLUGIN = b"caching_sha2_password"
OK = b"\x00\x00\x00\x02\x00\x00\x00"
DENIED = b"\xff" + struct.pack("<H", 1045) + b"#28000Access denied"
MORE_DATA, REQUEST_KEY, FAST_OK, FULL_LOGIN = b"\x01", b"\x02", b"\x03", b"\x04"
# PROTOCOL_41, SECURE_CONNECTION, PLUGIN_AUTH, CONNECT_WITH_DB, TRANSACTIONS, LONG_PASSWORD; and no SSL.
CAPABILITIES = 0x0008_A20B


class StandIn:
    """`cached`: it has seen this account's password before, so that the digest is enough."""

    def __init__(self, cached: bool) -> None:
        self.cached = cached
        self.exchanges: list[str] = []
        self.statements: list[str] = []
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer, self._sequence = reader, writer, 0
        try:
            if await self._log_in():
                await self._serve()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _log_in(self) -> bool:
        nonce = bytes(byte % 126 + 1 for byte in os.urandom(20))
        self._send(
            b"\x0a8.4.5\x00" + struct.pack("<I", 7) + nonce[:8] + b"\x00"
            + struct.pack("<H", CAPABILITIES & 0xFFFF) + b"\xff" + struct.pack("<H", 2)
            + struct.pack("<H", CAPABILITIES >> 16) + bytes([21]) + bytes(10) + nonce[8:] + b"\x00"
            + PLUGIN + b"\x00"
        )  # fmt: skip
        answer = await self._receive()
        user, _, rest = answer[32:].partition(b"\x00")
        assert user == b"orders"
        digest = rest[1 : 1 + rest[0]]
        if self.cached and digest == self._digest(nonce):
            self.exchanges.append("digest")
            self._send(MORE_DATA + FAST_OK)
        else:
            self._send(MORE_DATA + FULL_LOGIN)
            assert await self._receive() == REQUEST_KEY
            self.exchanges.append("key asked for")
            self._send(
                MORE_DATA
                + self._key.public_key().public_bytes(
                    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
                )
            )
            sealed = await self._receive()
            plain = self._key.decrypt(
                sealed, padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
            )
            opened = bytes(byte ^ nonce[n % 20] for n, byte in enumerate(plain))
            self.exchanges.append("password sealed")
            if opened != PASSWORD.encode() + b"\x00":
                self._send(DENIED)
                return False
        self._send(OK)
        return True

    @staticmethod
    def _digest(nonce: bytes) -> bytes:
        def sha(data: bytes) -> bytes:
            return hashlib.sha256(data).digest()

        once = sha(PASSWORD.encode())
        return bytes(a ^ b for a, b in zip(once, sha(sha(once) + nonce), strict=True))

    async def _serve(self) -> None:
        while True:
            self._sequence = 0
            command = await self._receive()
            if command[0] == 1:  # COM_QUIT
                return
            self.statements.append(command[1:].decode())
            self._send(OK)

    def _send(self, payload: bytes) -> None:
        header = struct.pack("<I", len(payload))[:3] + bytes([self._sequence])
        self._writer.write(header + payload)
        self._sequence += 1

    async def _receive(self) -> bytes:
        header = await self._reader.readexactly(4)
        self._sequence = header[3] + 1
        return await self._reader.readexactly(int.from_bytes(header[:3], "little"))


@asynccontextmanager
async def listening(stand_in: StandIn) -> AsyncIterator[int]:
    server = await asyncio.start_server(stand_in, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def use(port: int, password: str) -> None:
    dsn = Dsn("orders", password, "127.0.0.1", port, "orders", None)
    async with open_database("orders", dsn, IdMaker(SystemRandom().randrange)) as db:
        async with db.read() as cursor:
            await cursor.execute("DO 1")


@pytest.mark.parametrize(
    ("cached", "exchanges"),
    [(False, ["key asked for", "password sealed"]), (True, ["digest"])],
)
async def test_a_pool_logs_in_over_plain_tcp(cached: bool, exchanges: list[str]) -> None:
    server = StandIn(cached)
    async with listening(server) as port:
        await use(port, PASSWORD)
    assert server.exchanges == exchanges
    assert "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED" in server.statements
    assert server.statements[-1] == "DO 1"


async def test_a_wrong_password_is_a_database_that_is_away() -> None:
    server = StandIn(cached=True)
    async with listening(server) as port:
        with pytest.raises(Unavailable):
            await use(port, "another's")
    assert server.exchanges == ["key asked for", "password sealed"]
