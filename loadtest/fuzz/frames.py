"""Frames that a client may send, in an order and with contents in which no client would."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from hub.commands import COMMANDS
from loadtest.fuzz import noise

Frame = dict[str, Any]

KINDS = (
    "listing",
    "calendar",
    "hold",
    "holds",
    "order",
    "chat",
    "user",
    "session",
    "presence",
    "typing",
    "area",
    "moon",
    "",
)
FIELDS = {
    "listing_id", "order_id", "conversation_id", "user_id", "version", "start_ms", "end_ms", "lease_id", "code", "text", "kind",
    "up_to", "terms_version", "reason", "decision", "title", "nickname", "preset", "object_key", "everywhere", "state",
}  # fmt: skip
NAMES = (
    *COMMANDS,
    "",
    "orders",
    "users.login",
    "orders.get",
    "x" * 300,
    "é\x00",
    "notices.publish",
)


class Speaker:
    """`token` makes tokens, by what is wrong with them; `ids` are ids that there are."""

    def __init__(
        self, dice: Random, token: Callable[[str], str], user: str, ids: Sequence[str]
    ) -> None:
        self._dice = dice
        self._token = token
        self._user = user
        self._ids = [user, *ids]
        self._fields = sorted(FIELDS)

    def connect(self, wrong: str = "") -> Frame:
        topics = [[f"user:{self._user}", None], *self._topics(self._dice.choice((0, 1, 5)))]
        return {"op": "connect", "token": self._token(wrong), "topics": topics}

    def message(self) -> list[Frame]:
        """Between 1 and 16 frames, more of the small ones."""
        count = self._dice.choice((1, 1, 2, 3, 5, 8, 16))
        return [self.frame() for _ in range(count)]

    def frame(self) -> Frame:
        dice, id_ = self._dice, self._dice.choice((0, 1, 2, 2**53 - 1, -(2**53) + 1, 7))
        match dice.randrange(16):
            case 0 | 1 | 2 | 3:
                return {"op": "ping"}
            case 4 | 5:
                return {"op": "pong", "since": noise.value(dice, 1)}
            case 6 | 7:
                count = dice.choice((0, 1, 2, 3, 8) if dice.random() < 0.99 else (300, 1500))
                return {"op": "subscribe", "id": id_, "topics": self._topics(count)}
            case 8 | 9:
                names = [name for name, _ in self._topics(dice.choice((0, 1, 8)))]
                return {"op": "unsubscribe", "id": id_, "topics": names}
            case 10 | 11:
                wrong = dice.choice(("", "", "foreign", "expired", "forged", "garbage", "operator"))
                return {"op": "refresh", "id": id_, "token": self._token(wrong)}
            case 12:
                return self.connect(dice.choice(("", "foreign")))
            case _:
                return self._command(id_)

    def _command(self, id_: int) -> Frame:
        dice = self._dice
        frame: Frame = {"op": "command", "id": id_, "name": dice.choice(NAMES)}
        if dice.random() < 0.9:
            frame["body"] = self._body()
        if dice.random() < 0.8:
            frame["key"] = dice.choice(
                (None, "", "k" * 64, "k" * 65, "ключ", "same", "a\x00", f"{dice.random()}")
            )
        return frame

    def _body(self) -> dict[str, Any]:
        dice = self._dice
        names = dice.sample(self._fields, dice.randrange(6))
        return {
            name: dice.choice(self._ids) if dice.random() < 0.5 else noise.value(dice, 2)
            for name in names
        }

    def _topics(self, count: int) -> list[Any]:
        dice = self._dice
        if count > 100:  # many, short
            return [[f"listing:{dice.randrange(10**9)}", None] for _ in range(count)]
        return [[self._topic(), dice.choice((None, 0, 1, 2**53 - 1))] for _ in range(count)]

    def _topic(self) -> str:
        dice = self._dice
        kind, id_ = dice.choice(KINDS), dice.choice(self._ids)
        match dice.randrange(6):
            case 0:
                return dice.choice(
                    (
                        "",
                        ":",
                        "x" * 129,
                        "é" * 128,
                        "area:wtw3s",
                        "area:wtw3s😀",
                        "listing:-1",
                        "user:\x00",
                    )
                )
            case 1:
                return f"{kind}:{id_}:{dice.choice(('buyer', 'owner', '', 'operator'))}"
            case 2:
                return f"{kind}:{dice.randrange(2**64)}"
            case _:
                return f"{kind}:{id_}"
