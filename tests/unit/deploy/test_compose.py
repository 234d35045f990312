"""docker-compose.yml: the parts are all there, each once, each with what it needs and nothing more."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp.web import AppRunner

from api.app import SERVICES
from api.app import make_app as make_api
from deploy import make_env
from devkit import ROOT
from hub.app import make_app as make_hub
from infra.config import WINGS, Config
from infra.process import open_process
from workers import jobs

from .conftest import arguments, read_env

Containers = dict[str, dict[str, Any]]

PRODUCT = (
    "migrate", "hub-1", "hub-2", *(f"api-{service}" for service in SERVICES),
    "relay", *(f"workers-{wing}" for wing in WINGS),
)  # fmt: skip
BY_SERVE = {"SHAREHUB_LOG_LEVEL", "SHAREHUB_NODE"}
"""Read by infra.serving.serve, which the tests below go round."""


def test_the_file_is_what_the_compose_specification_says() -> None:
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "check-jsonschema"),
            *("--builtin-schema", "vendor.compose-spec", str(ROOT / "docker-compose.yml")),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_every_product_container_is_accounted_for(product: Containers) -> None:
    assert set(product) == set(PRODUCT)


def test_each_service_of_the_api_has_one_container(product: Containers) -> None:
    served = [arguments(c)[1] for c in product.values() if arguments(c)[0] == "api"]
    assert sorted(served) == sorted([service] for service in SERVICES)


def test_each_job_has_one_container(product: Containers) -> None:
    chosen = [
        job
        for container in product.values()
        if arguments(container)[0] == "workers"
        for job in jobs.choose(arguments(container)[1])
    ]
    assert sorted(chosen) == sorted(jobs.names())


def test_both_hubs_are_alike_but_for_their_names(product: Containers) -> None:
    one, two = product["hub-1"], product["hub-2"]
    assert one["environment"].pop("SHAREHUB_NODE") == "hub-1"
    assert two["environment"].pop("SHAREHUB_NODE") == "hub-2"
    try:
        assert one == two
        assert one["networks"]["edge"]["aliases"] == ["hub"]
    finally:
        one["environment"]["SHAREHUB_NODE"] = "hub-1"
        two["environment"]["SHAREHUB_NODE"] = "hub-2"


def test_nodes_have_names_of_their_own(product: Containers) -> None:
    for name, container in product.items():
        if name != "migrate":
            assert container["environment"]["SHAREHUB_NODE"] == name


def test_only_mysql_and_migrate_know_the_administrator(
    containers: Containers, env: Mapping[str, str]
) -> None:
    password = env["MYSQL_ROOT_PASSWORD"]
    assert {name for name, c in containers.items() if password in str(c)} == {"mysql", "migrate"}


def test_a_wings_password_goes_to_those_who_open_the_wing(
    containers: Containers, env: Mapping[str, str]
) -> None:
    for wing in WINGS:
        knowing = {
            n for n, c in containers.items() if env[f"MYSQL_PASSWORD_{wing.upper()}"] in str(c)
        }
        hubs = set() if wing == "insights" else {"hub-1", "hub-2"}
        assert knowing == {"migrate", f"api-{wing}", f"workers-{wing}"} | hubs


def test_the_merchants_key_goes_to_those_who_pay(containers: Containers) -> None:
    holding = {
        name
        for name, container in containers.items()
        if any(secret["source"] == "merchant_key" for secret in container.get("secrets", ()))
    }
    assert holding == {"hub-1", "hub-2", "api-payments", "workers-payments", "sandbox"}


def test_images_are_pinned(containers: Containers) -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    foreign = [c["image"] for c in containers.values() if "build" not in c]
    foreign += re.findall(r"^ARG \w+_IMAGE=(\S+)$", dockerfile, re.MULTILINE)
    assert len(foreign) == 6
    for image in foreign:
        assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+\.\d+(-[a-z]+)*", image), image
    assert "mysql:8.4" in containers["mysql"]["image"]


def test_what_is_not_for_everybody_listens_on_this_machine_alone(containers: Containers) -> None:
    published = {name: port for name, c in containers.items() for port in c.get("ports", ())}
    assert set(published) == {"nginx", "sandbox", "prometheus", "grafana"}
    assert published.pop("nginx") == "8080:8080"
    assert all(port.startswith("127.0.0.1:") for port in published.values())


def test_servers_and_product_run_without_privileges(product: Containers) -> None:
    for name, container in product.items():
        assert container["read_only"] is True, name
        assert container["cap_drop"] == ["ALL"], name
    last_stages = (ROOT / "deploy" / "Dockerfile").read_text().split("AS product")[1]
    assert "USER 10001:10001" in last_stages


def test_everything_that_stays_up_says_how_it_is(containers: Containers) -> None:
    for name, container in containers.items():
        if name != "migrate":
            assert container["healthcheck"]["test"][0] == "CMD", name
            assert container["restart"] == "unless-stopped", name


def test_the_product_starts_after_the_migrations(product: Containers) -> None:
    for name, container in product.items():
        waits = {on: how["condition"] for on, how in container["depends_on"].items()}
        if name == "migrate":
            assert waits == {"mysql": "service_healthy"}
        else:
            assert waits["migrate"] == "service_completed_successfully", name


def test_mysql_has_a_connection_for_every_pool(containers: Containers, product: Containers) -> None:
    pools = {"hub": 6, "api": 16, "workers": 4, "infra.mysql.migrate": 1}
    wanted = sum(
        pools[arguments(container)[0]]
        * sum(name.startswith("SHAREHUB_DSN_") for name in container["environment"])
        for container in product.values()
    )
    given = next(
        int(option.partition("=")[2])
        for option in containers["mysql"]["command"]
        if option.startswith("--max-connections")
    )
    assert wanted < given


# --- each process starts with what it is given, and reads all of it ---------------------------------------------------


class Recorded(Mapping[str, str]):
    """An environment that remembers what was asked of it."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


