"""The payments wing on a real database, with the sandbox as WeChat and a server that hears its notifications."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import aiohttp
import aiomysql
import pytest
from aiohttp import web

from api import payments as routes
from api.routing import RawRoute
from devkit.servers import PrivateServers
from devkit.settings import admin_environment
from devkit.stack import ServingProcess
from infra import wire
from infra.config import Config
from infra.mysql.database import Tx
from infra.process import now_ms, open_process
from market.kernel.actor import Actor, Call
from market.kernel.facts import (
    EXTENSION_MOVED,
    KINDS,
    ExtensionOwed,
    FactData,
    Heard,
    OrderMoved,
    PaymentClosed,
    PaymentReceived,
    PaymentRefunded,
    PaymentReleased,
    PaymentSettled,
    UserChanged,
)
from market.kernel.ids import Id
from market.payments import ledger_store, onboarding, payout_store, store
from market.payments.commands import Onboard
from market.payments.handlers import HANDLERS
from market.payments.rules.division import Payout, Refund
from market.payments.rules.escrow import Payment
from market.payments.wing import Payments, open_wing
from tests.integration.conftest import new_id

WINDOW_MS = 15 * 60_000

APPLICATION = Onboard(
    legal_name="张三", id_number="11010519491231002X", id_valid_from="2020-01-01", id_valid_until="长期",
    id_front_media="front", id_back_media="back", mobile="13800000000", bank="工商银行",
    bank_area_code="310000", bank_account="6222020000000000000", shop_name="张三的小店",
)  # fmt: skip

MoneyFact = PaymentReceived | PaymentSettled | PaymentRefunded | PaymentReleased | PaymentClosed


@dataclass(slots=True)
class Ear:
    """Where WeChat's notifications arrive: the product's own handler, and the statuses that it answered."""

    url: str = ""
    statuses: asyncio.Queue[int] = field(default_factory=asyncio.Queue)
    payments: Payments | None = None

    async def hear(self, request: web.Request) -> web.StreamResponse:
        (raw,) = (r for r in routes.ROUTES if isinstance(r, RawRoute) and r.path == request.path)
        answer = await raw.handler(self.payments, request)
        self.statuses.put_nowait(answer.status)
        return answer

    async def until(self, come_true: Callable[[], Awaitable[bool]]) -> None:
        """Wait until notifications have made it true; those of other tests' refunds may come between."""
        async with asyncio.timeout(10):
            while not await come_true():
                assert await self.statuses.get() == 200


@pytest.fixture
async def ear() -> AsyncIterator[Ear]:
    ear = Ear()
    app = web.Application()
    app.router.add_post("/v1/payments/notify", ear.hear)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    ear.url = f"http://{host}:{port}/v1/payments/notify"
    yield ear
    await runner.cleanup()


UNHURRIED = {"SHAREHUB_PAYMENT_QUERY_S": "30", "SHAREHUB_PAYMENT_SHARE_AFTER_S": "60"}
"""As in production; development asks sooner."""


@pytest.fixture
async def payments(
    environment: Mapping[str, str], sandbox: ServingProcess, ear: Ear
) -> AsyncIterator[Payments]:
    settings = {**environment, **UNHURRIED, "SHAREHUB_WECHATPAY_NOTIFY_URL": ear.url}
    async with open_process(Config.from_environment(settings)) as process:
        ear.payments = await open_wing(process)
        yield ear.payments


@pytest.fixture
async def deaf(environment: Mapping[str, str], sandbox: ServingProcess) -> AsyncIterator[Payments]:
    """WeChat's notifications never arrive."""
    settings = {
        **environment,
        **UNHURRIED,
        "SHAREHUB_WECHATPAY_NOTIFY_URL": "http://127.0.0.1:9/notify",
    }
    async with open_process(Config.from_environment(settings)) as process:
        yield await open_wing(process)


@pytest.fixture
async def cut_off(environment: Mapping[str, str]) -> AsyncIterator[Payments]:
    """Nobody listens where WeChat should be."""
    settings = {**environment, **UNHURRIED, "SHAREHUB_WECHATPAY_URL": "http://127.0.0.1:9"}
    async with open_process(Config.from_environment(settings)) as process:
        yield await open_wing(process)


@pytest.fixture
async def root(
    environment: Mapping[str, str], servers: PrivateServers
) -> AsyncIterator[aiomysql.Connection]:
    """The administrator of the payments' server."""
    config = Config.from_environment({**environment, **admin_environment(servers)})
    dsn = config.admin_dsn("payments")
    connection = await aiomysql.connect(
        host=dsn.host,
        port=dsn.port,
        unix_socket=dsn.unix_socket,
        user=dsn.user,
        password=dsn.password,
        db=dsn.schema,
        autocommit=True,
    )
    yield connection
    connection.close()


