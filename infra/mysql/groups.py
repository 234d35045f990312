"""Commands that are waiting together are done together: one transaction, one commit.

Nobody waits for company: a group is what has queued up while the one before was in the database; only when that takes long, as
behind a row that somebody else has locked, another begins beside it. The commands of a group are decided one after the other, each seeing what those before it have done. A refused command is refused alone. When the database
refuses the group (a deadlock, a lock that stays, a key or an id that is taken) its commands are done one by one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, cast

import structlog
from prometheus_client import Counter, Histogram

from infra.mysql.connection import Row, Statement
from infra.mysql.database import Database, Tx
from infra.mysql.idempotency import Claim, Claims
from market.kernel.actor import Call
from market.kernel.errors import MarketError, Unavailable

W = TypeVar("W")
W_in = TypeVar("W_in", contravariant=True)
R = TypeVar("R")
R_out = TypeVar("R_out", covariant=True)

log = structlog.get_logger("groups")

SIZES = Histogram(
    "sharehub_group_size", "Commands done in one transaction.", ["wing"],
    buckets=(1, 2, 4, 8, 16, 32, 64, 128),
)  # fmt: skip
SPLIT = Counter(
    "sharehub_groups_split_total", "Groups that the database refused: done one by one.", ["wing"]
)


class Sitting(Protocol[W_in, R_out]):
    """One transaction's work for a wing: made for the wishes that are to be decided in it."""

    now_ms: int
    locks: Sequence[Statement]
    """The rows' locks in the order of all (first), and what is read under them."""

    async def load(self, rows: Sequence[Sequence[Row]], tx: Tx) -> None:
        """What `locks` have found. More may be read under them."""

    def decide(self, wish: W_in, tx: Tx) -> R_out | MarketError:
        """Raise MarketError: refused, and nothing has changed. One that is returned is a refusal too, but `write` has
        something to write."""

    def write(self, tx: Tx) -> None:
        """Everything that has changed, deferred; and its facts."""

    def committed(self) -> None:
        """All that was written stands."""


@dataclass(slots=True, eq=False)
class _Ask(Generic[W, R]):
    wish: W
    call: Call | None
    command: object
    claim: Claim | None
    since_s: float
    answer: asyncio.Future[R]

    def settle(self, outcome: R | MarketError) -> None:
        if self.answer.done():  # the asker has gone
            return
        if isinstance(outcome, MarketError):
            self.answer.set_exception(outcome)
        else:
            self.answer.set_result(outcome)


