"""What a pair does with the market: publish, order, talk. Every step waits until both sides have heard of it."""

from __future__ import annotations

import random
import time
from typing import Any

from loadtest.users.member import Pair
from loadtest.users.merge import Topic
from loadtest.users.place import CENTER, HOUR_MS, offer
from loadtest.users.trouble import Violation

SPREAD_DEGREES = 0.2


def publish(pair: Pair) -> None:
    """The owner offers something, and both watch its calendar."""
    lat, lng = (c + random.uniform(-SPREAD_DEGREES, SPREAD_DEGREES) for c in CENTER)
    body = offer(f"山地自行车 {random.randrange(10**9)}", lat, lng)
    listing = pair.owner.link.command("listings.publish", body)
    pair.notes = {"listing": listing["listing_id"], "next_ms": int(time.time() * 1000)}
    for link in pair.links():
        link.watch(calendar(pair), hold(pair))


def next_period(pair: Pair) -> dict[str, Any]:
    """The next free hour of the pair's own listing."""
    start_ms = pair.notes["next_ms"]
    pair.notes["next_ms"] += HOUR_MS
    return {
        "listing_id": pair.notes["listing"],
        "start_ms": start_ms,
        "end_ms": start_ms + HOUR_MS,
    }


def order(pair: Pair, period: dict[str, Any], lease_id: str | None = None) -> str:
    """The buyer orders; both see it in the calendar, and watch the order and its conversation. The order's id."""
    body = {
        **period,
        "terms_version": pair.buyer.link.topics[calendar(pair)].state["terms_version"],
    }
    if lease_id is not None:
        body["lease_id"] = lease_id
    reply = pair.buyer.link.command("orders.create", body)
    taken = [period["start_ms"], period["end_ms"]]
    where = [(link, calendar(pair)) for link in pair.links()]
    pair.buyer.expect("push:calendar", where, lambda topic: taken in topic.state["busy"])
    order_id = str(reply["order_id"])
    pair.notes["order"] = order_id
    pair.owner.link.watch(f"order:{order_id}:owner", f"chat:{order_id}")
    pair.buyer.link.watch(f"order:{order_id}:buyer", f"chat:{order_id}")
    return order_id


def say(pair: Pair, sender: Any, text: str, within_s: float) -> int:
    """Send a line; the sender hears it in time. Its number."""
    conversation = pair.notes["order"]
    line = {"conversation_id": conversation, "kind": "text", "text": text}
    number = int(sender.link.command("chat.send", line)["seq"])
    hears(pair, sender, number, text, within_s)
    return number


def hears(pair: Pair, one: Any, number: int, text: str, within_s: float) -> None:
    """That line is in the log of `one` in time, and says what was said."""
    topic = f"chat:{pair.notes['order']}"
    one.expect("push:chat", [(one.link, topic)], lambda t: number in t.lines, within_s)
    if one.link.topics[topic].lines[number]["text"] != text:
        violation = Violation(f"line {number} is another one")
        one.place.meter.fail("push:chat", violation)
        raise violation


def reached(state: str, version: int) -> Any:
    """A condition on `order:ID:ROLE`: that state, or any later one."""

    def happened(topic: Topic) -> bool:
        return bool(topic.state["state"] == state or (topic.version or 0) > version)

    return happened


def calendar(pair: Pair) -> str:
    return f"calendar:{pair.notes['listing']}"


def hold(pair: Pair) -> str:
    return f"hold:{pair.notes['listing']}"
