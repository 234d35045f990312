"""What a client still has to get. Takes pushes, gives messages; knows nothing of sockets.

State is conflated: of one topic (and key) only the newest version waits. Log lines all wait, in order. The whole is bounded
in bytes; beyond the bound the client is told to come back and resume, which costs it nothing but a reconnect.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hub.protocol import Encoding, join, websocket_frame

MAX_MESSAGE_FRAMES = 64
MAX_MESSAGE_BYTES = 32 * 1024


@dataclass(slots=True)
class Item:
    """One encoded frame. `slot` is what a newer one replaces (None: never). `alone` is its ready-made WebSocket frame."""

    frame: bytes
    slot: tuple[str, str | None] | None = None
    alone: bytes | None = None


@dataclass(slots=True)
class Mailbox:
    encoding: Encoding
    limit_bytes: int
    waiting_bytes: int = 0
    conflated: int = 0
    _items: dict[object, Item] = field(default_factory=dict)
    """slot (or the item's own identity) -> item, in the order of first arrival."""

    def put(self, item: Item) -> bool:
        """False when the bound is exceeded: the client must come back. One item alone is never too much, however large:
        coming back would only bring it again."""
        place: object = id(item) if item.slot is None else item.slot
        replaced = self._items.pop(place, None) if item.slot is not None else None
        if replaced is not None:
            self.waiting_bytes -= len(replaced.frame)
            self.conflated += 1
        elif place in self._items:  # the same log line offered twice
            return True
        self._items[place] = item
        self.waiting_bytes += len(item.frame)
        return self.waiting_bytes <= self.limit_bytes or len(self._items) == 1

    def __bool__(self) -> bool:
        return bool(self._items)

    def take(self) -> bytes | None:
        """The next WebSocket frame: as many waiting frames as fit one message. None when nothing waits."""
        if not self._items:
            return None
        if len(self._items) == 1:
            _, item = self._items.popitem()
            self.waiting_bytes = 0
            return item.alone or websocket_frame(join([item.frame], self.encoding), self.encoding)
        frames: list[bytes] = []
        size = 0
        while self._items and len(frames) < MAX_MESSAGE_FRAMES:
            place = next(iter(self._items))
            item = self._items[place]
            if frames and size + len(item.frame) > MAX_MESSAGE_BYTES:
                break
            del self._items[place]
            frames.append(item.frame)
            size += len(item.frame)
        self.waiting_bytes -= size
        return websocket_frame(join(frames, self.encoding), self.encoding)
