"""Rows that were there before a migration mean the same after it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from devkit.servers import PrivateServers
from infra import wire
from infra.mysql import migrate as migrations
from market.kernel.availability import DayException, Plan
from market.kernel.geo import Point, cell, distance_m
from market.kernel.terms import Terms

PLAN = Plan(
    weekly=(((540, 1080),),) * 7,
    exceptions=(DayException(day="2026-10-01"),),
    time_zone="Europe/Berlin",
)

pytestmark = pytest.mark.allow_blocking


@pytest.fixture
def scratch(environment: Any, servers: PrivateServers) -> Iterator[Any]:
    with servers.mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE old_rows")
        cursor.execute("USE old_rows")
        yield cursor
        cursor.execute("DROP DATABASE old_rows")


def apply(cursor: Any, wing: str, *names: str) -> None:
    for name, sql in migrations.migrations(wing):
        if name.partition("/")[2] in names:
            for statement in migrations.statements(sql):
                cursor.execute(statement)


@pytest.mark.parametrize(("hour", "day"), [(500, None), (None, 3_000), (0, 9)])
def test_a_bookable_keeps_its_plan_and_prices(
    scratch: Any, hour: int | None, day: int | None
) -> None:
    apply(scratch, "orders", "0001_orders.sql")
    scratch.execute(
        "INSERT INTO bookables VALUES (1, 2, 3, 4, 5, 'live', '电钻', '幸福路', %s, %s, %s, 700)",
        (wire.json(PLAN), hour, day),
    )
    scratch.execute(
        "INSERT INTO orders (id, version, process_version, state, blocking, entered_ms, listing_id, buyer_id, owner_id, title, "
        "address, start_ms, end_ms, terms_version, price_lines, rent_fen, deposit_fen, fee_fen, pay_by_ms, start_code, "
        "return_code, wrong_codes, reason, created_ms) "
        "VALUES (9, 1, 1, 'ready', 1, 1, 1, 6, 5, '', '', 100, 200, 4, '[]', 1, 1, 1, 1, '', '', 0, '', 1)"
    )
    apply(scratch, "orders", "0002_terms.sql")
    scratch.execute("SELECT terms FROM bookables")
    assert wire.from_json(scratch.fetchone()[0], Terms) == Terms(
        plan=PLAN, price_hour_fen=hour, price_day_fen=day, deposit_fen=700
    )
    scratch.execute("SELECT seats, until_ms, policy FROM orders")
    assert scratch.fetchone() == (1, 200, "flexible")


@pytest.mark.parametrize(
    ("state", "parts", "unpaid_by"),
    [
        ("pending_payment", (0, 0, 0, 100), 6), ("ready", (0, 0, 0, 100), None),
        ("completed", (5_000, 5_000, 900, 100), None), ("cancelled", (6_000, 5_000, 0, 0), None),
        ("expired", (6_000, 5_000, 0, 0), None), ("refunded", (6_000, 5_000, 0, 0), None),
    ],
)  # fmt: skip
def test_an_order_that_had_ended_says_who_got_what(
    scratch: Any, state: str, parts: tuple[int, ...], unpaid_by: int | None
) -> None:
    apply(scratch, "orders", "0001_orders.sql", "0002_terms.sql")
    scratch.execute(
        "INSERT INTO orders (id, version, process_version, state, blocking, entered_ms, listing_id, buyer_id, owner_id, title, "
        "address, start_ms, end_ms, terms_version, price_lines, rent_fen, deposit_fen, fee_fen, pay_by_ms, start_code, "
        "return_code, wrong_codes, reason, created_ms) "
        "VALUES (9, 1, 1, %s, 1, 1, 1, 6, 5, '', '', 100, 200, 4, '[]', 1000, 5000, 100, 1, '', '', 0, '', 1)",
        (state,),
    )
    apply(scratch, "orders", "0003_life.sql")
    scratch.execute(
        "SELECT refund_fen, refund_deposit_fen, owner_fen, fee_fen, unpaid_by FROM orders"
    )
    assert scratch.fetchone() == (*parts, unpaid_by)


@pytest.mark.parametrize(("hour", "day"), [(500, None), (None, 3_000), (0, 9)])
def test_a_listing_keeps_its_plan_and_prices(
    scratch: Any, hour: int | None, day: int | None
) -> None:
    apply(scratch, "listings", "0001_listings.sql", "0002_gone.sql")
    scratch.execute(
        "INSERT INTO listings VALUES (1, 2, 3, 4, '', '', 400, 0, 'live', '电钻', '', 'tools', '[]', 31, 121, 'wtw3s', '', %s, "
        "%s, %s, 700, 0, 400, 0, 0, 0, 0, 0)",
        (wire.json(PLAN), hour, day),
    )
    apply(scratch, "listings", "0003_terms.sql")
    scratch.execute("SELECT terms, price_hour_fen, price_day_fen, price_week_fen FROM listings")
    terms, *prices = scratch.fetchone()
    assert wire.from_json(terms, Terms) == Terms(
        plan=PLAN, price_hour_fen=hour, price_day_fen=day, deposit_fen=700
    )
    assert prices == [hour, day, None]


@pytest.mark.parametrize(
    "where", [(31.2304, 121.4737), (-48.5, -30.5), (-17.0, 179.9999), (0.0, 0.0), (89.0, -179.99)]
)
def test_an_older_listing_is_blurred(scratch: Any, where: tuple[float, float]) -> None:
    apply(scratch, "listings", "0001_listings.sql", "0002_gone.sql", "0003_terms.sql")
    scratch.execute("INSERT INTO owners VALUES (4, 1, '', '', 1, 400, 0)")
    scratch.execute(
        "INSERT INTO listings (id, version, terms_version, owner_id, owner_nickname, owner_avatar_url, owner_credit_centistars, "
        "owner_ratings, status, title, description, category, photos, lat, lng, cell, address, terms, rating_version, "
        "rating_centistars, ratings, orders_created, orders_completed, published_ms) VALUES "
        "(1, 2, 3, 4, '', '', 400, 0, 'live', '电钻', '', 'tools', '[]', %s, %s, 'wtw3s', '', '{}', 0, 400, 0, 0, 0, 0)",
        where,
    )
    apply(scratch, "listings", "0004_publishing.sql")
    scratch.execute("SELECT lat, lng, shown_lat, shown_lng, cell, attributes FROM listings")
    lat, lng, shown_lat, shown_lng, cell_, attributes = scratch.fetchone()
    assert (lat, lng) == where
    shown = Point(shown_lat, shown_lng)
    assert 145 <= distance_m(Point(lat, lng), shown) <= 305
    assert cell_ == cell(shown)
    assert attributes == "{}"
    scratch.execute("SELECT LENGTH(place_secret) FROM owners")
    assert scratch.fetchone() == (16,)
