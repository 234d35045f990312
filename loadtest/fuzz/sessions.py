"""One connection's whole story, decided before it begins: what is said in which pieces, and how it ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from hub import protocol
from loadtest.fuzz import noise, wire
from loadtest.fuzz.decoder import Corpus
from loadtest.fuzz.frames import Frame, Speaker
from market.kernel.errors import BadInput

End = Literal["close", "abort", "half-close", "ping", "deaf"]
ENDS: tuple[End, ...] = ("close", "abort", "half-close", "ping", "ping", "ping", "deaf")
"""`ping`: the server answers a last, right one, if it still listens. `deaf`: nothing is read until all is said, then aborted."""

SUBPROTOCOLS = (
    "sharehub.v1.json",
    "sharehub.v1.msgpack",
    "sharehub.v1.msgpack",
    "",
    "sharehub.v2.json",
    "x, sharehub.v1.json",
)

HANDSHAKES = (
    b"GET /ws HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 12\r\n\r\n",
    b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: short\r\n\r\n",
    b"POST /ws HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\nxx",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET /ws HTTP/9.9\r\n\r\n",
    b"GET /ws\xff\xfe HTTP/1.1\r\nHost: x\r\n" + b"A: " + b"x" * 20_000 + b"\r\n\r\n",
)  # fmt: skip


@dataclass(slots=True)
class Session:
    """`pieces` are written one after the other. `frames`: how many frames of the protocol's, or messages that are none, are in
    them. `honest`: everything that was said may be said; then the `pings` have to be answered, all of them."""

    number: int
    handshake: bytes
    json: bool
    pieces: list[bytes] = field(default_factory=list)
    frames: int = 0
    pings: int = 0
    end: End = "ping"
    honest: bool = True
    upgrades: bool = True
    patient: bool = True
    """Waits until all has been heard, as far as anybody can tell, before it ends."""
    said_close: bool = False


class Author:
    def __init__(
        self, seed: int, token: Callable[[str, str], str], users: Sequence[str], ids: Sequence[str]
    ) -> None:
        """`token(user, wrong)` makes an access token."""
        self._seed = seed
        self._token = token
        self._users = users
        self._ids = ids
        self._corpus = Corpus()

    def write(self, number: int) -> Session:
        """The same number of the same seed is the same session, but for the tokens' times."""
        dice = Random(f"session {self._seed} {number}")
        if dice.random() < 0.01:
            return Session(
                number, dice.choice(HANDSHAKES), True, frames=1, end="half-close", honest=False, upgrades=False
            )  # fmt: skip
        offered = dice.choice(SUBPROTOCOLS)
        session = Session(
            number, _handshake(offered), "msgpack" not in offered, end=dice.choice(ENDS), patient=dice.random() < 0.8
        )  # fmt: skip
        user = dice.choice(self._users)
        speaker = Speaker(dice, lambda wrong: self._token(user, wrong), user, self._ids)
        if dice.random() < 0.85:
            wrong = "" if dice.random() < 0.95 else dice.choice(("expired", "forged", "garbage"))
            self._say(session, dice, [speaker.connect(wrong)])
            session.honest &= not wrong
        else:
            session.honest = False  # what comes first is no connect, but by chance
        spoiled = dice.random() < 0.6
        for _ in range(dice.choice((1, 3, 10, 25))):
            self._say(session, dice, self._sayable(session, speaker))
        if spoiled:
            self._spoil(session, dice, speaker)
        if session.end == "ping":
            self._say(session, dice, [{"op": "ping"}])
        return session

    def _say(self, session: Session, dice: Random, frames: list[Frame]) -> None:
        raw = _encode(session, frames)
        if not _sayable(raw, session.json):
            session.honest = False
        session.pings += sum(frame["op"] == "ping" for frame in frames)
        session.pieces.append(wire.message(dice, _opcode(session), raw))
        session.frames += len(frames)

    def _sayable(self, session: Session, speaker: Speaker) -> list[Frame]:
        """Most of what is said has to be a message, or every story would be short."""
        for _ in range(20):
            frames = speaker.message()
            if _sayable(_encode(session, frames), session.json):
                return frames
        return [{"op": "ping"}]

    def _spoil(self, session: Session, dice: Random, speaker: Speaker) -> None:
        """Something wrong: mostly at the end, since little of what comes after it is heard."""
        at = len(session.pieces)
        if dice.random() < 0.25:
            at = dice.randrange(at + 1)
        for _ in range(dice.choice((1, 1, 4))):
            session.pieces.insert(at, self._wrong(session, dice, speaker))
            session.frames += 1
        session.honest = False

    def _wrong(self, session: Session, dice: Random, speaker: Speaker) -> bytes:
        opcode, frames = _opcode(session), speaker.message()
        encode = noise.to_json if session.json else noise.to_msgpack
        match dice.randrange(8):
            case 0 | 1:
                return wire.message(dice, opcode, encode(noise.spoil(dice, frames)))
            case 2:
                return wire.message(dice, opcode, noise.garble(dice, encode(frames)))
            case 3:
                return wire.message(dice, opcode, self._corpus.message(dice, session.json))
            case 4:
                return wire.message(dice, opcode, noise.doubled(dice, frames[0], session.json))
            case 5:
                other = wire.BINARY if session.json else wire.TEXT
                return wire.message(dice, other, encode(frames))
            case _:
                piece = wire.broken(dice, opcode, encode(frames))
                session.said_close |= bool(piece) and piece[0] & 0x0F == wire.CLOSE
                return piece


def _encode(session: Session, frames: list[Frame]) -> bytes:
    return noise.to_json(frames) if session.json else noise.to_msgpack(frames)


def _opcode(session: Session) -> int:
    return wire.TEXT if session.json else wire.BINARY


def _sayable(raw: bytes, json: bool) -> bool:
    """Whether it is a message at all: a body may hold a number that no encoding takes, or a thousand topics be too many."""
    try:
        protocol.decode(raw.decode() if json else raw)
    except BadInput:
        return False
    return len(raw) <= protocol.MAX_MESSAGE_BYTES


def _handshake(offered: str) -> bytes:
    protocol = f"Sec-WebSocket-Protocol: {offered}\r\n" if offered else ""
    return (
        "GET /ws HTTP/1.1\r\nHost: hub\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{protocol}\r\n"
    ).encode()
