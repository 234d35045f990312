"""Scenario chat: pairs with an order between them talk; both hear every line, in order and without gaps."""

from __future__ import annotations

import random
import secrets

from loadtest.users import deals
from loadtest.users.member import PUSH_S, Pair, Paired

BETWEEN_LINES_S = 40.0
READS = 0.25
"""How often who has heard a line says so."""


class Chat(Paired):
    weight = 2

    def open_pair(self, pair: Pair) -> None:
        deals.publish(pair)
        deals.order(pair, deals.next_period(pair))
        for link in pair.links():
            link.unwatch(deals.calendar(pair), deals.hold(pair))

    def round(self, pair: Pair) -> None:
        self.linger(BETWEEN_LINES_S)
        if pair.over.is_set():
            return
        text, other = f"你好 {secrets.token_hex(4)}", pair.other(self)
        number = deals.say(pair, self, text, PUSH_S)
        deals.hears(pair, other, number, text, PUSH_S)
        if random.random() < READS:
            body = {"conversation_id": pair.notes["order"], "up_to": number}
            other.link.command("chat.mark_read", body)
