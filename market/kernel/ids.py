"""63-bit ids: 41 bits of milliseconds since 2026, 10 of gene, 12 of counter.

The gene says which shard an entity belongs to: an order is given its listing's gene, so that both live together. The
counter starts anywhere, so that two processes rarely meet; when they do, the primary key refuses and a new id is made.
On every wire an id is a decimal string, because JavaScript loses integers past 2^53.
"""

from __future__ import annotations

from collections.abc import Callable

EPOCH_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
GENE_BITS = 10
COUNTER_BITS = 12
MAX_ID = 2**63 - 1


class Id(int):
    """An entity's id. A type of its own, so that codecs write it as a decimal string."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Id:
        """Raise ValueError unless `text` is a decimal id as this product writes it."""
        if not (text.isascii() and text.isdigit() and len(text) <= 19) or (
            len(text) > 1 and text[0] == "0"
        ):
            raise ValueError("an id is a decimal string")
        value = int(text)
        if value > MAX_ID:
            raise ValueError("an id has 63 bits")
        return cls(value)


def made_ms(id_: int) -> int:
    """UTC ms at which it was made, by the clock of who made it."""
    return EPOCH_MS + (id_ >> (GENE_BITS + COUNTER_BITS))


def gene_of(id_: int) -> int:
    return (id_ >> COUNTER_BITS) & ((1 << GENE_BITS) - 1)


class IdMaker:
    """Makes ids for one process. `random_below(n)` gives an integer in [0, n)."""

    def __init__(self, random_below: Callable[[int], int]) -> None:
        self._random_below = random_below
        self._counter = random_below(1 << COUNTER_BITS)

    def make(self, now_ms: int, gene: int | None = None) -> Id:
        self._counter = (self._counter + 1) % (1 << COUNTER_BITS)
        if gene is None:
            gene = self._random_below(1 << GENE_BITS)
        elapsed = max(0, now_ms - EPOCH_MS)
        return Id((elapsed << (GENE_BITS + COUNTER_BITS)) | (gene << COUNTER_BITS) | self._counter)
