"""The frames, both ways. A WebSocket message is an array of frames; text messages are JSON, binary ones msgpack.

`docs/protocol.md` is this page in prose; `tests/golden/` holds examples that clients in any language must read alike.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field

from infra import wire
from market.kernel.errors import BadInput
from market.kernel.ids import Id
from market.kernel.topics import Kind

SUBPROTOCOLS = ("sharehub.v1.msgpack", "sharehub.v1.json")
MAX_FRAMES = 16
MAX_MESSAGE_BYTES = 64 * 1024

Encoding = Literal["msgpack", "json"]


class CloseCode(IntEnum):
    """4000-4499: connect again, with jitter. 4500-4999: do not, without doing something about it first.

    A message above the size limit is closed with RFC 6455's own 1009.
    """

    GOING_AWAY = 4000
    """The server is draining; `bye` said when to come back."""
    NO_PONG = 4001
    SLOW = 4002
    """Too much was waiting for this client. Resume: nothing is lost."""
    UNAVAILABLE = 4003
    """Reserved, for a server that cannot do its work just now."""
    TOKEN_EXPIRED = 4100
    """Refresh the token, then connect."""
    BAD_FRAME = 4500
    UNAUTHENTICATED = 4502
    """No valid `connect` frame came in time, or its token is not valid."""
    SESSION_REVOKED = 4503
    """Logged out elsewhere, or banned: log in again."""
    TOO_MANY = 4504
    """Too many connections."""


FrameId = Annotated[int, Meta(ge=-(2**53) + 1, le=2**53 - 1)]
Version = Annotated[int, Meta(ge=0, le=2**53 - 1)]
TopicName = str
Have = tuple[TopicName, Version | None]
"""A topic and the version the client has of it; null for nothing."""


class Connect(Struct, tag_field="op", tag="connect", forbid_unknown_fields=False):
    token: str
    topics: list[Have] = field(default_factory=list)


class Refresh(Struct, tag_field="op", tag="refresh"):
    id: FrameId
    token: str


class Subscribe(Struct, tag_field="op", tag="subscribe"):
    id: FrameId
    topics: list[Have]


class Unsubscribe(Struct, tag_field="op", tag="unsubscribe"):
    id: FrameId
    topics: list[TopicName]


class Command(Struct, tag_field="op", tag="command"):
    id: FrameId
    name: str
    body: dict[str, Any] = field(default_factory=dict)
    key: str | None = None


class Signal(Struct, tag_field="op", tag="signal"):
    """That one is typing, or has stopped: `topic` is a `typing:ID` that one watches. Not answered."""

    topic: TopicName
    on: bool = True


class Ping(Struct, tag_field="op", tag="ping"):
    pass


class Pong(Struct, tag_field="op", tag="pong"):
    pass


ClientFrame = Connect | Refresh | Subscribe | Unsubscribe | Command | Signal | Ping | Pong


class Limits(Struct):
    max_message_bytes: int
    max_frames: int
    max_topics: int
    max_in_flight: int


class TopicEntry(Struct, omit_defaults=True):
    """One line of a log, or one item of a keyed topic."""

    version: int
    payload: Any
    key: str | None = None


class TopicState(Struct, omit_defaults=True):
    """What a client lacks of one topic. Nothing but topic, kind and version when it lacks nothing."""

    topic: str
    kind: Kind
    version: int
    state: Any = None
    entries: list[TopicEntry] | None = None
    more: bool = False
    epoch: str | None = None
    expires_ms: int | None = None


class Refusal(Struct):
    """Why a topic could not be joined."""

    topic: str
    code: str


class Error(Struct):
    code: str
    message: str
    retryable: bool
    data: dict[str, Any]


class Connected(Struct, tag_field="op", tag="connected"):
    connection: str
    user: Id
    session: Id
    role: str
    server_ms: int
    token_expires_ms: int
    heartbeat_s: float
    limits: Limits
    topics: list[TopicState]
    refused: list[Refusal]


class Refreshed(Struct, tag_field="op", tag="refreshed"):
    id: int
    token_expires_ms: int


class Subscribed(Struct, tag_field="op", tag="subscribed"):
    id: int
    topics: list[TopicState]
    refused: list[Refusal]


class Unsubscribed(Struct, tag_field="op", tag="unsubscribed"):
    id: int


class Reply(Struct, tag_field="op", tag="reply", omit_defaults=True):
    id: int
    ok: bool
    body: Any = None
    error: Error | None = None


class ErrorFrame(Struct, tag_field="op", tag="error", omit_defaults=True):
    """A refusal of a frame that is not a command."""

    error: Error
    id: int | None = None


class Push(Struct, tag_field="op", tag="push", omit_defaults=True):
    """One change of one topic. `committed_us`: UTC microseconds of the commit behind it."""

    topic: str
    kind: Kind
    version: int
    payload: Any
    committed_us: int
    key: str | None = None
    epoch: str | None = None
    expires_ms: int | None = None


class Bye(Struct, tag_field="op", tag="bye"):
    """The last frame before the server closes: come back after about `retry_after_ms`, with jitter."""

    code: int
    reason: str
    retry_after_ms: int


class ServerPing(Struct, tag_field="op", tag="ping"):
    """Answer with `pong` within the time said in docs/protocol.md."""


class ServerPong(Struct, tag_field="op", tag="pong"):
    server_ms: int


_from_msgpack = msgspec.msgpack.Decoder(list[ClientFrame])
_from_json = msgspec.json.Decoder(list[ClientFrame])


def decode(message: bytes | str) -> list[ClientFrame]:
    """The frames of one message. Raise BadInput when it is not an array of 1 to 16 known frames."""
    try:
        frames = (
            _from_json.decode(message)
            if isinstance(message, str)
            else _from_msgpack.decode(message)
        )
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise BadInput(f"not an array of frames: {error}") from None
    if not 1 <= len(frames) <= MAX_FRAMES:
        raise BadInput(f"a message has 1 to {MAX_FRAMES} frames")
    return frames


def encode(frame: Struct, encoding: Encoding) -> bytes:
    """One frame, without the array around it."""
    return wire.msgpack(frame) if encoding == "msgpack" else wire.json(frame)


def join(frames: list[bytes], encoding: Encoding) -> bytes:
    """Encoded frames as one message."""
    if encoding == "json":
        return b"[" + b",".join(frames) + b"]"
    count = len(frames)
    head = bytes([0x90 | count]) if count < 16 else b"\xdc" + count.to_bytes(2, "big")
    return head + b"".join(frames)


def websocket_frame(payload: bytes, encoding: Encoding) -> bytes:
    """An unmasked, final RFC 6455 data frame, ready for the transport."""
    opcode = 0x82 if encoding == "msgpack" else 0x81
    length = len(payload)
    if length < 126:
        head = bytes([opcode, length])
    elif length < 65536:
        head = bytes([opcode, 126]) + length.to_bytes(2, "big")
    else:
        head = bytes([opcode, 127]) + length.to_bytes(8, "big")
    return head + payload
