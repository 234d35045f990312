"""Two parties of a conversation, as tests speak of them."""

from __future__ import annotations

from typing import Any, TypeVar

from infra import wire
from infra.action import Operation
from infra.mysql.database import Tx
from infra.process import now_ms
from market.chat import actions, views
from market.chat.handlers import HANDLERS
from market.chat.wing import Chat
from market.kernel.actor import Actor
from market.kernel.availability import ALWAYS
from market.kernel.facts import FactData, Heard, ListingChanged, OrderMoved
from market.kernel.ids import Id
from market.kernel.terms import Terms
from tests.integration.conftest import call, new_id

R = TypeVar("R")


async def hear(chat: Chat, kind: str, entity: Id, version: int, data: FactData) -> None:
    heard = Heard(
        fact_id=new_id(), kind=kind, entity=entity, version=version, occurred_ms=now_ms(), data=data
    )

    async def body(tx: Tx) -> None:
        await HANDLERS[kind](chat, tx, heard)

    await chat.db.act(now_ms(), body, type(None))


def order_of(order_id: Id, buyer: Actor, owner: Actor) -> OrderMoved:
    return OrderMoved(
        order_id=order_id, version=1, transition="create", state="pending_payment", by="buyer",
        listing_id=new_id(), buyer_id=buyer.user_id, owner_id=owner.user_id, title="电钻", start_ms=1, end_ms=2,
        rent_fen=1, deposit_fen=1, fee_fen=0, total_fen=2, refund_fen=0,
        refund_deposit_fen=0, owner_fen=0, tells=("buyer", "owner"), pay_by_ms=5,
    )  # fmt: skip


async def listed(
    chat: Chat, owner: Actor, version: int = 1, title: str = "电钻", listing_id: Id | None = None
) -> Id:
    id_ = listing_id or new_id()
    data = ListingChanged(
        listing_id=id_, version=version, terms_version=1, owner_id=owner.user_id, status="open", title=title,
        category="tools", terms=Terms(plan=ALWAYS, price_hour_fen=1), address="",
    )  # fmt: skip
    await hear(chat, "listing.changed", id_, version, data)
    return id_


class Talk:
    """An order's conversation, and its two parties."""

    def __init__(self, chat: Chat, id_: Id, buyer: Actor, owner: Actor) -> None:
        self.chat, self.id, self.buyer, self.owner = chat, id_, buyer, owner

    async def say(self, who: Actor, text: str, key: str | None = None) -> actions.Sent:
        body = {"conversation_id": str(self.id), "kind": "text", "text": text}
        return await self.ask(actions.send, who, body, key)

    async def read(self, who: Actor, up_to: int) -> None:
        await self.ask(actions.mark_read, who, {"conversation_id": str(self.id), "up_to": up_to})

    async def log(self, who: Actor, **query: int) -> views.MessagesView:
        return await self.ask(views.messages, who, {"conversation_id": str(self.id), **query})

    async def verdict(self, who: Actor | None = None) -> views.VerdictView:
        return await self.ask(views.verify, who or self.buyer, {"conversation_id": str(self.id)})

    async def mine(self, who: Actor, **query: object) -> views.ConversationsView:
        return await self.ask(views.conversations, who, query)

    async def ask(
        self, operation: Operation[Chat, Any, R], who: Actor, body: object, key: str | None = None
    ) -> R:
        asked = call(who, key)
        return await operation.perform(self.chat, who, asked.now_ms, asked.key, body)


async def outbox(chat: Chat, entity: Id) -> list[tuple[str, int, Any, Any]]:
    async with chat.db.read() as cursor:
        rows = await cursor.all(
            "SELECT kind, version, data, pushes FROM outbox WHERE entity = %s ORDER BY seq", entity
        )
    return [
        (k, v, wire.from_msgpack(bytes(d), Any), wire.from_msgpack(bytes(p), Any))
        for k, v, d, p in rows
    ]
