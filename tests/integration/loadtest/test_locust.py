"""The virtual users stay alive: every scenario runs in locust's own process against the product, and notices what goes wrong."""

from __future__ import annotations

import argparse
import re
import threading
from pathlib import Path
from typing import Any

import pytest

from devkit.stack import ServingProcess, Stack
from loadtest.soaks.locust import SCENARIOS, passed, play


def options(users: int, seconds: float) -> argparse.Namespace:
    return argparse.Namespace(
        users=users, seconds=seconds, spawn_rate=users, pace=0.01, processes=1
    )


def value(hub: ServingProcess, metric: str) -> float:
    found = re.search(rf"^{re.escape(metric)} ([0-9.]+)".encode(), hub.get("/metrics")[1], re.M)
    return float(found[1]) if found else 0.0


@pytest.mark.slow
def test_every_scenario_without_failure(stack: Stack, tmp_path: Path) -> None:
    report = play(stack, list(SCENARIOS.values()), options(users=26, seconds=5), tmp_path)
    assert passed(report), report
    happened = set(report["events"])
    assert {
        "ws:connect", "ws:resume", "ws:ping", "cmd:orders.create", "cmd:orders.accept", "cmd:chat.send",
        "push:order", "push:chat", "push:calendar", "push:hold", "push:user", "pay:ready",
    } <= happened  # fmt: skip


@pytest.mark.slow
def test_a_hub_that_dies_is_a_failure(stack: Stack, tmp_path: Path) -> None:
    users, reports = 10, list[dict[str, Any]]()
    hubs = (stack["hub-1"], stack["hub-2"])

    def asked() -> float:
        return sum(value(hub, 'sharehub_hub_frames_total{op="subscribe"}') for hub in hubs)

    before = asked()
    run = threading.Thread(
        target=lambda: reports.append(play(stack, ["Idle"], options(users, 5), tmp_path))
    )
    run.start()
    died = hubs[0]
    try:
        # All are greeted, then: a connection that breaks before is only tried again.
        while run.is_alive() and asked() < before + users:
            run.join(0.05)
        died = max(hubs, key=lambda hub: value(hub, "sharehub_hub_connections"))
        died.kill()
    finally:
        run.join()
        died.start()
    assert not passed(reports[0])
    assert any(failure["name"] == "ws:close" for failure in reports[0]["failures"]), reports
