"""What a client still has to get. Takes pushes, gives messages; knows nothing of sockets.

State is conflated: of one topic (and key) only the newest version waits. Log lines all wait, in order. The whole is bounded
in bytes; beyond the bound the client is told to come back and resume, which costs it nothing but a reconnect.
"""

from __future__ import annotations

from hub.protocol import Encoding, join, websocket_frame

MAX_MESSAGE_FRAMES = 64
MAX_MESSAGE_BYTES = 32 * 1024


class Item:
    """One encoded frame. `slot` is what a newer one replaces (None: never). `alone` is its ready-made WebSocket frame."""

    __slots__ = ("alone", "frame", "slot")

    def __init__(
        self, frame: bytes, slot: tuple[str, str | None] | None = None, alone: bytes | None = None
    ) -> None:
        self.frame = frame
        self.slot = slot
        self.alone = alone


class Mailbox:
    """Empty for nearly everybody nearly always, and then it holds nothing."""

    __slots__ = ("_items", "conflated", "encoding", "limit_bytes", "waiting_bytes")

    def __init__(self, encoding: Encoding, limit_bytes: int) -> None:
        self.encoding: Encoding = encoding
        self.limit_bytes = limit_bytes
        self.waiting_bytes = 0
        self.conflated = 0
        self._items: dict[object, Item] | None = None
        """slot (or the item's own identity) -> item, in the order of first arrival."""

    def put(self, item: Item) -> bool:
        """False when the bound is exceeded: the client must come back. One item alone is never too much, however large:
        coming back would only bring it again."""
        items = self._items
        slot = item.slot
        if items is None:
            self._items = {id(item) if slot is None else slot: item}
            self.waiting_bytes = len(item.frame)
            return True
        if slot is None:
            if id(item) in items:  # the same log line offered twice
                return True
            items[id(item)] = item
        else:
            replaced = items.pop(slot, None)
            if replaced is not None:
                self.waiting_bytes -= len(replaced.frame)
                self.conflated += 1
            items[slot] = item
        self.waiting_bytes += len(item.frame)
        return not self.is_overfull

    @property
    def is_overfull(self) -> bool:
        return (
            self.waiting_bytes > self.limit_bytes
            and self._items is not None
            and len(self._items) > 1
        )

    def __bool__(self) -> bool:
        return self._items is not None

    def take(self) -> bytes | None:
        """The next WebSocket frame: as many waiting frames as fit one message. None when nothing waits."""
        items = self._items
        if items is None:
            return None
        if len(items) == 1:
            _, item = items.popitem()
            self._items = None
            self.waiting_bytes = 0
            return item.alone or websocket_frame(join([item.frame], self.encoding), self.encoding)
        frames: list[bytes] = []
        size = 0
        while items and len(frames) < MAX_MESSAGE_FRAMES:
            place = next(iter(items))
            item = items[place]
            if frames and size + len(item.frame) > MAX_MESSAGE_BYTES:
                break
            del items[place]
            frames.append(item.frame)
            size += len(item.frame)
        if not items:
            self._items = None
        self.waiting_bytes -= size
        return websocket_frame(join(frames, self.encoding), self.encoding)
