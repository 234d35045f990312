"""What is done with each order: a random way through its life, and at every turn somebody who tries what they may not."""

from __future__ import annotations

import asyncio
import random
import secrets
from typing import Any

from devkit.client import Refusal
from loadtest.soaks.orders_longer import use_longer
from loadtest.soaks.orders_model import (
    COMMANDS,
    DECISIONS,
    ENDS,
    NEEDS_CODE,
    Broken,
    Order,
)
from loadtest.soaks.orders_town import PERIODS, Citizen, Listing, Town

HOSTILE = 0.3
TWICE = 0.04
TWO_DEVICES = 0.04
STEPS_AT_MOST = 40

Step = tuple[int, str, str]
PLANS: dict[str, tuple[Step, ...]] = {
    "requested": (
        (70, "owner", "approve"), (8, "owner", "decline"), (6, "buyer", "cancel"), (4, "owner", "cancel"),
        (10, "time", ""), (2, "nobody", ""),
    ),
    "pending_payment": (
        (60, "phone", "pay"), (6, "phone", "open"), (12, "buyer", "cancel"), (4, "owner", "cancel"),
        (16, "time", ""), (2, "nobody", ""),
    ),
    "expiring": ((25, "phone", "late"), (70, "wait", ""), (5, "time", "")),
    "ready": (
        (70, "owner", "start"), (7, "buyer", "cancel"), (7, "owner", "cancel"), (2, "buyer", "dispute"),
        (2, "owner", "dispute"), (10, "time", ""), (2, "nobody", ""), (12, "longer", ""),
    ),
    "in_use": (
        (78, "buyer", "return"), (6, "buyer", "dispute"), (6, "owner", "dispute"), (8, "time", ""),
        (2, "nobody", ""), (40, "longer", ""),
    ),
    "returned": (
        (45, "owner", "accept"), (20, "time", ""), (20, "owner", "claim"), (7, "buyer", "dispute"),
        (6, "owner", "dispute"), (2, "nobody", ""),
    ),
    "claimed": (
        (35, "buyer", "concede"), (25, "buyer", "contest"), (15, "time", ""), (12, "owner", "evidence"),
        (11, "buyer", "evidence"), (2, "nobody", ""),
    ),
    "disputed": (
        (25, "operator", "release"), (30, "operator", "split"), (18, "operator", "refund"), (10, "time", ""),
        (8, "owner", "evidence"), (7, "buyer", "evidence"), (2, "nobody", ""),
    ),
}  # fmt: skip
"""State -> what comes next there, each with its weight. `phone` pays, `time` passes, `wait` lets payments act, `longer` asks for
more time, `nobody` leaves it."""

TOO_MUCH_FEN = 50_000_000
ABSURD_FEN = (-1, 1.5, 2**53, "1000", None)