class Groups(Generic[W, R]):
    """`open_` makes a sitting for some wishes; `reply` is the type of what is answered under a key. At most `largest` commands
    in a group, at most `at_once` groups in the database: another begins beside the last one when that has taken `long_s`. Who
    has waited for longer than `patience_s` is sent away: in a crowd that does not end, old commands would be done when nobody
    waits for them any more."""

    def __init__(
        self,
        db: Database,
        open_: Callable[[Sequence[W]], Sitting[W, R]],
        reply: type[R],
        *,
        largest: int,
        at_once: int,
        long_s: float,
        patience_s: float = 3.0,
    ) -> None:
        self._db = db
        self._open = open_
        self._reply = reply
        self._largest = largest
        self._at_once = at_once
        self._long_s = long_s
        self._patience_s = patience_s
        self._waiting: deque[_Ask[W, R]] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self._next_s = 0.0
        """By the loop's clock: when another may begin beside those that run."""
        self._timer: asyncio.TimerHandle | None = None
        self._sizes = SIZES.labels(db.wing)

    async def do(self, wish: W, call: Call | None = None, command: object = None) -> R:
        """Answered after the commit. With a call that has a key, done once under it. Raise the refusal, or Unavailable."""
        claim = Claim.of(call, command) if call is not None else None
        loop = asyncio.get_running_loop()
        ask = _Ask(wish, call, command, claim, loop.time(), loop.create_future())
        self._waiting.append(ask)
        self._begin()
        answer: R = await ask.answer
        return answer

    def _begin(self) -> None:
        if not self._waiting or len(self._running) == self._at_once:
            return
        loop = asyncio.get_running_loop()
        if self._running and loop.time() < self._next_s:
            if self._timer is None:
                self._timer = loop.call_at(self._next_s, self._begin_late)
            return
        self._next_s = loop.time() + self._long_s
        task = loop.create_task(self._run())
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _begin_late(self) -> None:
        self._timer = None
        self._begin()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a group was left unanswered", exc_info=task.exception())
        self._begin()

    async def _run(self) -> None:
        # Chosen only now: whoever came in the same turn of the loop comes along.
        group = self._choose()
        if not group:
            return
        self._begin()
        try:
            await self._answer(group)
        finally:
            for ask in group:
                if not ask.answer.done():
                    ask.answer.cancel()

    def _choose(self) -> list[_Ask[W, R]]:
        group: list[_Ask[W, R]] = []
        oldest_s = asyncio.get_running_loop().time() - self._patience_s
        while self._waiting and len(group) < self._largest:
            ask = self._waiting.popleft()
            if ask.since_s < oldest_s:
                ask.settle(Unavailable("the database is overloaded", wing=self._db.wing))
            else:
                group.append(ask)
        return group

    async def _answer(self, group: Sequence[_Ask[W, R]]) -> None:
        self._sizes.observe(len(group))
        try:
            outcomes = await self._together(group)
        except Unavailable as away:
            outcomes = [away] * len(group)
        except Exception as error:
            SPLIT.labels(self._db.wing).inc()
            log.info("a group is done one by one", size=len(group), error=repr(error))
            for ask in group:
                await self._alone(ask)
            return
        for ask, outcome in zip(group, outcomes, strict=True):
            ask.settle(outcome)

    async def _together(self, group: Sequence[_Ask[W, R]]) -> list[R | MarketError]:
        sitting = self._open([ask.wish for ask in group])
        claims: Claims[R] = Claims(self._reply)

        async def body(tx: Tx) -> list[R | MarketError]:
            await sitting.load(await tx.together(*sitting.locks), tx)
            outcomes = [self._decide(sitting, claims, ask, tx) for ask in group]
            sitting.write(tx)
            claims.write(tx, sitting.now_ms)
            return outcomes

        outcomes = await self._db.once(sitting.now_ms, body)
        sitting.committed()
        return [
            (claims.before(ask.claim) or outcome)
            if ask.claim is not None and isinstance(outcome, MarketError)
            else outcome
            for ask, outcome in zip(group, outcomes, strict=True)
        ]

    async def _alone(self, ask: _Ask[W, R]) -> None:
        """Under its key from the beginning, and tried again as often as any command."""

        async def body(tx: Tx) -> R | MarketError:
            sitting = self._open([ask.wish])
            if ask.call is None:
                rows = await tx.together(*sitting.locks)
            else:
                rows = await tx.claim(ask.call, ask.command, *sitting.locks)
            await sitting.load(rows, tx)
            outcome = sitting.decide(ask.wish, tx)
            if isinstance(outcome, MarketError):
                tx.give_back()
            sitting.write(tx)
            return outcome

        now_ms = self._open([ask.wish]).now_ms
        reply = cast("type[R | MarketError]", self._reply)  # a refusal is never stored
        try:
            outcome = await self._db.act(now_ms, body, reply)
        except Exception as error:
            if not ask.answer.done():
                ask.answer.set_exception(error)
        else:
            ask.settle(outcome)

    def _decide(
        self, sitting: Sitting[W, R], claims: Claims[R], ask: _Ask[W, R], tx: Tx
    ) -> R | MarketError:
        if ask.claim is None:
            return _said(sitting, ask.wish, tx)
        earlier = claims.earlier(ask.claim)
        if earlier is not None:
            return earlier
        outcome = _said(sitting, ask.wish, tx)
        if isinstance(outcome, MarketError):
            claims.refuse(ask.claim)
        else:
            claims.accept(ask.claim, outcome)
        return outcome


def _said(sitting: Sitting[W, R], wish: W, tx: Tx) -> R | MarketError:
    try:
        return sitting.decide(wish, tx)
    except MarketError as refusal:
        return refusal
