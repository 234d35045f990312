"""One connection: several statements in one packet, their answers read as they arrive.

aiomysql connects and logs in; its way of reading (a coroutine per packet, a description per column and statement) costs more
than all else that a command does. Here the answers are parsed from whole chunks, and a column that was seen before is known.
Protocol: https://mariadb.com/kb/en/clientserver-protocol/, text protocol, without CLIENT_DEPRECATE_EOF.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiomysql
import pymysql.err
from pymysql.connections import TEXT_TYPES
from pymysql.constants import COMMAND, CR, FIELD_TYPE, SERVER_STATUS
from pymysql.converters import decoders, escape_item, escape_string, through

Row = tuple[Any, ...]
Statement = tuple[Any, ...]
"""SQL, and the values of its `%s`."""

CHUNK_BYTES = 256 * 1024
MAX_PACKET_BYTES = 0xFFFFFF
BINARY = 63
"""The character set of columns that hold bytes."""
OK, LOCAL_FILE, EOF, ERROR = 0x00, 0xFB, 0xFE, 0xFF
_INT_TYPES = {
    FIELD_TYPE.TINY, FIELD_TYPE.SHORT, FIELD_TYPE.LONG, FIELD_TYPE.LONGLONG, FIELD_TYPE.INT24, FIELD_TYPE.YEAR,
}  # fmt: skip

Converter = Callable[[bytes], Any]


@dataclass(slots=True)
class Answer:
    """Of one statement. `affected`: rows changed, or rows found."""

    rows: list[Row] = field(default_factory=list)
    affected: int = 0


class Connection(aiomysql.Connection):  # type: ignore[misc]  # aiomysql has no types
    """Opened with `open()`. Broken for good after an error of the connection itself: `closed` says so."""

    server_status: int
    opened_s = 0.0
    """Monotonic."""

    async def open(self) -> None:
        """Raise pymysql.err.OperationalError when the server cannot be reached or refuses."""
        await self._connect()
        self.opened_s = time.monotonic()

    @property
    def fresh(self) -> bool:
        """Whether it can take a statement: alive, outside of transactions, and nothing unread (a server that shuts down
        says so unasked)."""
        if self.closed or self.get_transaction_status():
            return False
        reader = self._reader
        return not (reader.eof_received or reader.at_eof() or reader.exception() or reader._buffer)

    async def run(self, statements: Sequence[bytes]) -> list[Answer]:
        """All of them in one packet. The first that fails ends it: those after it are not begun."""
        self._ensure_alive()
        self._last_usage = self._loop.time()
        self._send(b";".join(statements))
        answers = _Answers(self.server_status)
        try:
            while not answers.feed(await self._read_chunk()):
                pass
        finally:
            self.server_status = answers.status
            if not answers.complete:  # the rest may still be on its way
                self.close()
        return answers.found

    def _send(self, sql: bytes) -> None:
        payload = bytes((COMMAND.COM_QUERY,)) + sql
        for number, start in enumerate(range(0, len(payload) + 1, MAX_PACKET_BYTES)):
            part = payload[start : start + MAX_PACKET_BYTES]
            self._writer.write(struct.pack("<I", len(part) | number << 24) + part)

    async def _read_chunk(self) -> bytes:
        try:
            chunk: bytes = await self._reader.read(CHUNK_BYTES)
        except OSError as error:
            raise pymysql.err.OperationalError(CR.CR_SERVER_LOST, str(error)) from error
        if not chunk:
            raise pymysql.err.OperationalError(CR.CR_SERVER_LOST, "connection lost during query")
        return chunk


class _Answers:
    """What comes back for one packet of statements, fed in chunks."""

    def __init__(self, status: int) -> None:
        self.found: list[Answer] = []
        self.status = status
        """The server's, as of the last answer that told: a refusal does not."""
        self.complete = False
        self._rest = b""
        self._part = b""
        self._columns_left = 0
        self._converters: list[Converter | None] = []
        self._take = self._first

    def feed(self, chunk: bytes) -> bool:
        """True when all has come. Raise the server's error as pymysql.err does."""
        data = self._rest + chunk if self._rest else chunk
        position, end = 0, len(data)
        while end - position >= 4:
            after = position + 4 + int.from_bytes(data[position : position + 3], "little")
            if after > end:
                break
            packet = data[position + 4 : after]
            if after - position == 4 + MAX_PACKET_BYTES:  # goes on in the next one
                self._part += packet
            else:
                if self._part:
                    packet, self._part = self._part + packet, b""
                self._take(packet)
            position = after
        self._rest = data[position:]
        return self.complete

    def _first(self, packet: bytes) -> None:
        kind = packet[0]
        if kind == OK:
            affected, position = _integer(packet, 1)
            _, position = _integer(packet, position)
            self.found.append(Answer(affected=affected))
            self._end(int.from_bytes(packet[position : position + 2], "little"))
        elif kind == ERROR:
            self._fail(packet)
        elif kind == LOCAL_FILE:
            raise pymysql.err.OperationalError(CR.CR_MALFORMED_PACKET, "asked for a local file")
        else:
            self._columns_left, _ = _integer(packet, 0)
            self._converters = []
            self.found.append(Answer())
            self._take = self._column

    def _column(self, packet: bytes) -> None:
        if self._columns_left:
            self._columns_left -= 1
            self._converters.append(_converter(packet))
        else:  # the EOF after the last column
            self._take = self._row

    def _row(self, packet: bytes) -> None:
        kind = packet[0]
        answer = self.found[-1]
        if kind == EOF and len(packet) < 9:
            answer.affected = len(answer.rows)
            self._end(int.from_bytes(packet[3:5], "little"))
            return
        if kind == ERROR:
            self._fail(packet)
        row: list[Any] = []
        position = 0
        for convert in self._converters:
            length = packet[position]
            position += 1
            if length > 250:
                if length == 251:
                    row.append(None)
                    continue
                length, position = _integer(packet, position - 1)
            value = packet[position : position + length]
            position += length
            row.append(value if convert is None else convert(value))
        answer.rows.append(tuple(row))

    def _end(self, status: int) -> None:
        self.status = status
        self.complete = not status & SERVER_STATUS.SERVER_MORE_RESULTS_EXISTS
        self._take = self._first

    def _fail(self, packet: bytes) -> None:
        self.complete = True
        pymysql.err.raise_mysql_exception(packet)


