"""Searches that mean no good: refused by code, or answered as what they say, and never with more than may be seen."""

from __future__ import annotations

import base64
import time
from typing import Any

import pytest

from tests.integration.hostile.scene import World, envelope_faults

HERE = {"lat": "31.2304", "lng": "121.4737"}
MOST_SHOWN = base64.urlsafe_b64encode(bytes(8 * 401)).decode().rstrip("=")
INJECTIONS = ("' OR 1=1 --", "\\", "%", "_%_", "');DROP TABLE listings;--", "%s", "{}", "🐼" * 16)
SLOW_S = 3.0

REFUSED: dict[str, dict[str, Any]] = {
    "nowhere": {},
    "half a place": {"lat": "31"},
    "north of north": HERE | {"lat": "90.0001"},
    "no number": HERE | {"lng": "nan"},
    "endless": HERE | {"lng": "1e999"},
    "a radius of nothing": HERE | {"radius_m": "0"},
    "a radius of the earth": HERE | {"radius_m": "6371000"},
    "a radius that is none": HERE | {"radius_m": "NaN"},
    "the whole world": {"south": "-90", "west": "-180", "north": "90", "east": "180"},
    "a box upside down": {"south": "31.1", "west": "121", "north": "31", "east": "121.1"},
    "a box of three sides": {"south": "31", "west": "121", "north": "31.1"},
    "a box around the back": {"south": "31", "west": "121.1", "north": "31.1", "east": "121"},
    "a page of nothing": HERE | {"limit": "0"},
    "a page of everything": HERE | {"limit": "1000000"},
    "a page before the first": HERE | {"limit": "-1"},
    "a cursor of a byte": HERE | {"cursor": "AA"},
    "a cursor of other letters": HERE | {"cursor": "+/=="},
    "a cursor of too many": HERE | {"cursor": MOST_SHOWN},
    "a cursor of no ids": HERE | {"cursor": "_" * 32},
    "six hundred tags": HERE | {"attributes": ",".join(f"a{n}:1" for n in range(600))},
    "a path for a tag": HERE | {"attributes": "$**:1"},
    "a quote for a tag": HERE | {"attributes": 'a")=1 OR ("1:1'},
    "words without end": HERE | {"text": "电" * 65},
    "half a period": HERE | {"start_ms": "1"},
    "a period backwards": HERE | {"start_ms": "2", "end_ms": "1"},
    "before all time": HERE | {"start_ms": "-1", "end_ms": "1"},
    "nobody's seats": HERE | {"start_ms": "1", "end_ms": "2", "seats": "0"},
    "a negative price": HERE | {"max_price_day_fen": "-1"},
    "all the money there is": HERE | {"min_price_day_fen": str(2**64)},
    "a sort of its own": HERE | {"sort": "id; --"},
}  # fmt: skip


@pytest.mark.parametrize("query", REFUSED.values(), ids=REFUSED)
async def test_what_makes_no_sense_is_refused_by_its_code(
    world: World, query: dict[str, Any]
) -> None:
    answer = await world.ask("GET", "/v1/listings", query=query)
    assert (answer.status, answer.code) == (400, "invalid")
    assert envelope_faults(answer) == []


@pytest.mark.parametrize("text", INJECTIONS)
@pytest.mark.parametrize("field", ["text", "attributes"])
async def test_what_is_no_question_is_a_word_like_others(
    world: World, field: str, text: str
) -> None:
    wanted = text if field == "text" else f"a:{text.translate({44: None, 58: None})}"
    query = HERE | {field: wanted, "sort": "distance", "limit": "50"}
    answer = await world.ask("GET", "/v1/listings", query=query)
    assert answer.status == 200, answer
    found = {hit["listing"]["listing_id"] for hit in answer.json["hits"]}
    assert world.listing["listing_id"] not in found  # it says no such thing; others may


@pytest.mark.parametrize("edge", [("90", "180"), ("-90", "-180"), ("0", "180"), ("-0.0", "1e-300")])
async def test_the_ends_of_the_world_are_places(world: World, edge: tuple[str, str]) -> None:
    began = time.monotonic()
    for sort in ("match", "distance", "price", "rating"):
        query = {"lat": edge[0], "lng": edge[1], "radius_m": "50000", "limit": "50", "sort": sort}
        answer = await world.ask("GET", "/v1/listings", query=query)
        assert answer.status == 200, answer
    assert time.monotonic() - began < SLOW_S


async def test_a_forged_cursor_hides_things_from_its_forger_alone(world: World) -> None:
    listing = await world.publish()
    query = HERE | {"sort": "distance", "limit": "50"}
    forged = base64.urlsafe_b64encode(int(listing["listing_id"]).to_bytes(8, "big")).decode()
    hidden = await world.ask("GET", "/v1/listings", query=query | {"cursor": forged.rstrip("=")})
    shown = await world.ask("GET", "/v1/listings", query=query)

    def ids(answer: Any) -> set[str]:
        return {hit["listing"]["listing_id"] for hit in answer.json["hits"]}

    assert hidden.status == shown.status == 200
    assert listing["listing_id"] not in ids(hidden)
    assert all(hit["listing"]["status"] == "live" for hit in hidden.json["hits"])
