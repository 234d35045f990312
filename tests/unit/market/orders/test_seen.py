"""Whether a page of orders shows what its reader has seen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from infra import wire
from market.kernel.errors import BadInput
from market.kernel.ids import MAX_ID, Id
from market.orders.commands import ListOrders
from market.orders.rules import seen
from tests.unit.market.orders.samples import order_in

PAGE = [replace(order_in("ready", version=v), id=Id(id_)) for id_, v in ((90, 3), (70, 2), (50, 1))]


def shown(text: str, *, before: int = MAX_ID, more: bool = False) -> bool:
    return seen.shown(PAGE, seen.parse(text), before=before, more=more)


@pytest.mark.parametrize("text", ["", "90.3", "90.1", "90.3,70.2,50.1"])
def test_as_new_as_seen(text: str) -> None:
    assert shown(text)


@pytest.mark.parametrize("text", ["90.4", "90.3,50.2", "95.1", "60.1", "10.1"])
def test_older_than_seen_or_missing(text: str) -> None:
    assert not shown(text)


def test_what_belongs_on_another_page_is_no_matter() -> None:
    assert shown("10.1", more=True)
    assert not shown("60.1", more=True)
    assert shown("95.1", before=95)
    assert not shown("94.1", before=95)


def test_an_empty_page_shows_nothing() -> None:
    assert seen.shown([], {}, before=MAX_ID, more=False)
    assert not seen.shown([], {Id(1): 1}, before=MAX_ID, more=False)


@pytest.mark.parametrize("text", ["", "1.1", "9223372036854775807.1,2.9007199254740992"])
def test_what_may_be_sent(text: str) -> None:
    assert wire.command({"seen": text}, ListOrders).seen == text
    assert len(seen.parse(text)) == len(text.split(",")) - (text == "")


@pytest.mark.parametrize("text", ["1", "1.", ".1", "1.1,", "a.1", "1.-1", "1.1 ", ",".join(["1.1"] * 21), "٣.1"])  # fmt: skip
def test_what_may_not_be_sent(text: str) -> None:
    with pytest.raises(BadInput):
        wire.command({"seen": text}, ListOrders)
