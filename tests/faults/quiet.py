"""Two people with some orders, three sockets and nothing to do: nothing happens by itself that could tell a client what it missed."""

from __future__ import annotations

import time
from dataclasses import dataclass

from devkit.client import Person, Socket
from tests.faults.fleet import HOUR_MS, Fleet
from tests.faults.truth import assert_clients, calm

WITHIN_S = 2.0
"""Rule 11: how soon every client is up to date once what was away is back."""
ORDERS = 4


@dataclass(slots=True, kw_only=True)
class Quiet:
    """Opened with `open_quiet`. The owner's socket and the buyer's second one are at the first hub, the buyer's first at the
    second. All watch the listing, the calendar, their inbox, and every order with its conversation."""

    fleet: Fleet
    owner: Person
    ones: Socket
    buyer: Person
    others: Socket
    third: Socket
    listing_id: str
    order_ids: list[str]

    @property
    def clients(self) -> list[tuple[Person, Socket]]:
        return [(self.owner, self.ones), (self.buyer, self.others), (self.buyer, self.third)]

    async def speak(self) -> None:
        """Each says a line about each order, over REST."""
        line = {"kind": "text", "text": "在吗"}
        for id_ in self.order_ids:
            for person in (self.owner, self.buyer):
                await person.rest("POST", f"/v1/conversations/{id_}/messages", line)

    async def cancel(self, *numbers: int) -> None:
        for number in numbers:
            await self.buyer.rest("POST", f"/v1/orders/{self.order_ids[number]}/cancel", {})

    async def assert_up_to_date(self, within_s: float = WITHIN_S) -> None:
        """From now on; and no socket has been lost on the way."""
        began_s = time.monotonic()
        await calm(self.fleet, within_s)
        await assert_clients(self.fleet, self.clients, began_s + within_s - time.monotonic())
        print(f"up to date after {time.monotonic() - began_s:.2f} s")
        assert sum(socket.reconnects for _, socket in self.clients) == 0


async def open_quiet(fleet: Fleet) -> Quiet:
    owner, ones, buyer, others = await fleet.pair(0)
    third = await fleet.socket(buyer, 0)
    listing_id = await fleet.listing(owner)
    base_ms = (int(time.time() * 1000) // HOUR_MS + 2) * HOUR_MS
    ids = []
    for number in range(ORDERS):
        start_ms = base_ms + number * HOUR_MS
        wish = {"listing_id": listing_id, "start_ms": start_ms, "end_ms": start_ms + HOUR_MS, "terms_version": 1}  # fmt: skip
        ids.append(str((await buyer.rest("POST", "/v1/orders", wish))["order_id"]))
    await calm(fleet)
    quiet = Quiet(
        fleet=fleet, owner=owner, ones=ones, buyer=buyer, others=others, third=third,
        listing_id=listing_id, order_ids=ids,
    )  # fmt: skip
    for person, socket in quiet.clients:
        role = "owner" if person is owner else "buyer"
        topics = [f"calendar:{listing_id}", f"listing:{listing_id}", f"hold:{listing_id}"]
        topics += [f"user:{person.id}", *(f"chat:{id_}" for id_ in ids)]
        await socket.watch(*topics, *(f"order:{id_}:{role}" for id_ in ids))
    return quiet
