"""What goes out to one client: through its mailbox, once in a turn of the loop, as fast as its socket takes it."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from prometheus_client import Counter

from hub.mailbox import Item, Mailbox
from hub.protocol import CloseCode, Encoding

if TYPE_CHECKING:
    from hub.fanout import Fanout

CONFLATED = Counter(
    "sharehub_hub_conflated_total", "States replaced by a newer one before they were sent."
)


class Outlet(ABC):
    """The outgoing half of a connection. `closing` is how it ends, once that is known."""

    __slots__ = ("_fanout", "_high_water_bytes", "_mailbox", "_transport", "closing", "encoding")

    def __init__(
        self,
        fanout: Fanout,
        transport: asyncio.Transport,
        encoding: Encoding,
        mailbox_bytes: int,
        high_water_bytes: int,
    ) -> None:
        self.encoding: Encoding = encoding
        self.closing: tuple[CloseCode, str] | None = None
        self._fanout = fanout
        self._transport = transport
        self._mailbox = Mailbox(encoding, mailbox_bytes)
        self._high_water_bytes = high_water_bytes

    @abstractmethod
    def close_soon(self, code: CloseCode, reason: str) -> None:
        """Close without waiting for it."""

    def offer(self, item: Item) -> None:
        """Never waits, never fails. A client that lets too much pile up is sent away, to resume."""
        if self.closing is not None:
            return
        mailbox = self._mailbox
        waiting = bool(mailbox)
        if not mailbox.put(item):
            self.flush()  # much may come within one turn of the loop; slow is who does not take it
            if mailbox.is_overfull:
                self.close_soon(CloseCode.SLOW, "too slow; resume")
        if not waiting:
            self._fanout.mark_dirty(self)

    def write_now(self, item: Item) -> None:
        """Past the mailbox, if nothing waits there and the socket takes it."""
        transport = self._transport
        if (
            self._mailbox
            or self.closing is not None
            or item.alone is None
            or transport.get_write_buffer_size() >= self._high_water_bytes
        ):
            self.offer(item)
        elif not transport.is_closing():
            transport.write(item.alone)
            self._fanout.bytes_out += len(item.alone)

    def flush(self) -> bool:
        """Write what the socket will take. False when something had to stay."""
        transport, mailbox = self._transport, self._mailbox
        while mailbox:
            if transport.is_closing():
                return True
            if transport.get_write_buffer_size() >= self._high_water_bytes:
                return False
            message = mailbox.take()
            if message is not None:
                transport.write(message)
                self._fanout.bytes_out += len(message)
        if mailbox.conflated:
            CONFLATED.inc(mailbox.conflated)
            mailbox.conflated = 0
        return True