@pytest.mark.allow_blocking  # key files are read while it starts
@pytest.mark.parametrize("name", [name for name in PRODUCT if name != "migrate"])
async def test_a_process_starts_with_its_settings_and_reads_every_one(
    name: str, product: Containers, made: Path
) -> None:
    container = product[name]
    targets = {f"/run/secrets/{secret['target']}" for secret in container.get("secrets", ())}
    keys = made / "deploy" / ".secrets"
    given = Recorded(
        {
            setting: str(keys / Path(value).name) if value in targets else value
            for setting, value in container["environment"].items()
        }
    )
    config = Config(given)
    module, names = arguments(container)
    async with AsyncExitStack() as stack:
        if module == "workers":
            process = await stack.enter_async_context(open_process(config))
            opened = await stack.enter_async_context(jobs.open_jobs(process, jobs.choose(names)))
            assert opened
        else:
            app = await (make_hub(config) if module == "hub" else make_api(names, config))
            runner = AppRunner(app)
            stack.push_async_callback(runner.cleanup)
            await runner.setup()
    unread = set(given) - given.asked - BY_SERVE
    assert not unread, f"{name} is told what it does not need: {sorted(unread)}"


def test_migrate_has_all_it_asks_for_and_nothing_else(product: Containers) -> None:
    given = Recorded(product["migrate"]["environment"])
    config = Config(given)
    for wing in WINGS:
        # As infra/mysql/migrate.py does, for each wing.
        assert config.dsn(wing).user == wing
        assert config.replica_dsn(wing) is None
        assert config.admin_dsn(wing).user == "root"
        assert config.relay_dsn(wing).user == "relay"
    assert given.asked == set(given)


# --- .env -------------------------------------------------------------------------------------------------------------


def test_the_example_names_what_is_made_and_what_is_used(
    compose_text: str, env: Mapping[str, str]
) -> None:
    example = read_env(ROOT / ".env.example")
    assert list(example) == list(env)
    used = set(re.findall(r"\$\{(\w+)", compose_text)) - {"SHAREHUB_VERSION"}
    assert used == set(env) - {"COMPOSE_PROFILES"}
    for name, value in example.items():
        assert value in ("", env[name]), f"{name}: the example shows another value than is made"


def test_every_secret_is_a_new_one(env: Mapping[str, str], tmp_path: Path) -> None:
    make_env.make(tmp_path)
    other = read_env(tmp_path / ".env")
    for name, value in env.items():
        if re.search("PASSWORD|KEY$|KEYS$|SECRET$", name) and name != "OPERATORS":
            assert value != other[name], name
    passwords = [value for name, value in env.items() if "PASSWORD" in name]
    assert len(set(passwords)) == len(passwords)


def test_secrets_are_the_owners_alone_and_are_not_replaced(tmp_path: Path) -> None:
    file = make_env.make(tmp_path)
    before = file.read_text()
    assert file.stat().st_mode & 0o077 == 0
    assert (tmp_path / "deploy" / ".secrets").stat().st_mode & 0o077 == 0
    with pytest.raises(FileExistsError):
        make_env.make(tmp_path)
    assert file.read_text() == before


def test_git_and_the_builder_do_not_see_secrets() -> None:
    assert ".env" in (ROOT / ".gitignore").read_text().splitlines()
    assert ".secrets/" in (ROOT / "deploy" / ".gitignore").read_text().splitlines()
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    assert not [line for line in ignored if line.startswith("!") and "env" in line]
