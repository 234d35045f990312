"""What all virtual users do: log in, connect, keep the token fresh, think; and go on after a failure."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from typing import Any

import gevent
from gevent.event import Event
from locust import User

from loadtest.users.link import Link
from loadtest.users.merge import Topic
from loadtest.users.person import Person
from loadtest.users.place import Place
from loadtest.users.trouble import Gone, Missing, Trouble

PUSH_S = 5.0
"""A push that has not come so long after the reply has failed."""
AFTER_TROUBLE_S = (2.0, 5.0)
REFRESH_BEFORE_MS = 60_000


def turn(user: Member) -> None:
    """Locust's task: one round of the scenario. What went wrong has been reported; the user takes a breath and goes on."""
    try:
        user.live()
    except Gone:
        pass
    except Trouble:
        gevent.sleep(random.uniform(*AFTER_TROUBLE_S))


class Member(User):  # type: ignore[misc]
    """A person with a live connection."""

    abstract = True
    tasks = [turn]
    person: Person
    link: Link

    @property
    def place(self) -> Place:
        place: Place = self.environment.place
        return place

    def live(self) -> None:
        """One round."""
        raise NotImplementedError

    def settle(self) -> None:
        """After connecting: join what the scenario watches."""

    def on_start(self) -> None:
        while True:
            try:
                self.person = self.place.somebody()
                self.person.log_in()
                self.link = Link(self.place.hubs, lambda: self.person.token, self.place.meter)
                self.link.open()
                self._keeper = gevent.spawn(self._keep_token, self.link)
                self.link.watch(self.inbox)
                self.settle()
                return
            except Trouble:
                self._hang_up()
                gevent.sleep(random.uniform(*AFTER_TROUBLE_S))

    def on_stop(self) -> None:
        self.place.ready.discard(id(self))
        self._hang_up()

    def _hang_up(self) -> None:
        if hasattr(self, "link"):
            self.link.close()

    @property
    def inbox(self) -> str:
        return f"user:{self.person.id}"

    def is_ready(self) -> None:
        """Settled in: the test may begin as far as this user is concerned."""
        self.place.ready.add(id(self))

    def think(self, mean_s: float) -> None:
        gevent.sleep(random.uniform(0.5, 1.5) * mean_s * self.place.options.pace)

    def linger(self, mean_s: float) -> None:
        """Until it occurs to this user to do something: at any moment with the same chance, so that users never march in step."""
        gevent.sleep(random.expovariate(1 / mean_s) * self.place.options.pace)

    def expect(
        self, name: str, where: Iterable[tuple[Link, str]], happened: Callable[[Topic], Any],
        within_s: float = PUSH_S,
    ) -> None:  # fmt: skip
        """Everybody named hears of it in time, or it is a failure."""
        deadline = time.monotonic() + within_s
        for link, topic in where:
            try:
                link.until(topic, happened, deadline - time.monotonic())
            except Missing as missing:
                self.place.meter.fail(name, missing, within_s * 1000)
                raise

    def _keep_token(self, link: Link) -> None:
        """An access token lives for minutes, a load test for hours."""
        while True:
            life_s = (link.token_expires_ms - link.server_ms - REFRESH_BEFORE_MS) / 1000
            gevent.sleep(random.uniform(0.5, 1.0) * max(10.0, life_s))
            if self.link is not link:
                return
            try:
                self.person.refresh()
                link.server_ms = int(time.time() * 1000)
                if link.live_since:
                    link.refresh(self.person.token)
            except Gone:
                return
            except Trouble:
                pass  # reported


class Pair:
    """Two people with an order between them, or about to have one."""

    def __init__(self, owner: Paired, buyer: Paired) -> None:
        self.owner = owner
        self.buyer = buyer
        self.opened = Event()
        self.over = Event()
        self.notes: dict[str, Any] = {}
        """What the scenario wants to remember of them."""

    def links(self) -> tuple[Link, Link]:
        return self.owner.link, self.buyer.link

    def other(self, one: Paired) -> Paired:
        return self.owner if one is self.buyer else self.buyer


class Paired(Member):
    """Somebody who needs a partner. Who comes second is the buyer, and sets the pair up."""

    abstract = True
    pair: Pair | None = None

    def open_pair(self, pair: Pair) -> None:
        """The buyer's: whatever both need before the first round."""
        raise NotImplementedError

    def round(self, pair: Pair) -> None:
        """One round of either; the owner may also do nothing but wait for `pair.over`."""
        raise NotImplementedError

    def live(self) -> None:
        if self.pair is None or self.pair.over.is_set():
            self.pair = None
            self._meet()
        assert self.pair is not None
        self.round(self.pair)

    def on_stop(self) -> None:
        if self.pair is not None:
            self.pair.over.set()
        super().on_stop()

    def _meet(self) -> None:
        self.is_ready()  # as far as it goes without a partner
        partner, i_am_second = self.place.lobby(type(self)).meet(self)
        if not i_am_second:
            gevent.sleep(0)
            self.pair = partner.pair
            if self.pair is None:
                raise Gone("the partner left at once")
            gevent.wait([self.pair.opened, self.pair.over], count=1)
            return
        self.place.ready.discard(id(self))
        pair = self.pair = Pair(owner=partner, buyer=self)
        while True:
            try:
                self.open_pair(pair)
                break
            except Gone:
                pair.over.set()
                raise
            except Trouble:
                gevent.sleep(random.uniform(*AFTER_TROUBLE_S))
        pair.opened.set()
        self.is_ready()