class Phone:
    """The buyer's finger, and the tester's on the sandbox."""

    def __init__(self, http: aiohttp.ClientSession, url: str, platform: str) -> None:
        self._http = http
        self._url = url
        self.platform = platform

    async def post(self, path: str, **body: object) -> tuple[int, Any]:
        async with self._http.post(f"{self._url}/sandbox{path}", json=body) as answer:
            return answer.status, await answer.json()

    async def pay(self, params: dict[str, str] | None, **options: object) -> None:
        assert params is not None
        prepay_id = params["package"].removeprefix("prepay_id=")
        status, answer = await self.post("/pay", prepay_id=prepay_id, **params, **options)
        assert status == 200, answer

    async def notify(self, mode: str, **number: str) -> int | None:
        _, answer = await self.post("/notify", mode=mode, **number)
        status: int | None = answer["status"]
        return status

    async def rules(self, **wish: object) -> None:
        async with self._http.put(f"{self._url}/sandbox/rules", json=wish) as answer:
            assert answer.status == 200

    async def balance(self, mchid: str = "") -> tuple[int, int]:
        """(frozen, available) fen of a sub-merchant, or of the platform itself."""
        async with self._http.get(f"{self._url}/sandbox/balances") as answer:
            balances = (await answer.json())["balances"]
        found = balances.get(mchid or self.platform, {"frozen_fen": 0, "available_fen": 0})
        return found["frozen_fen"], found["available_fen"]

    async def fail_next(self, *kinds: str) -> None:
        async with self._http.put(f"{self._url}/sandbox/faults", json={"next": kinds}) as answer:
            assert answer.status == 200

    async def trade(self, out_trade_no: str) -> dict[str, Any]:
        async with self._http.get(f"{self._url}/sandbox/trades") as answer:
            trades = (await answer.json())["trades"]
        found: list[dict[str, Any]] = [t for t in trades if t["out_trade_no"] == out_trade_no]
        assert len(found) == 1
        return found[0]


@pytest.fixture
async def phone(environment: Mapping[str, str], sandbox: ServingProcess) -> AsyncIterator[Phone]:
    async with aiohttp.ClientSession() as http:
        phone = Phone(http, sandbox.url, environment["SHAREHUB_WECHATPAY_MCHID"])
        yield phone
        await phone.fail_next()


