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


def connections(hub: ServingProcess) -> float:
    found = re.search(
        rb"^sharehub_hub_connections(?:{[^}]*})? ([0-9.]+)", hub.get("/metrics")[1], re.M
    )
    assert found is not None
    return float(found[1])


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
    hub, reports = stack["hub-1"], list[dict[str, Any]]()
    run = threading.Thread(
        target=lambda: reports.append(play(stack, ["Idle"], options(10, 0.5), tmp_path))
    )
    run.start()
    try:
        while run.is_alive() and not connections(hub):
            run.join(0.05)
        hub.kill()
    finally:
        run.join()
        hub.start()
    assert not passed(reports[0])
    assert any(failure["name"] == "ws:close" for failure in reports[0]["failures"]), reports
