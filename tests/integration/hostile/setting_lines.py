"""The lines of what operators set: experiments, weights, flags."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.integration.hostile.asking import Ask, Line, by, get
from tests.integration.hostile.scene import World, new_key

WEIGHTS = {"distance": 0.4, "deal_rate": 0.3, "rating": 0.2, "price": 0.1}
ARMS = [{"name": name, "share_bp": 5_000, "weights": WEIGHTS} for name in ("a", "b")]
EXPERIMENT = {
    "name": "敌意", "unit": "user", "arms": ARMS, "regions": ["kunming"], "traffic_bp": 1, "sample_bp": 1,
    "window_hours": 1, "days": 1, "reason": "hostile",
}  # fmt: skip
FLAG = "hostile"
CAMPUS = {"name": "东校区", "lat": 31.0, "lng": 121.0, "radius_m": 500}
MOVED = (("version", 77, "version_conflict"),)


async def set_before(world: World, path: str) -> Any:
    answer = await world.ask("GET", path, token=world.operator.token)
    assert answer.status == 200, answer
    return answer.json


async def an_experiment(world: World) -> dict[str, Any]:
    made = await world.ask(
        "POST", "/v1/experiments", token=world.operator.token, key=new_key(), body=EXPERIMENT
    )
    assert made.status == 201, made
    return {"experiment_id": made.json["experiment_id"], "version": 1, "reason": "hostile"}


async def a_draft(world: World) -> Ask:
    return Ask(world.operator, await an_experiment(world))


async def a_result(world: World) -> Ask:
    """As soon as insights has heard of it."""
    id_ = (await an_experiment(world))["experiment_id"]
    path, token = f"/v1/experiments/{id_}/results", world.operator.token
    async with asyncio.timeout(20):
        while (await world.ask("GET", path, token=token)).status != 200:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return Ask(world.operator, {"experiment_id": id_})


async def new_weights(world: World) -> Ask:
    version = (await set_before(world, "/v1/experiments"))["weights_version"]
    return Ask(world.operator, {"version": version, "weights": WEIGHTS, "reason": "hostile"})


async def a_flag(world: World) -> Ask:
    flags = (await set_before(world, "/v1/flags"))["flags"]
    version = next((f["version"] for f in flags if f["name"] == FLAG), 0)
    return Ask(
        world.operator,
        {
            "name": FLAG, "version": version, "on": True, "regions": ["kunming"], "campuses": [CAMPUS],
            "share_bp": 10, "users": [world.stranger.id], "reason": "hostile",
        },
    )  # fmt: skip


def changes_of(name: str) -> Any:
    return get(f"/v1/settings/changes?name={name}&limit=200", lambda v: len(v["changes"]))


SETTING_LINES: dict[str, Line] = {
    "listings.experiments": Line(build=by("operator"), stranger="forbidden"),
    "listings.create_experiment": Line(
        build=by("operator", **EXPERIMENT), stranger="forbidden",
        see=get("/v1/experiments", lambda v: len(v["experiments"])),
    ),
    "listings.start_experiment": Line(
        build=a_draft, stranger="forbidden", stale=MOVED, see=changes_of("experiment:{experiment_id}")
    ),
    "listings.stop_experiment": Line(
        build=a_draft, stranger="forbidden", stale=MOVED, see=changes_of("experiment:{experiment_id}")
    ),
    "listings.set_weights": Line(
        build=new_weights, stranger="forbidden", stale=MOVED, see=changes_of("weights")
    ),
    "insights.experiment_results": Line(build=a_result, stranger="forbidden"),
    "listings.setting_changes": Line(build=by("operator", name="weights", limit=5), stranger="forbidden"),
    "listings.flags": Line(build=by("operator"), stranger="forbidden"),
    "listings.set_flag": Line(
        build=a_flag, stranger="forbidden", stale=MOVED, see=changes_of(f"flag:{FLAG}")
    ),
    "listings.flags_mine": Line(build=by("", lat=31.2, lng=121.5)),
}  # fmt: skip
