"""Wishes to use longer, in the middle of an order's life: paid, paid too late, forgone, or left alone."""

from __future__ import annotations

import random

from devkit.client import Refusal
from loadtest.soaks.orders_model import Order
from loadtest.soaks.orders_town import HOUR_MS, Citizen, Town

WAYS = (
    (45, "pay"),
    (10, "pay unheard"),
    (12, "forgo"),
    (12, "expire"),
    (11, "late"),
    (10, "leave"),
)
REFUSALS = {"slot_taken", "illegal_transition", "version_conflict"}


async def use_longer(town: Town, buyer: Citizen, order: Order, dice: random.Random) -> None:
    """Ask for an hour or two more, and do one thing or another about it. Raise Broken."""
    end_ms = (await town.row(order)).end_ms + dice.choice((1, 1, 2)) * HOUR_MS
    order.asked_longer = True
    try:
        view = await town.ask(
            buyer, "orders.extend", {"order_id": order.id, "end_ms": end_ms, "terms_version": 1}
        )
    except Refusal as refusal:
        town.counts[f"refused extend: {refusal.code}"] += 1
        # What was paid for before may be heard of in between, and move the end.
        if refusal.code not in REFUSALS | ({"invalid"} if order.paid_longer else set()):
            raise order.broken(f"using longer refused: {refusal}") from refusal
        return
    order.took("buyer", "extend", view)
    town.counts["extensions asked for"] += 1
    asked = view["extension"]
    if asked["state"] == "paid":
        if asked["amount_fen"] or view["end_ms"] != end_ms:
            raise order.broken(f"extended for nothing: {view}")
        return
    way = dice.choices([way for _, way in WAYS], weights=[weight for weight, _ in WAYS])[0]
    order.say(f"extension {asked['extension_id']} for {asked['amount_fen']}: {way}")
    town.counts[f"extensions: {way}"] += 1
    match way:
        case "forgo":
            await _forgo(town, buyer, order)
        case "expire":
            town.hurry_longer(order, asked["extension_id"])
        case "pay" | "pay unheard" | "late":
            await _pay(town, buyer, order, asked["extension_id"], asked["amount_fen"], way)


async def _forgo(town: Town, buyer: Citizen, order: Order) -> None:
    try:
        view = await town.ask(buyer, "orders.forgo", {"order_id": order.id})
    except Refusal as refusal:
        if refusal.code not in REFUSALS:
            raise order.broken(f"forgoing refused: {refusal}") from refusal
    else:
        order.took("buyer", "forgo", view)


async def _pay(
    town: Town, buyer: Citizen, order: Order, number: int, amount_fen: int, way: str
) -> None:
    body = {"order_id": order.id, "extension_id": number}
    try:
        view = await town.ask(buyer, "payments.prepay", body)
    except Refusal as refusal:
        if refusal.code not in ("already_done", "illegal_transition"):
            raise order.broken(f"paying for longer refused: {refusal}") from refusal
        return
    if int(view["amount_fen"]) != amount_fen:
        raise order.broken(f"{view} is to be paid for longer, not {amount_fen}")
    prepay_id = view["params"]["package"].removeprefix("prepay_id=")
    if way == "late":
        town.hurry_longer(order, number)
        await town.until(order, lambda row: row.longer not in ("", "pending_payment"))
    if await town.confirm(prepay_id, after_expiry=way == "late"):
        order.paid_longer[number] = amount_fen
        order.say(f"pays for extension {number}")
    if way == "pay" and number in order.paid_longer:
        await town.until(order, lambda row: row.longer in ("paid", "expired"))
