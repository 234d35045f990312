"""docs/operations.md: its table has every setting that the code reads, with the code's default."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import fields
from typing import Any, NamedTuple

import pytest

from api.app import SERVICES, routes_of
from api.routing import Route
from devkit import ROOT
from hub.node import Settings
from infra.config import WINGS
from market.payments.rules.errands import QUERY_S, SHARE_AFTER_S

from .conftest import arguments

DOCUMENT = ROOT / "docs" / "operations.md"
READERS = ("text", "integer", "number", "key")
NOT_SETTINGS = {"name"}
"""Arguments inside of the readers themselves, and of the hub's, which reads every field of its Settings."""

NAMED = {"QUERY_S": QUERY_S, "SHARE_AFTER_S": SHARE_AFTER_S}


class Row(NamedTuple):
    unit: str
    default: str
    read_by: str
    what: str


def table() -> dict[str, Row]:
    rows = re.findall(r"^\| `SHAREHUB_(\w+)` \|(.*)\|$", DOCUMENT.read_text(), re.MULTILINE)
    assert len({name for name, _ in rows}) == len(rows)
    return {name: Row(*(cell.strip() for cell in cells.split("|"))) for name, cells in rows}


def read_settings() -> Iterator[tuple[str, ast.expr | None]]:
    """(name, default) of each place in the product that reads a setting."""
    for limit in fields(Settings):
        yield f"HUB_{limit.name.upper()}", ast.parse(repr(limit.default), mode="eval").body
    for package in ("hub", "api", "workers", "market", "infra"):
        for file in (ROOT / package).rglob("*.py"):
            source = file.read_text(encoding="utf-8")
            for name in re.findall(r"environ(?:\.get\(|\[)\s*[\"']SHAREHUB_(\w+)", source):
                yield name, None
            for node in ast.walk(ast.parse(source)):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Attribute)
                    and node.func.attr in READERS
                    and node.args
                    and re.fullmatch(r"self|.*config", ast.unparse(node.func.value))
                ):
                    name = node.args[0]
                    default = node.args[1] if len(node.args) > 1 else None
                    if isinstance(name, ast.Constant):
                        yield str(name.value), default
                    elif isinstance(name, ast.JoinedStr):
                        prefix = re.fullmatch(r"f'(\w+)\{wing\.upper\(\)\}'", ast.unparse(name))
                        assert prefix, ast.unparse(name)
                        yield from ((f"{prefix[1]}{wing.upper()}", default) for wing in WINGS)
                    else:
                        assert ast.unparse(name) in NOT_SETTINGS, f"{file}: {ast.unparse(node)}"


def test_the_table_has_every_setting_and_no_other() -> None:
    read = {name for name, _ in read_settings()}
    assert len(read) > 30
    assert set(table()) == read


def test_defaults_are_the_codes() -> None:
    compared = 0
    for name, default in read_settings():
        documented = table()[name].default
        if default is None or name in ("NODE", "POOL_SIZE"):
            continue
        text = ast.unparse(default)
        value: Any = NAMED[text] if text in NAMED else ast.literal_eval(default)
        if value == "":
            assert documented == "none", name
        elif isinstance(value, str):
            assert documented == f"`{value}`", name
        else:
            assert float(documented.strip("`")) == value, name
        compared += 1
    assert compared > 12


def test_what_has_no_default_has_to_be_set() -> None:
    needed = {name for name, default in read_settings() if default is None} - {"CRASH_AT"}
    for name in needed - {n for n, default in read_settings() if default is not None}:
        assert table()[name].default == "", name


@pytest.mark.parametrize("column", ["unit", "read_by"])
def test_no_setting_is_without(column: str) -> None:
    for name, row in table().items():
        assert getattr(row, column), name


def test_the_reads_from_replicas_are_those_that_are_listed() -> None:
    section = DOCUMENT.read_text().partition("| read | from the replica |")[2].partition("\n\n")[0]
    rows = [
        row for row in section.splitlines() if row.startswith("|") and not row.endswith("| never |")
    ]
    listed = {path for row in rows for path in re.findall(r"`GET (\S+)`", row)}
    routes = [route for service in SERVICES for route in routes_of(service)]
    reading = {
        route.path
        for route in routes
        if isinstance(route, Route)
        and re.search(r"db\.(glance|as_new_as)\(", inspect.getsource(route.operation.run))
    }
    assert len(reading) > 8
    assert listed == reading


def test_who_is_given_a_setting_is_among_its_readers(product: dict[str, dict[str, Any]]) -> None:
    for name, container in product.items():
        module, names = arguments(container)
        reader = {"infra.mysql.migrate": "migrate"}.get(module, module)
        reader = "relay" if names == ["relay"] else reader
        for setting in container["environment"]:
            read_by = table()[setting.removeprefix("SHAREHUB_")].read_by
            everybody = read_by == "all" and reader != "migrate"
            assert everybody or re.search(rf"\b{reader}\b", read_by), (name, setting)
            scope = re.search(rf"\b{reader} \(([^)]*)\)", read_by)
            if scope and reader == "api":
                assert set(names) & set(scope[1].split(", ")), (name, setting)
