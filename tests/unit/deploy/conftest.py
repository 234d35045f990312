"""docker-compose.yml as an engine would see it, with a fresh `.env`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy import make_env
from devkit import ROOT

_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?:(?P<how>:[-?])(?P<rest>[^}]*))?\}")


def read_env(file: Path) -> dict[str, str]:
    lines = file.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def interpolated(value: Any, env: Mapping[str, str]) -> Any:
    """As compose does: ${NAME}, ${NAME:-default}, ${NAME:?needed}."""
    if isinstance(value, dict):
        return {key: interpolated(part, env) for key, part in value.items()}
    if isinstance(value, list):
        return [interpolated(part, env) for part in value]
    if not isinstance(value, str):
        return value

    def look_up(match: re.Match[str]) -> str:
        found = env.get(match["name"], "")
        if not found and match["how"] == ":?":
            raise AssertionError(f"{match['name']} is not in .env")
        return found or (match["rest"] or "" if match["how"] == ":-" else "")

    return _VARIABLE.sub(look_up, value)


@pytest.fixture(scope="session")
def compose_text() -> str:
    return (ROOT / "docker-compose.yml").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `python -m deploy.make_env` has been."""
    out = tmp_path_factory.mktemp("made")
    make_env.make(out)
    return out


@pytest.fixture(scope="session")
def env(made: Path) -> dict[str, str]:
    return read_env(made / ".env")


@pytest.fixture(scope="session")
def compose(compose_text: str, env: dict[str, str]) -> dict[str, Any]:
    whole: dict[str, Any] = interpolated(yaml.safe_load(compose_text), env)
    return whole


@pytest.fixture(scope="session")
def containers(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    services: dict[str, dict[str, Any]] = compose["services"]
    return services


@pytest.fixture(scope="session")
def product(containers: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The containers that run the product's image, by name."""
    return {
        name: container
        for name, container in containers.items()
        if container.get("build", {}).get("target") == "product"
    }


def arguments(container: Mapping[str, Any]) -> tuple[str, list[str]]:
    """(module, names) of `python -m module name... --host H --port N`."""
    module, *rest = container["command"]
    return module, rest[: rest.index("--host")] if "--host" in rest else rest
