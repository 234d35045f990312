"""How long a test lasts when it counts from the moment at which everybody has settled in; and its figures as a file."""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path
from typing import Any

import gevent
from locust import events
from locust.runners import MasterRunner, WorkerRunner

from loadtest.users.place import Place
from loadtest.users.trouble import Missing

SETTLE_S = 300.0
log = logging.getLogger(__name__)


class Steady:
    """Counts who is ready over all processes, and ends the test `--steady` seconds after all are."""

    def __init__(self, environment: Any, place: Place) -> None:
        self._environment = environment
        self._place = place
        self._of_worker: dict[str, int] = {}
        self._cpu_s: dict[str, float] = {}
        self.settled_after_s: float | None = None
        if isinstance(environment.runner, WorkerRunner):
            events.report_to_master.add_listener(self._report)
        else:
            events.worker_report.add_listener(self._reported)
            events.test_start.add_listener(self._start)
            events.quitting.add_listener(self._save)

    def _report(self, client_id: str, data: dict[str, Any], **_: Any) -> None:
        data["ready"], data["cpu_s"] = len(self._place.ready), time.process_time()

    def _reported(self, client_id: str, data: dict[str, Any], **_: Any) -> None:
        self._of_worker[client_id] = int(data["ready"])
        self._cpu_s[client_id] = float(data["cpu_s"])

    @property
    def ready(self) -> int:
        if isinstance(self._environment.runner, MasterRunner):
            return sum(self._of_worker.values())
        return len(self._place.ready)

    def _start(self, **_: Any) -> None:
        self._of_worker.clear()
        if self._place.options.steady > 0:
            gevent.spawn(self._run)

    def _run(self) -> None:
        runner, began = self._environment.runner, time.monotonic()
        users = self._place.options.num_users
        while self.ready < users:
            if time.monotonic() - began > SETTLE_S:
                missing = Missing(f"only {self.ready} of {users} users settled in")
                self._place.meter.fail("users:ready", missing)
                runner.quit()
                return
            gevent.sleep(0.5)
        self.settled_after_s = round(time.monotonic() - began, 1)
        log.info("all %d users have settled in after %s s", users, self.settled_after_s)
        gevent.sleep(self._place.options.steady)
        runner.quit()

    def _save(self, **_: Any) -> None:
        if self._place.options.figures:
            text = json.dumps(self.figures(), indent=2, ensure_ascii=False)
            Path(self._place.options.figures).write_text(text)

    def figures(self) -> dict[str, Any]:
        """Counts and milliseconds by name, and what failed."""
        stats, runner = self._environment.stats, self._environment.runner
        crashes = [
            {"name": "exception", "error": error["msg"], "count": error["count"]}
            for error in runner.exceptions.values()
        ]
        failures = [
            {"name": error.name, "error": str(error.error), "count": error.occurrences}
            for error in stats.errors.values()
        ]
        return {
            "users": self._place.options.num_users,
            "settled_after_s": self.settled_after_s,
            "own_cpu_s": round(time.process_time() + sum(self._cpu_s.values()), 1),
            "failures": failures + crashes,
            "events": {entry.name: _figures(entry) for entry in stats.entries.values()},
        }


def _figures(entry: Any) -> dict[str, Any]:
    figures = {"count": entry.num_requests, "failures": entry.num_failures}
    for percent in (0.5, 0.95, 0.99):
        figures[f"p{percent * 100:.0f}_ms"] = entry.get_response_time_percentile(percent)
    return {**figures, "max_ms": round(entry.max_response_time, 1)}
