"""Scenario order traffic: pairs walk orders through their life; both hear of every transition."""

from __future__ import annotations

import time
from typing import Any

from loadtest.users import deals
from loadtest.users.member import PUSH_S, Pair, Paired
from loadtest.users.place import APPLICATION
from loadtest.users.trouble import Violation

THINK_S = 20.0
"""Before each step: 2,000 users make 40 transitions a second."""


CLOSING_S = 60.0
"""What is paid at the last moment is found out when the payment is closed."""


class OrderTraffic(Paired):
    weight = 4

    def open_pair(self, pair: Pair) -> None:
        pair.owner.link.command("payments.onboard", APPLICATION)
        deals.publish(pair)

    def round(self, pair: Pair) -> None:
        if self is pair.owner:  # the buyer's greenlet speaks for both: codes are shown face to face
            pair.over.wait()
            return
        self._hold_and_order(pair)
        self._pay(pair)
        order = {"order_id": pair.notes["order"]}
        code = self.link.topics[self._mine(pair)].state["code"]
        self._step(pair, "start", pair.owner, {**order, "code": code}, "in_use")
        code = pair.owner.link.topics[f"order:{order['order_id']}:owner"].state["code"]
        self._step(pair, "return", self, {**order, "code": code}, "returned")
        self._step(pair, "accept", pair.owner, order, "completed")
        self.think(THINK_S)
        for link, topic in self._where(pair):
            link.unwatch(topic, f"chat:{order['order_id']}")

    def _hold_and_order(self, pair: Pair) -> None:
        self.think(THINK_S)
        period = deals.next_period(pair)
        lease_id = self.link.command("orders.hold", period)["lease_id"]
        where = [(link, deals.hold(pair)) for link in pair.links()]
        self.expect(
            "push:hold", where, lambda t: any(h["lease_id"] == lease_id for h in t.state or ())
        )
        self.think(THINK_S)
        deals.order(pair, period, lease_id)

    def _pay(self, pair: Pair) -> None:
        """WeChat tells the product; when that message is lost, the product asks after half a minute, and so on: it is late only
        when the order's time to pay is over."""
        self.think(THINK_S)
        mine = self._mine(pair)
        state = self.link.topics[mine].state
        left_s = state["due_ms"] / 1000 - time.time()
        prepay = self.link.command("payments.prepay", {"order_id": pair.notes["order"]})
        began = time.monotonic()
        self.person.pay(prepay["params"]["package"].removeprefix("prepay_id="))
        self.expect(
            "pay:ready", [(self.link, mine)],
            lambda t: t.state["state"] not in ("pending_payment", "expiring"), within_s=left_s + CLOSING_S,
        )  # fmt: skip
        if self.link.topics[mine].state["state"] != "ready":
            violation = Violation(f"paid, and it is {self.link.topics[mine].state['state']}")
            self.place.meter.fail("pay:ready", violation)
            raise violation
        self.place.meter.ok("pay:ready", (time.monotonic() - began) * 1000)
        self.expect("push:order", self._where(pair), lambda t: t.state["state"] == "ready", PUSH_S)

    def _step(self, pair: Pair, name: str, by: Paired, body: dict[str, Any], target: str) -> None:
        self.think(THINK_S)
        version = by.link.command(f"orders.{name}", body)["version"]
        self.expect("push:order", self._where(pair), lambda t: (t.version or 0) >= version)
        for link, topic in self._where(pair):
            if link.topics[topic].state["state"] != target:
                violation = Violation(f"{target} is {link.topics[topic].state['state']}")
                self.place.meter.fail("push:order", violation)
                raise violation

    def _where(self, pair: Pair) -> list[Any]:
        order_id = pair.notes["order"]
        owner, buyer = pair.links()
        return [(owner, f"order:{order_id}:owner"), (buyer, f"order:{order_id}:buyer")]

    def _mine(self, pair: Pair) -> str:
        return f"order:{pair.notes['order']}:buyer"
