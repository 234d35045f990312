"""Rules and dashboard: what they name exists, what they say parses, what they promise fires."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

from api.app import SERVICES
from devkit import ROOT
from infra.config import WINGS

MONITORING = ROOT / "monitoring"
RULES = sorted((MONITORING / "rules").glob("*.yml"))
DASHBOARD = MONITORING / "dashboards" / "sharehub.json"
BUILT_IN = {"up", "ALERTS"}
MACROS = {"$__rate_interval": "5m", "$__interval": "1m", "$__range": "1h"}
_NAME = re.compile(r"\b(?:sharehub|process)_[a-z0-9_]+\b")


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    program = shutil.which("promtool")
    assert program, "promtool is fetched by ./dev test"
    return subprocess.run(
        [program, *map(str, arguments)], capture_output=True, text=True, check=False
    )


def alerts() -> list[dict[str, Any]]:
    groups = [g for file in RULES for g in yaml.safe_load(file.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    return found


def expressions() -> Iterator[tuple[str, str]]:
    """(where, PromQL) of everything on the dashboard."""
    for panel in panels():
        for target in panel.get("targets", ()):
            expr = target["expr"]
            for macro, value in MACROS.items():
                expr = expr.replace(macro, value)
            yield panel["title"], expr


@pytest.fixture(scope="module")
def known() -> dict[str, set[str]]:
    """Every series that our processes can have -> its labels, from the metrics that their modules declare."""
    for package in ("hub", "api", "workers", "infra", "market"):
        root = importlib.import_module(package)
        for module in pkgutil.walk_packages(root.__path__, f"{package}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    collectors = list(REGISTRY._collector_to_names.items())
    return {
        name: set(getattr(collector, "_labelnames", ()))
        | ({"le"} if name.endswith("_bucket") else set())
        for collector, names in collectors
        for name in names
    }


# --- the configuration ------------------------------------------------------------------------------------------------


def test_prometheus_accepts_its_configuration() -> None:
    done = promtool("check", "config", MONITORING / "prometheus.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(RULES)} rule files found" in done.stdout


def test_every_process_is_scraped() -> None:
    config = yaml.safe_load((MONITORING / "prometheus.yml").read_text())
    scraped = {
        job["job_name"]: [target for sc in job["static_configs"] for target in sc["targets"]]
        for job in config["scrape_configs"]
    }
    assert scraped["hub"] == ["hub-1:8080", "hub-2:8080"]
    assert scraped["api"] == [f"api-{service}:8080" for service in SERVICES]
    assert scraped["workers"] == ["relay:8080", *(f"workers-{wing}:8080" for wing in WINGS)]
    containers = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    targets = {t.partition(":")[0] for job in ("hub", "api", "workers") for t in scraped[job]}
    for name, container in containers.items():
        # A process that is scraped is in the network that Prometheus is in, and the other way round.
        assert (name in targets) == ("watch" in container["networks"]) or name in (
            "prometheus",
            "grafana",
        )


# --- alerts -----------------------------------------------------------------------------------------------------------


def test_every_alert_says_what_it_means_and_what_to_do() -> None:
    runbooks = {file.name for file in (MONITORING / "runbooks").glob("*.md")}
    used = set()
    for rule in alerts():
        assert rule["labels"]["severity"] in ("critical", "warning"), rule["alert"]
        notes = rule["annotations"]
        assert notes["summary"], rule["alert"]
        assert notes["description"], rule["alert"]
        folder, _, name = notes["runbook"].rpartition("/")
        assert (folder, name in runbooks) == ("monitoring/runbooks", True), rule["alert"]
        assert rule["alert"] in (MONITORING / "runbooks" / name).read_text(), rule["alert"]
        used.add(name)
    assert used == runbooks


def test_names_of_alerts_are_unique() -> None:
    names = [rule["alert"] for rule in alerts()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    "part", ["## What it means", "## What users feel", "## How to check", "## How to mend"]
)
def test_every_runbook_has_its_parts(part: str) -> None:
    for file in (MONITORING / "runbooks").glob("*.md"):
        assert part in file.read_text().splitlines(), file.name


def test_runbooks_name_metrics_that_exist(known: dict[str, set[str]]) -> None:
    for file in (MONITORING / "runbooks").glob("*.md"):
        for name in re.findall(r"sharehub_[a-z0-9_]+[a-z0-9]", file.read_text()):
            assert name in known, f"{file.name}: {name}"


def test_alerts_fire_when_they_should_and_not_when_they_should_not() -> None:
    done = promtool("test", "rules", *sorted((MONITORING / "tests").glob("*.yml")))
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_seen_quiet_and_firing() -> None:
    quiet, firing = set(), set()
    for file in sorted((MONITORING / "tests").glob("*.yml")):
        for test in yaml.safe_load(file.read_text())["tests"]:
            for case in test["promql_expr_test"]:
                # All alerts are counted: one that fires beside the one that should fails the test, too.
                assert case["expr"] == 'count by (alertname) (ALERTS{alertstate="firing"})'
                samples = case.get("exp_samples") or []
                if not samples:
                    quiet.add(test["name"])
                assert [s["labels"] for s in samples] in ([], [f'{{alertname="{test["name"]}"}}'])
                firing |= {test["name"]} if samples else set()
    assert quiet == firing == {rule["alert"] for rule in alerts()}


# --- names ------------------------------------------------------------------------------------------------------------


def test_alerts_and_panels_name_metrics_that_exist(known: dict[str, set[str]]) -> None:
    asked = [(rule["alert"], rule["expr"]) for rule in alerts()] + list(expressions())
    assert len(asked) > 60
    for where, expr in asked:
        names = _NAME.findall(expr)
        assert names or any(name in expr for name in BUILT_IN), where
        for name in names:
            assert name in known, f"{where}: there is no metric {name}"


def test_alerts_and_panels_name_labels_that_exist(known: dict[str, set[str]]) -> None:
    given = {"job", "instance", "exported_job", "alertstate"}
    for where, expr in [(r["alert"], r["expr"]) for r in alerts()] + list(expressions()):
        labels = set().union(*(known[name] for name in _NAME.findall(expr)), given)
        asked = set(re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"', expr))
        for group in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", expr):
            asked |= {label.strip() for label in group.split(",")}
        assert asked <= labels, f"{where}: {asked - labels}"


# --- the dashboard ----------------------------------------------------------------------------------------------------


def test_every_expression_of_the_dashboard_parses(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{n}", "expr": expr} for n, (_, expr) in enumerate(expressions())]
    assert len(rules) > 40
    file = tmp_path / "panels.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    done = promtool("check", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr


def test_panels_lie_side_by_side_under_their_rows() -> None:
    ids = [panel["id"] for panel in panels()]
    assert len(set(ids)) == len(ids)
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
    assert [panel["title"] for panel in panels() if panel["type"] == "row"] == [
        "Golden signals", "Hub", "Commands", "Facts", "Payments",
        "MySQL and Redis, as the processes see them", "Processes",
    ]  # fmt: skip


def test_grafana_finds_its_source_and_its_dashboard() -> None:
    provisioning = ROOT / "deploy" / "grafana" / "provisioning"
    [source] = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text())[
        "datasources"
    ]
    used = {panel["datasource"]["uid"] for panel in panels() if panel["type"] != "row"}
    assert used == {source["uid"]}
    [provider] = yaml.safe_load((provisioning / "dashboards" / "sharehub.yml").read_text())[
        "providers"
    ]
    mounts = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["grafana"][
        "volumes"
    ]
    assert f"./monitoring/dashboards:{provider['options']['path']}:ro" in mounts
