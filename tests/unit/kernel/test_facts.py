"""Facts: every kind is known, and each survives the wire, ids as decimal strings."""

from __future__ import annotations

import dataclasses
from typing import Any, get_args, get_type_hints

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra import wire
from market.kernel import facts
from market.kernel.availability import DayException, Plan
from market.kernel.errors import BadInput
from market.kernel.exposure import ArmShare, Exposure, Shown
from market.kernel.facts import KINDS, ORDER_STATES, ExtensionOwed, Fact, FactData, OrderMoved
from market.kernel.geo import Point
from market.kernel.ids import MAX_ID, Id
from market.kernel.terms import Booking, Policy, Terms
from market.kernel.topics import Push
from market.orders.commands import GetOrder
from market.orders.rules import life

ids = st.integers(0, MAX_ID).map(Id)
text = st.text(st.characters(codec="utf-8"), max_size=40)
windows = st.lists(st.just((0, 1440)) | st.just((540, 720)), max_size=2).map(tuple)
plans = st.builds(
    Plan,
    weekly=st.tuples(*[windows] * 7),
    exceptions=st.lists(
        st.builds(DayException, day=st.just("2026-05-01"), windows=windows), max_size=2
    ).map(tuple),
    time_zone=st.sampled_from(["Asia/Shanghai", "Europe/Berlin"]),
)
terms = st.builds(
    Terms, plan=plans, price_hour_fen=st.none() | st.integers(0, 2**53),
    surcharge_bp=st.just((0,) * 7) | st.just((0, 1, 2, 3, 4, 5, 6)), waives_deposit=st.booleans(),
    policy=st.sampled_from(get_args(Policy)), booking=st.sampled_from(get_args(Booking)),
    capacity=st.integers(1, 9), horizon_days=st.integers(1, 90),
)  # fmt: skip
unit_floats = st.floats(0, 1)
points = st.builds(Point, lat=st.floats(-90, 90), lng=st.floats(-180, 180))
exposures = st.builds(
    Exposure, experiment_id=ids, arm=text, user_id=ids, region=text, at_ms=st.integers(0, 2**53),
    shown=st.lists(
        st.builds(
            Shown, listing_id=ids, rank=st.integers(1, 50), score=unit_floats, distance=unit_floats,
            deal_rate=unit_floats, rating=unit_floats, price=unit_floats,
        ),
        max_size=2,
    ).map(tuple),
)  # fmt: skip
OF_TYPE: dict[Any, st.SearchStrategy[Any]] = {
    Id: ids, bool: st.booleans(), str: text, int: st.integers(-(2**63), 2**63 - 1), Terms: terms,
    tuple[str, ...]: st.lists(text, max_size=2).map(tuple),
    tuple[ArmShare, ...]: st.lists(st.builds(ArmShare, name=text, share_bp=st.integers(0, 10_000)), max_size=2).map(tuple),
    tuple[Exposure, ...]: st.lists(exposures, max_size=2).map(tuple), Point | None: st.none() | points,
}  # fmt: skip


OF_TYPE[tuple[ExtensionOwed, ...]] = st.lists(
    st.builds(ExtensionOwed, **{f.name: text if f.name == "state" else st.integers(0, 2**53) for f in dataclasses.fields(ExtensionOwed)}),
    max_size=2,
).map(tuple)  # fmt: skip


def data_of(type_: type[Any]) -> st.SearchStrategy[Any]:
    hints = get_type_hints(type_)
    return st.builds(type_, **{f.name: OF_TYPE[hints[f.name]] for f in dataclasses.fields(type_)})


some_fact_data = st.sampled_from(sorted(set(KINDS.values()), key=lambda t: t.__name__)).flatmap(
    data_of
)


def test_every_type_of_fact_has_its_kind_and_no_kind_is_without() -> None:
    assert set(KINDS.values()) == set(get_args(FactData))
    declared = {
        t for t in vars(facts).values()
        if dataclasses.is_dataclass(t) and isinstance(t, type) and t.__module__ == facts.__name__
    }  # fmt: skip
    assert declared - {facts.Fact, facts.Heard, facts.ExtensionOwed} == set(get_args(FactData))
    for kind, type_ in KINDS.items():
        assert type_ is OrderMoved or kind == type_.KIND  # type: ignore[union-attr]
        assert len(kind) <= 64  # the outbox's column


def test_each_state_of_an_order_is_a_kind() -> None:
    assert set(ORDER_STATES) == set(get_args(life.State))
    for state in ORDER_STATES:
        assert KINDS[f"order.{state}"] is OrderMoved


@settings(max_examples=200)
@given(some_fact_data)
def test_a_fact_comes_back_from_the_wire(data: Any) -> None:
    assert wire.from_msgpack(wire.msgpack(data), type(data)) == data
    assert wire.from_json(wire.json(data), type(data)) == data


@settings(max_examples=100)
@given(some_fact_data)
def test_ids_are_decimal_strings_on_the_wire(data: Any) -> None:
    raw = msgspec.msgpack.decode(wire.msgpack(data))
    plain = wire.plain(data)
    for field in dataclasses.fields(data):
        value = getattr(data, field.name)
        if isinstance(value, Id):
            assert raw[field.name] == plain[field.name] == str(int(value))


@given(ids, text)
def test_pushes_come_back_with_their_payload_as_clients_see_it(id_: Id, title: str) -> None:
    push = Push(
        topic=f"listing:{id_}", kind="state", version=3, payload={"id": id_, "title": title}
    )
    (back,) = wire.from_msgpack(wire.msgpack((push,)), tuple[Push, ...])
    assert back == dataclasses.replace(push, payload={"id": str(int(id_)), "title": title})


@pytest.mark.parametrize("value", [7, 7.0, None, True, ["7"], "-7", "007", "x", "", str(2**63)])
def test_an_id_is_read_from_a_decimal_string_only(value: object) -> None:
    assert wire.command({"order_id": "7"}, GetOrder) == GetOrder(order_id=Id(7))
    with pytest.raises(BadInput):
        wire.command({"order_id": value}, GetOrder)


def test_a_fact_is_frozen() -> None:
    fact = Fact(kind="x", entity=Id(1), version=1, data=facts.NoticeAdded(user_id=Id(1), seq=1))
    with pytest.raises(dataclasses.FrozenInstanceError):
        fact.version = 2  # type: ignore[misc]
