"""Where wishes for orders are decided, some at a time: their rows are locked, they are decided in turn, what changed is written."""

from __future__ import annotations

from collections.abc import Sequence

from infra.mysql.connection import Row, Statement
from infra.mysql.database import Tx
from market.orders import store
from market.orders.remembered import Remembered
from market.orders.rules.deciding import Book, Create, Outcome, Wish, decide


class Desk:
    """One transaction's work: an `infra.mysql.groups.Sitting`."""

    def __init__(self, wishes: Sequence[Wish], remembered: Remembered | None = None) -> None:
        self.now_ms = max(wish.now_ms for wish in wishes)
        # A period may begin a little ago: what has ended since then overlaps it still.
        starts = [wish.period.start_ms for wish in wishes if isinstance(wish, Create)]
        since_ms = min([*starts, *(wish.now_ms for wish in wishes)])
        self._locks = store.Locks(since_ms, remembered)
        for wish in wishes:
            if isinstance(wish, Create):
                self._locks.listing(wish.listing_id)
                self._locks.buyer(wish.buyer_id, counted=wish.most_unpaid > 0)
            else:
                self._locks.order(wish.order_id, frees=wish.frees)
        self.locks: Sequence[Statement] = self._locks.statements()
        self._book = Book()

    async def load(self, rows: Sequence[Sequence[Row]], tx: Tx) -> None:
        self._book = await self._locks.book(rows, tx)

    def decide(self, wish: Wish, tx: Tx) -> Outcome:
        return decide(self._book, wish, tx.new_id)

    def write(self, tx: Tx) -> None:
        store.write(tx, self._book)

    def committed(self) -> None:
        self._locks.keep(self._book)