class Story:
    """Lived once. Raises Broken."""

    def __init__(self, town: Town, number: int, seed: int) -> None:
        self.town = town
        self.number = number
        self.dice = random.Random(f"{seed}/{number}")
        self.listing: Listing = self.dice.choice(town.listings)
        self.buyer: Citizen = self.dice.choice(town.buyers)
        self.order: Order | None = None

    async def live(self) -> None:
        while self.order is None:
            self.order = await self._begin()
        order = self.order
        for _ in range(STEPS_AT_MOST):
            if self.dice.random() < HOSTILE:
                await self._hostile(order)
            if order.state in ENDS:
                break
            plans = PLANS[order.state]
            _, who, what = self.dice.choices(plans, weights=[plan[0] for plan in plans])[0]
            if who == "nobody":
                break
            await self._step(order, who, what)

    def party(self, who: str) -> Citizen:
        if who == "buyer":
            return self.buyer
        if who == "owner":
            return self.listing.owner
        return self.dice.choice(self.town.operators if who == "operator" else self.town.strangers)

    # --- how it begins ---

    async def _begin(self) -> Order | None:
        """None when somebody else has the period."""
        start_ms, end_ms, alone = self.town.period(self.listing, self.dice)
        wish = {"listing_id": self.listing.id, "start_ms": start_ms, "end_ms": end_ms, "terms_version": 1}  # fmt: skip
        if self.dice.random() < 0.05:
            await self._must_refuse(wish)
        key = secrets.token_hex(8)
        try:
            view = await self.town.ask(self.buyer, "orders.create", wish, key=key)
        except Refusal as refusal:
            self.town.counts[f"refused create: {refusal.code}"] += 1
            taken = refusal.data.get("start_ms", 0), refusal.data.get("end_ms", 0)
            overlaps = self.town.base_ms <= taken[0] < end_ms and start_ms < taken[1]
            if refusal.code == "slot_taken" and overlaps and not alone:
                return None
            raise Broken(f"story {self.number}: {wish} refused: {refusal}") from refusal
        offer = self.listing.offer
        first = "requested" if offer.get("booking") == "request" else "pending_payment"
        hours = (end_ms - start_ms) // 3_600_000
        order = Order(
            number=self.number, id=view["order_id"], listing_id=self.listing.id, period=(start_ms, end_ms),
            alone=alone, rent_fen=int(view["rent_fen"]), deposit_fen=int(view["deposit_fen"]),
            total_fen=int(view["total_fen"]), state=first,
        )  # fmt: skip
        order.say(f"create {wish} key {key}")
        expected = (first, 1, offer["price_hour_fen"] * hours, offer["deposit_fen"])
        if (view["state"], view["version"], order.rent_fen, order.deposit_fen) != expected:
            raise order.broken(f"created as {view}, not as {expected}")
        order.acknowledged[1] = ("buyer", "create")
        self.town.counts["create"] += 1
        return order

    async def _must_refuse(self, wish: dict[str, Any]) -> None:
        """An order that may not be."""
        spoilt, who, code = self.dice.choice(
            (
                ({}, self.listing.owner, "forbidden"),
                ({"start_ms": 1, "end_ms": 3_600_001}, self.buyer, "invalid"),
                ({"end_ms": wish["start_ms"]}, self.buyer, "invalid"),
                ({"start_ms": -wish["start_ms"]}, self.buyer, "invalid"),
                ({"start_ms": wish["start_ms"] + 0.5}, self.buyer, "invalid"),
                (
                    {"start_ms": wish["start_ms"] + 100 * 86_400_000, "end_ms": wish["end_ms"] + 100 * 86_400_000},
                    self.buyer, "not_bookable",
                ),
            )
        )  # fmt: skip
        try:
            view = await self.town.ask(who, "orders.create", wish | spoilt)
        except Refusal as refusal:
            self.town.counts[f"refused create: {refusal.code}"] += 1
            if refusal.code != code:
                raise Broken(
                    f"{wish | spoilt} refused with {refusal}, not with {code}"
                ) from refusal
        else:
            raise Broken(f"{wish | spoilt} became {view}")

    # --- how it goes on ---

    async def _step(self, order: Order, who: str, what: str) -> None:
        match who:
            case "time":
                await self._let_time_pass(order)
            case "wait":
                await self.town.until(order, lambda row: row.state != "expiring")
            case "longer":
                if not order.alone:  # the hour after it is somebody else's alone
                    await use_longer(self.town, self.buyer, order, self.dice)
            case "phone":
                await self._phone(order, what)
            case _:
                await self._move(order, who, what)

    async def _let_time_pass(self, order: Order) -> None:
        if order.state in PERIODS and not order.alone:
            return
        before = order.version
        self.town.hurry(order)
        await self.town.until(order, lambda row: row.version > before)

    async def _phone(self, order: Order, what: str) -> None:
        if what == "late":
            if order.prepay_id and await self.town.confirm(order.prepay_id, after_expiry=True):
                order.paid = True
                order.say("pays late")
            return
        if not order.prepay_id and not await self._prepay(order):
            return
        if what == "open":
            return
        if order.prepay_id:
            order.paid = await self.town.confirm(order.prepay_id) or order.paid
            order.say("pays" if order.paid else "cannot pay")
        if order.paid and self.dice.random() < 0.9:
            await self.town.until(order, lambda row: row.state != "pending_payment")

    async def _prepay(self, order: Order) -> bool:
        try:
            view = await self.town.ask(self.buyer, "payments.prepay", {"order_id": order.id})
        except Refusal as refusal:
            self.town.counts[f"refused prepay: {refusal.code}"] += 1
            order.say(f"prepay refused: {refusal.code}")
            if refusal.code not in ("already_done", "illegal_transition"):
                raise order.broken(f"prepay refused: {refusal}") from refusal
            row = await self.town.row(order)
            order.saw(row.state, row.version)
            if refusal.code == "illegal_transition" and row.state == "pending_payment":
                raise order.broken(f"prepay refused: {refusal}") from refusal
            return False
        if int(view["amount_fen"]) != order.total_fen:
            raise order.broken(f"{view} is to be paid")
        if view["params"] is None:
            order.paid = True
        else:
            order.prepay_id = view["params"]["package"].removeprefix("prepay_id=")
        return True

    async def _move(self, order: Order, who: str, what: str) -> None:
        """A command that is legal as far as is known."""
        name, body = await self._words(order, what, wrong=False)
        citizen, key = self.party(who), secrets.token_hex(8)
        if self.dice.random() < TWO_DEVICES and what != "evidence":
            await self._two_devices(order, who, what, name, body)
            return
        view = await self._try(order, citizen, who, what, name, body, key)
        if view is not None and self.dice.random() < TWICE:
            again = await self.town.ask(citizen, name, body, key=key)
            if (again["state"], again["version"]) != (view["state"], view["version"]):
                raise order.broken(f"{what} under the same key: first {view}, then {again}")

    async def _try(
        self, order: Order, citizen: Citizen, who: str, what: str, name: str, body: dict[str, Any], key: str | None = None,
    ) -> dict[str, Any] | None:  # fmt: skip
        words = {**body, "wrong": body.get("code") == self._wrong_code}
        try:
            view: dict[str, Any] = await self.town.ask(citizen, name, body, key=key)
        except Refusal as refusal:
            self.town.counts[f"refused {what}: {refusal.code}"] += 1
            order.refused(who, what, refusal.code, refusal.data, words)
            return None
        self._took(order, who, what, view, body)
        return view

    def _took(
        self, order: Order, who: str, what: str, view: dict[str, Any], body: dict[str, Any]
    ) -> None:
        order.took(who, what, view)
        self.town.counts[f"{order.state} by {what}"] += 1
        if what == "claim":
            order.claim_fen = body["amount_fen"]
        if what == "split":
            order.split = (body["rent_back_fen"], body["deposit_kept_fen"])

    async def _two_devices(
        self, order: Order, who: str, what: str, name: str, body: dict[str, Any]
    ) -> None:
        """The same at once from two devices, each with a key of its own: it happens once."""
        citizen = self.party(who)
        answers = await asyncio.gather(
            self.town.ask(citizen, name, body, rest=False),
            self.town.ask(citizen, name, body, rest=True),
            return_exceptions=True,
        )
        for answer in answers:
            if not isinstance(answer, BaseException):
                self._took(order, who, what, answer, body)
        for answer in answers:
            if isinstance(answer, Refusal):
                self.town.counts[f"refused {what}: {answer.code}"] += 1
                order.refused(who, what, answer.code, answer.data, body)
            elif isinstance(answer, BaseException):
                raise answer

    # --- what may not be ---

    async def _hostile(self, order: Order) -> None:
        match self.dice.randrange(10):
            case 0:
                await self._absurd(order)
            case 1:
                await self._foreign_payment(order)
            case 2 if order.state in NEEDS_CODE.values():
                what = "start" if order.state == "ready" else "return"
                who = "owner" if what == "start" else "buyer"
                for _ in range(self.dice.choice((1, 1, 6))):
                    name, body = await self._words(order, what, wrong=True)
                    await self._try(order, self.party(who), who, what, name, body)
            case 3:
                who = self.dice.choice(("buyer", "owner"))
                name, body = await self._words(order, what := "cancel", wrong=False)
                stale = order.version + self.dice.choice((-1, 1))
                if stale > 0:
                    body["version"] = stale
                    await self._try(order, self.party(who), who, what, name, body)
            case _:
                who = self.dice.choice(("buyer", "owner", "operator", "stranger", "stranger"))
                what = self.dice.choice((*COMMANDS, "evidence"))
                if who != "stranger" and order.state not in ENDS and self.dice.random() < 0.8:
                    legal = {w for _, p, w in PLANS.get(order.state, ()) if p == who}
                    what = self.dice.choice([w for w in COMMANDS if w not in legal])
                name, body = await self._words(order, what, wrong=True)
                await self._try(order, self.party(who), who, what, name, body)

    async def _absurd(self, order: Order) -> None:
        """Amounts that are none."""
        amount = self.dice.choice(ABSURD_FEN)
        body = {"order_id": order.id, "amount_fen": amount, "reason": "刮花了"}
        try:
            await self.town.ask(self.listing.owner, "orders.claim", body)
        except Refusal as refusal:
            self.town.counts[f"refused claim: {refusal.code}"] += 1
            if refusal.code != "invalid":
                raise order.broken(f"a claim of {amount!r} refused: {refusal}") from refusal
        else:
            raise order.broken(f"a claim of {amount!r} was accepted")

    async def _foreign_payment(self, order: Order) -> None:
        """Somebody who is not the buyer wants to pay."""
        who = self.dice.choice((self.listing.owner, *self.town.strangers))
        try:
            await self.town.ask(who, "payments.prepay", {"order_id": order.id})
        except Refusal as refusal:
            self.town.counts[f"refused prepay: {refusal.code}"] += 1
            if refusal.code != "not_found":
                raise order.broken(f"a foreign prepay refused: {refusal}") from refusal
        else:
            raise order.broken("somebody else could pay")

    # --- words ---

    _wrong_code = "x"

    async def _words(self, order: Order, what: str, *, wrong: bool) -> tuple[str, dict[str, Any]]:
        """A command's name and body. `wrong`: with a code that is wrong, and amounts that may be too much."""
        body: dict[str, Any] = {"order_id": order.id}
        if self.dice.random() < 0.1 and not order.paid:
            body["version"] = order.version
        if what in NEEDS_CODE:
            row = await self.town.row(order)
            code = row.start_code if what == "start" else row.return_code
            if wrong:
                code = self._wrong_code = f"{(int(code) + 1) % 10**6:06}"
            body["code"] = code
        elif what == "claim":
            most = order.deposit_fen
            too_much = wrong or most == 0
            body |= {"amount_fen": most + 1 if too_much else self.dice.randint(1, most), "reason": "刮花了"}  # fmt: skip
        elif what == "evidence":
            body["text"] = "看照片"
        elif what in DECISIONS:
            body |= {"decision": what}
            if what == "split":
                body |= {
                    "rent_back_fen": self.dice.randint(0, order.rent_fen) + wrong * TOO_MUCH_FEN,
                    "deposit_kept_fen": self.dice.randint(0, order.deposit_fen),
                }  # fmt: skip
            return "orders.decide", body
        return f"orders.{what}", body
