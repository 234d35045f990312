"""Scenario foreground storm: all lose their connection at once and come back within ten seconds, again and again."""

from __future__ import annotations

import random
import secrets
import time

import gevent

from loadtest.users import deals
from loadtest.users.member import PUSH_S, Pair, Paired
from loadtest.users.trouble import Trouble

EVERY_S = 30.0
BACK_WITHIN_S = 10.0
TALKS = 0.2
"""Pairs of which who comes back first says something to who is still away."""


class ForegroundStorm(Paired):
    weight = 2

    def open_pair(self, pair: Pair) -> None:
        deals.publish(pair)
        deals.order(pair, deals.next_period(pair))
        for link in pair.links():
            link.unwatch(deals.hold(pair))

    def round(self, pair: Pair) -> None:
        every_s = EVERY_S * self.place.options.pace
        back_within_s = BACK_WITHIN_S * self.place.options.pace
        gevent.sleep(every_s - time.time() % every_s + random.uniform(0, back_within_s / 10))
        if pair.over.is_set():
            return
        self.link.drop()
        gevent.sleep(random.uniform(back_within_s / 10, back_within_s))
        try:
            self.link.resume()
        except Trouble:
            self.link.close()
            raise
        other = pair.other(self)
        if not other.link.live_since and random.random() < TALKS:
            self._talk(pair, other, back_within_s)

    def _talk(self, pair: Pair, other: Paired, back_within_s: float) -> None:
        """The other gets the line by resuming, or by a push, if they came back just before it was said."""
        text = f"你先忙 {secrets.token_hex(4)}"
        number = deals.say(pair, self, text, PUSH_S)
        patience_s = back_within_s + PUSH_S
        while not other.link.live_since and not pair.over.is_set() and patience_s > 0:
            gevent.sleep(0.05)
            patience_s -= 0.05
        if not pair.over.is_set():
            deals.hears(pair, other, number, text, PUSH_S)
