"""What a protocol must say so that the swarm can speak it.

One dialect object serves all clients of a generator process; what it knows of one client lives in the Speaker it is given.
"""

from __future__ import annotations

from typing import Literal, Protocol

AfterClose = Literal["back", "token", "end"]
"""Connect again after a pause; wait for a new token; or never again, which is an error."""


class Speaker(Protocol):
    """One client, as its dialect sees it."""

    token: str

    def send(self, payload: bytes, *, text: bool = False) -> None:
        """One message."""

    def wants(self) -> list[tuple[str, int | None]]:
        """Every topic with the version the client has of it."""

    def live(self) -> None:
        """The handshake is over, and the client is up to date."""

    def push(self, topic: str, kind: str, version: int, committed_us: int) -> None:
        """One delivery. `committed_us`: UTC microseconds at the sender, 0 unknown. Of kind `state` newer ones are taken, of
        kind `log` the next ones."""

    def snapshot(
        self, topic: str, kind: str, version: int, entries: list[int] | None, more: bool
    ) -> None:
        """What an answer says of a topic: its version, and the numbers of the log lines that came along."""

    def ask_again(self, topic: str, after_s: float) -> None:
        """Subscribe to the topic once more, with the version the client has then."""

    def come_back_after(self, ms: int) -> None:
        """The server has said when to connect again."""

    def count(self, what: str) -> None:
        """Something worth a line in the report: an error by its code."""


class Dialect(Protocol):
    """All methods run in the generator's loop, for every message: they must be cheap."""

    path: str
    """Of the handshake, with its query."""
    subprotocol: str | None

    def opened(self, client: Speaker) -> None:
        """The socket is upgraded: say hello (or wait for the server's)."""

    def message(self, client: Speaker, opcode: int, payload: bytes) -> None:
        """One whole message; `opcode` is 1 for text and 2 for binary."""

    def watch(self, client: Speaker, topics: list[tuple[str, int | None]]) -> None:
        """Subscribe to more topics on the live socket."""

    def unwatch(self, client: Speaker, topics: list[str]) -> None:
        """Leave topics."""

    def after_close(self, code: int) -> AfterClose:
        """`code` is the close code, or 1006 when there was none."""
