"""An experiment through the running product: planned and started over REST, seen by searching people, told to insights, read."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from devkit.client import Person, Refusal
from devkit.stack import Stack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]

FRESH_S = 30
"""How old a read-out may be."""

HERE = {"lat": 24.8801, "lng": 102.8329}
"""In a region that no other test of the running product is about."""

PEOPLE = 8


async def person(http: aiohttp.ClientSession, stack: Stack, openid: str) -> Person:
    one = Person(
        http, api=stack.api_url, hubs=[hub.url for hub in stack.hubs], sandbox=stack.sandbox_url, openid=openid
    )  # fmt: skip
    await one.log_in()
    return one


async def eventually(look: Any, wanted: Any) -> Any:
    async with asyncio.timeout(3 * FRESH_S):
        while not wanted(seen := await look()):  # noqa: ASYNC110
            await asyncio.sleep(0.5)
    return seen


async def test_from_the_plan_to_the_counts(stack: Stack) -> None:
    async with aiohttp.ClientSession() as http:
        operator = await person(http, stack, "operator")
        plan = {
            "name": "端到端",
            "regions": ["kunming"],
            "days": 1,
            "window_hours": 1,
            "reason": "e2e",
        }
        draft = await operator.rest("POST", "/v1/experiments", plan)
        path, why = f"/v1/experiments/{draft['experiment_id']}", {"reason": "e2e"}
        running = await operator.rest("POST", f"{path}/start", {"version": draft["version"], **why})
        try:
            people = [await person(http, stack, f"o-experiment-{n}") for n in range(PEOPLE)]

            async def counted() -> dict[str, int]:
                for one in people:
                    page = await one.rest("GET", "/v1/listings", query=HERE)
                    assert page["region_live"] is True
                try:
                    seen = await operator.rest("GET", f"{path}/results")
                except Refusal as refusal:
                    if refusal.code != "not_found":  # insights has not heard of it yet
                        raise
                    return {}
                return {arm["name"]: arm["people"] for arm in seen["arms"]}

            found = await eventually(counted, lambda arms: sum(arms.values()) == PEOPLE)
            assert set(found) == {"distance_only", "full"}
            results = await operator.rest("GET", f"{path}/results")
            assert (results["verdict"], results["comparisons"]) == ("collecting", [])
        finally:
            await operator.rest("POST", f"{path}/stop", {"version": running["version"], **why})
