"""A real Prometheus with our rules beside a healthy product: it finds the series that the rules ask for, and none fires."""

from __future__ import annotations

import http.client
import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from devkit import ROOT
from devkit.child import Child
from devkit.ports import free_port
from devkit.stack import Stack

PROGRAM = "prometheus"
ALWAYS_THERE = (
    "sharehub_hub_pubsub_last_seen_age_seconds", "sharehub_hub_connections", "sharehub_outbox_oldest_seconds",
    "sharehub_inbox_oldest_seconds", "sharehub_inbox_poison", "sharehub_worker_last_ok_seconds",
    "sharehub_refunds_waiting", "sharehub_publish_queue", "process_open_fds", "process_start_time_seconds",
)  # fmt: skip


class Asked:
    def __init__(self, port: int) -> None:
        self._port = port

    def get(self, path: str) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
            return json.loads(body)["data"] if answer.status == 200 else None
        except OSError:
            return None
        finally:
            connection.close()

    def query(self, expr: str) -> list[dict[str, Any]]:
        data = self.get(f"/api/v1/query?query={quote(expr)}")
        return list(data["result"]) if data else []

    def wait_for(self, expr: str, within_s: float = 30.0) -> list[dict[str, Any]]:
        deadline = time.monotonic() + within_s
        while not (found := self.query(expr)):
            assert time.monotonic() < deadline, f"nothing for {expr}"
            time.sleep(0.2)
        return found


@pytest.fixture
def prometheus(new_stack: Callable[[], Stack], tmp_path: Path) -> Iterator[Asked]:
    """Our configuration with this stack's addresses, and everything asked for every second."""
    stack = (
        new_stack()
    )  # the shared one may have been through something that alerts are right to tell of
    program = shutil.which(PROGRAM)
    assert program, "it comes with promtool, which ./dev test fetches"
    config = yaml.safe_load((ROOT / "monitoring" / "prometheus.yml").read_text())
    config["global"] = {
        "scrape_interval": "1s",
        "scrape_timeout": "1s",
        "evaluation_interval": "1s",
    }
    config["rule_files"] = [str(ROOT / "monitoring" / "rules" / "*.yml")]
    port = free_port()
    config["scrape_configs"] = [
        {
            "job_name": job,
            "static_configs": [
                {"targets": [f"127.0.0.1:{p.port}" for n, p in stack.processes.items() if n.startswith(job)]}
            ],
        }
        for job in ("hub", "api", "workers")
    ]  # fmt: skip
    file = tmp_path / "prometheus.yml"
    file.write_text(yaml.safe_dump(config))
    child = Child(
        PROGRAM,
        [
            program,
            f"--config.file={file}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        log_file=tmp_path / "prometheus.log",
        ready=lambda: Asked(port).get("/api/v1/status/runtimeinfo") is not None,
    )
    child.start()
    try:
        yield Asked(port)
    finally:
        child.stop()


@pytest.mark.slow
def test_a_healthy_product_has_the_series_and_fires_no_alert(prometheus: Asked) -> None:
    prometheus.wait_for('count(up{job=~"hub|api|workers"} == 1) == 4')
    for name in ALWAYS_THERE:
        prometheus.wait_for(name)
    jobs = {
        s["metric"]["exported_job"] for s in prometheus.query("sharehub_worker_last_ok_seconds")
    }
    assert {"relay.orders", "settlement", "order_timers"} <= jobs
    deadline = time.monotonic() + 20
    while True:
        groups = prometheus.get("/api/v1/rules")["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        if all(rule["health"] != "unknown" for rule in rules):
            break
        assert time.monotonic() < deadline, "some rules are not evaluated"
        time.sleep(0.2)
    assert len(rules) > 25
    assert {rule["name"]: rule["lastError"] for rule in rules if rule["health"] != "ok"} == {}
    firing = prometheus.query('ALERTS{alertstate="firing"}')
    assert [sample["metric"]["alertname"] for sample in firing] == []