def _integer(packet: bytes, position: int) -> tuple[int, int]:
    """A length-encoded integer, and where it ends."""
    first = packet[position]
    position += 1
    if first < 251:
        return first, position
    size = {252: 2, 253: 3, 254: 8}[first]
    return int.from_bytes(packet[position : position + size], "little"), position + size


_known_columns: dict[bytes, Converter | None] = {}
"""By the bytes that describe a column. The statements of a program are few, and so are their columns."""


def _converter(description: bytes) -> Converter | None:
    """None: bytes as they are."""
    try:
        return _known_columns[description]
    except KeyError:
        position = 0
        for _ in range(6):  # catalogue, schema, table, original table, name, original name
            length, position = _integer(description, position)
            position += length
        charset, _, type_code = struct.unpack_from("<xHIB", description, position)
        found = _converter_of(type_code, charset)
        if len(_known_columns) < 10_000:
            _known_columns[description] = found
        return found


def _converter_of(type_code: int, charset: int) -> Converter | None:
    if type_code in _INT_TYPES:
        return int
    if type_code == FIELD_TYPE.JSON:
        return bytes.decode
    if type_code in TEXT_TYPES:
        return None if charset == BINARY else bytes.decode
    convert = decoders.get(type_code)
    if convert is None or convert is through:
        return bytes.decode
    return lambda raw: convert(raw.decode("ascii"))


def bind(sql: str, args: Sequence[object]) -> bytes:
    """The statement with its values in place of `%s`. Without values the SQL is taken as it is."""
    if not args:
        return sql.encode()
    return sql.encode() % tuple(map(_literal, args))


def _literal(value: object) -> bytes:
    if isinstance(value, int):  # ids and booleans too
        return b"%d" % value
    if isinstance(value, str):
        return b"'%b'" % escape_string(value).encode()
    if isinstance(value, bytes):
        # Under utf8mb4 no byte of a character is a quote or a backslash.
        return b"_binary'%b'" % value.replace(b"\\", b"\\\\").replace(b"'", b"\\'")
    if value is None:
        return b"NULL"
    literal: str = escape_item(value, "utf8mb4")
    return literal.encode()


def many(sql: str, count: int) -> str:
    """An INSERT whose `VALUES (...)` is repeated, one group per row."""
    head, values, row = sql.rpartition("VALUES ")
    return f"{head}{values}{', '.join([row] * count)}"