@dataclass(slots=True)
class Deal:
    """An order as the orders tell of it, and what payments makes of it."""

    payments: Payments
    buyer: Actor
    owner: Actor
    order_id: Id = field(default_factory=new_id)
    rent_fen: int = 2_000
    deposit_fen: int = 10_000
    fee_fen: int = 200
    pay_by_ms: int = field(default_factory=lambda: now_ms() + WINDOW_MS)
    version: int = 0
    longer: tuple[ExtensionOwed, ...] = ()
    """What the orders tell of its extensions beside each of its moves."""

    @property
    def total_fen(self) -> int:
        return self.rent_fen + self.deposit_fen

    def moved(self, state: str, refund_fen: int = 0) -> OrderMoved:
        """Of a refund the deposit goes first; of the rent that stays, the platform has its share."""
        self.version += 1
        if state == "completed":
            refund_fen = self.deposit_fen
        deposit_fen = min(refund_fen, self.deposit_fen)
        kept_rent_fen = self.rent_fen - (refund_fen - deposit_fen)
        fee_fen = self.fee_fen * kept_rent_fen // self.rent_fen if self.rent_fen else 0
        ended = state in ("completed", "cancelled", "refunded")
        return OrderMoved(
            order_id=self.order_id, version=self.version, transition=state, state=state, by="time",
            listing_id=Id(9), buyer_id=self.buyer.user_id, owner_id=self.owner.user_id, title="电钻",
            start_ms=0, end_ms=1, rent_fen=self.rent_fen, deposit_fen=self.deposit_fen,
            fee_fen=fee_fen if ended else self.fee_fen, total_fen=self.total_fen, refund_fen=refund_fen,
            refund_deposit_fen=deposit_fen,
            owner_fen=self.total_fen - refund_fen - fee_fen if ended else 0, tells=("buyer", "owner"), pay_by_ms=self.pay_by_ms,
            extensions=self.longer,
        )  # fmt: skip

    async def goes(self, *states: str, refund_fen: int = 0) -> None:
        """The facts arrive; `refund_fen` is the last one's."""
        for state in states:
            back = refund_fen if state == states[-1] else 0
            await hear(self.payments, self.moved(state, back), f"order.{state}")

    async def extends(self, state: str, *, refund_fen: int = 0) -> None:
        """Its first extension moves, for 10.00 more of which 1.00 is the platform's; the order does not."""
        self.tell_longer(state, refund_fen)
        await hear(self.payments, self.moved("in_use"), EXTENSION_MOVED)

    def tell_longer(self, state: str, refund_fen: int = 0) -> None:
        kept_fen = 1_000 - refund_fen
        ended = state in ("completed", "cancelled", "refunded")
        owed = ExtensionOwed(
            extension=1, state=state, rent_fen=1_000, fee_fen=kept_fen // 10, refund_fen=refund_fen,
            owner_fen=kept_fen - kept_fen // 10 if ended else 0, pay_by_ms=self.pay_by_ms,
        )  # fmt: skip
        self.longer = (owed,)

    async def payment(self, extension: int = 0) -> Payment:
        async with self.payments.db.read() as cursor:
            payment = await store.payment_of(cursor, self.order_id, extension)
        assert payment is not None
        return payment

    async def refunds(self) -> list[Refund]:
        async with self.payments.db.read() as cursor:
            return await payout_store.refunds_of(cursor, self.order_id)

    async def payouts(self) -> list[Payout]:
        async with self.payments.db.read() as cursor:
            payments = (await store.payments_of(cursor, [self.order_id])).values()
            found = [await payout_store.payout_of(cursor, payment.id) for payment in payments]
        return [payout for payout in found if payout is not None]

    async def payout(self) -> Payout | None:
        return next((payout for payout in await self.payouts() if not payout.extension), None)

    async def is_refunded(self) -> bool:
        refunds = await self.refunds()
        return bool(refunds) and all(refund.status == "done" for refund in refunds)

    async def balances(self) -> dict[str, int]:
        """Account -> fen, without what is zero; ids left out."""
        sums: dict[str, int] = {}
        async with self.payments.db.read() as cursor:
            for entry in await ledger_store.entries_of(cursor, self.order_id):
                account = entry.account.rstrip("0123456789").rstrip(":")
                sums[account] = sums.get(account, 0) + entry.amount_fen
        assert sum(sums.values()) == 0
        return {account: fen for account, fen in sums.items() if fen}

    async def facts(self) -> list[MoneyFact]:
        """What payments has told the other wings of this order, in order."""
        told = await told_by(self.payments)
        return [
            fact for fact in told if isinstance(fact, MoneyFact) and fact.order_id == self.order_id
        ]

    async def kinds(self) -> list[str]:
        return [fact.KIND for fact in await self.facts()]


async def told_by(payments: Payments) -> list[FactData]:
    """All that payments has told, in order."""
    async with payments.db.read() as cursor:
        rows = await cursor.all(
            "SELECT kind, data FROM outbox WHERE kind LIKE 'payment.%' ORDER BY seq"
        )
    return [wire.from_msgpack(bytes(data), KINDS[kind]) for kind, data in rows]


F = TypeVar("F")


async def facts_of(payments: Payments, kind: type[F], **fields: object) -> list[F]:
    """Those of a kind whose fields are these."""
    return [
        fact
        for fact in await told_by(payments)
        if isinstance(fact, kind) and all(getattr(fact, n) == v for n, v in fields.items())
    ]


async def hear(payments: Payments, data: FactData, kind: str, version: int = 1) -> None:
    """Deliver a fact as the inbox does."""
    fact = Heard(
        fact_id=new_id(), kind=kind, entity=Id(1), version=version, occurred_ms=now_ms(), data=data
    )

    async def body(tx: Tx) -> None:
        await HANDLERS[kind](payments, tx, fact)

    await payments.db.act(now_ms(), body, type(None))


async def new_deal(payments: Payments, **terms: int) -> Deal:
    """An order that waits for its payment, of which payments has heard, and whose owner can be paid."""
    return await a_deal(payments, payments, **terms)


async def a_deal(payments: Payments, with_owner: Payments | None, **terms: int) -> Deal:
    """`with_owner`: through which the owner is onboarded; None: not at all."""
    deal = Deal(
        payments,
        Actor(user_id=new_id(), role="user"),
        Actor(user_id=new_id(), role="user"),
    )
    for name, value in terms.items():
        setattr(deal, name, value)
    user = UserChanged(
        user_id=deal.buyer.user_id, version=1, nickname="甲", avatar_url="", role="user",
        openid=f"o{secrets.token_hex(8)}",
    )  # fmt: skip
    await hear(payments, user, UserChanged.KIND)
    if with_owner is not None:
        await onboarding.onboard(with_owner, asks(deal.owner), APPLICATION)
    await deal.goes("pending_payment")
    return deal


def asks(actor: Actor, at_ms: int | None = None) -> Call:
    return Call(actor=actor, now_ms=at_ms or now_ms())
