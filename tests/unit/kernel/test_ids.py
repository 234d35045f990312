"""Ids: 63 bits, a gene that says where they live, and one spelling."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.kernel.ids import COUNTER_BITS, EPOCH_MS, GENE_BITS, MAX_ID, Id, IdMaker, gene_of

LAST_MS = EPOCH_MS + 2**41 - 1
moments = st.integers(EPOCH_MS, LAST_MS)
genes = st.integers(0, 2**GENE_BITS - 1)


def maker(seed: int = 1) -> IdMaker:
    return IdMaker(random.Random(seed).randrange)


@given(moments, genes)
def test_an_id_has_63_bits_and_keeps_its_gene(now_ms: int, gene: int) -> None:
    made = maker().make(now_ms, gene)
    assert 0 <= made <= MAX_ID
    assert gene_of(made) == gene


@given(moments)
def test_a_given_gene_brings_an_order_to_its_listings_shard(now_ms: int) -> None:
    ids = maker()
    listing = ids.make(now_ms)
    assert gene_of(ids.make(now_ms + 5, gene_of(listing))) == gene_of(listing)


@given(moments, moments)
def test_ids_rise_with_time(one_ms: int, other_ms: int) -> None:
    ids = maker()
    if one_ms < other_ms:
        assert ids.make(one_ms) < ids.make(other_ms)


def test_a_whole_counters_worth_of_ids_within_one_millisecond_differ() -> None:
    ids = maker()
    made = [ids.make(EPOCH_MS + 7, gene=3) for _ in range(2**COUNTER_BITS)]
    assert len(set(made)) == 2**COUNTER_BITS
    assert ids.make(EPOCH_MS + 7, gene=3) == made[0]  # which is why primary keys have the last word


def test_two_processes_start_counting_anywhere() -> None:
    firsts = {maker(seed).make(EPOCH_MS, gene=0) for seed in range(50)}
    assert len(firsts) > 45


def test_a_clock_before_the_epoch_still_gives_an_id() -> None:
    assert maker().make(0, gene=1) >> (GENE_BITS + COUNTER_BITS) == 0


@given(st.integers(0, MAX_ID))
def test_the_decimal_string_comes_back(value: int) -> None:
    parsed = Id.parse(str(value))
    assert parsed == value
    assert type(parsed) is Id


@pytest.mark.parametrize(
    "text",
    ["", "-1", "+1", " 1", "1 ", "1\n", "01", "00", "1.0", "1e3", "0x1", "1_000", "a", "\uff11", "\u0661",
     "\u00b2", str(2**63), "9" * 20, "1" * 5000],
)  # fmt: skip
def test_no_other_spelling_is_an_id(text: str) -> None:
    with pytest.raises(ValueError, match="an id"):
        Id.parse(text)
