"""Errands at WeChat about money on its way out: take it (a transaction that postpones it, so that nobody else begins it), say it
to WeChat, record the answer (another transaction). A crash in between is made good when it is due again, with the same numbers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar, Generic, Protocol, TypeVar

from infra.mysql.database import Tx
from market.kernel.errors import MarketError, NotFound
from market.kernel.ids import Id
from market.payments import books
from market.payments.rules import errands
from market.payments.rules.division import Payout, Refund
from market.payments.rules.escrow import Payment
from market.payments.wing import Payments


class Answer(Protocol):
    @property
    def state(self) -> str: ...


T = TypeVar("T", Refund, Payout)
A = TypeVar("A", bound=Answer)


@dataclass(frozen=True, slots=True)
class Taken(Generic[T]):
    """What was taken, and of which payment it is."""

    payment: Payment
    task: T


class Errand(ABC, Generic[T, A]):
    """One attempt at `now_ms` (UTC). The payable's row is the lock of all that it reads and writes."""

    alert: ClassVar[str]
    """The kind of alert when it keeps failing."""

    def __init__(self, payments: Payments, order_id: Id, extension: int, now_ms: int) -> None:
        self.payments = payments
        self.now_ms = now_ms
        self._owed = (order_id, extension)

    @abstractmethod
    async def find(self, tx: Tx, payment: Payment) -> T | None:
        """The task as it is."""

    @abstractmethod
    async def save(self, tx: Tx, task: T, reason: str = "") -> None: ...

    @abstractmethod
    async def say(self, payment: Payment, task: T) -> A:
        """Tell WeChat to do it; ask about what has been `sent`."""

    @abstractmethod
    async def conclude(self, tx: Tx, payment: Payment, task: T, answer: A) -> None:
        """WeChat is no more at it."""

    @abstractmethod
    def sent(self, task: T, answer: A) -> T:
        """WeChat is at it."""

    @abstractmethod
    def unsent(self, task: T) -> T | None:
        """To be said again, under the same number; None when it has not been sent."""

    @abstractmethod
    def is_open(self, task: T) -> bool:
        """Whether WeChat has something to do, or is at it."""

    @abstractmethod
    def step_no(self, task: T) -> str:
        """By which WeChat knows the present step: what is said of it is said of no other."""

    def earliest_ms(self, payment: Payment) -> int:
        return 0

    async def run(self) -> bool:
        """Whether something was done. Raise MarketError when WeChat gave no usable answer; it will be tried again, ever later."""
        taken: Taken[T] | None = await self.payments.db.act(self.now_ms, self._take, Taken[T])
        if taken is None:
            return False
        payment, task = taken.payment, taken.task
        try:
            answer = await self.say(payment, task)
        except MarketError as failure:
            lost = self.unsent(task) if isinstance(failure, NotFound) else None
            if lost is not None:
                await self._put_off(lost, failure.message)
                return True
            await self._fail(task, failure)
            raise

        async def record(tx: Tx) -> None:
            _, payment = await books.lock(tx, *self._owed)
            current = await self.find(tx, payment)
            if current is None or self.step_no(current) != self.step_no(task):
                return
            if answer.state != "PROCESSING":
                await self.conclude(tx, payment, current, answer)
            elif self.is_open(current):
                patience_ms = int(self.payments.query_s * 1000)
                wait_ms = max(patience_ms, errands.backoff_ms(current.attempts))
                under_way = self.sent(current, answer)
                await self.save(tx, replace(under_way, due_ms=self.now_ms + wait_ms))

        await self.payments.db.act(self.now_ms, record, type(None))
        return True

    async def _take(self, tx: Tx) -> Taken[T] | None:
        _, payment = await books.lock(tx, *self._owed)
        task = await self.find(tx, payment)
        if task is None or not self.is_open(task) or task.due_ms > self.now_ms:
            return None
        earliest_ms = self.earliest_ms(payment)
        if self.now_ms < earliest_ms:
            await self.save(tx, replace(task, due_ms=earliest_ms))
            return None
        lease_ms = self.now_ms + errands.LEASE_MS
        task = replace(task, attempts=task.attempts + 1, due_ms=lease_ms)
        await self.save(tx, task)
        return Taken(payment, task)

    async def _fail(self, task: T, failure: MarketError) -> None:
        reason = f"{failure.data.get('code', failure.code)}: {failure.message}"
        await self._put_off(task, reason)
        if task.attempts >= errands.ALERT_AFTER or not failure.retryable:
            books.alert(
                self.alert, number=self.step_no(task), attempts=task.attempts, reason=reason
            )

    async def _put_off(self, task: T, reason: str) -> None:
        async def body(tx: Tx) -> None:
            _, payment = await books.lock(tx, *self._owed)
            current = await self.find(tx, payment)
            if current is None or self.step_no(current) != self.step_no(task):
                return
            if self.is_open(current):
                due_ms = self.now_ms + errands.backoff_ms(task.attempts)
                await self.save(tx, replace(task, due_ms=due_ms), reason)

        await self.payments.db.act(self.now_ms, body, type(None))
