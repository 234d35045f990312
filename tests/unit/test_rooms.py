"""The house keeps its rooms: short modules that say what they are for, imports that obey the plan, SQL in the stores."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from devkit import ROOT
from infra.config import WINGS

PRODUCT = ("hub", "api", "workers", "market", "infra")
MODULES = sorted(path for room in PRODUCT for path in (ROOT / room).rglob("*.py"))
EVERY_ROOM = sorted(
    path
    for room in (*PRODUCT, "devkit", "sandbox", "loadtest", "tests")
    for path in (ROOT / room).rglob("*.py")
    if "node_modules" not in path.parts
)
LONGEST = 400

SQL = re.compile(
    r"^\s*(SELECT\s.+\sFROM|INSERT\s+(IGNORE\s+)?INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM)\b", re.S
)
MAY_HAVE_SQL = re.compile(
    r"^(market/\w+/((\w+_)?store\.py|store/.+)|infra/mysql/.+|market/payments/books\.py"
    r"|market/listings/search/(mysql|comparables)\.py)$"
)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def doc_of(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


@pytest.mark.parametrize("path", EVERY_ROOM, ids=name_of)
def test_a_module_has_400_lines_at_most_unless_it_says_why(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    if lines > LONGEST:
        assert re.search(r"\blong\b|\blines\b|one file", doc_of(path)), (
            f"{lines} lines, and the docstring does not say why"
        )


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_says_what_it_is_for(path: Path) -> None:
    if path.name == "__init__.py" and not path.read_text(encoding="utf-8").strip():
        pytest.fail("an empty __init__.py: say what the folder is for")
    assert len(doc_of(path).split()) >= 2


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_sql_is_in_the_stores(path: Path) -> None:
    if MAY_HAVE_SQL.match(name_of(path)):
        return
    found = [
        node.value
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value)
    ]
    assert found == []


@pytest.mark.parametrize("wing", WINGS)
def test_each_wing_has_the_same_rooms(wing: str) -> None:
    folder = ROOT / "market" / wing
    for room in ("wing", "commands", "actions", "views", "handlers", "store"):
        assert (folder / f"{room}.py").is_file(), room
    assert (folder / "rules.py").is_file() != (folder / "rules").is_dir()
    assert list((folder / "schema").glob("0001_*.sql"))


@pytest.mark.parametrize("path", sorted((ROOT / "market").glob("*/schema/*.sql")), ids=name_of)
def test_migrations_are_numbered_without_gaps(path: Path) -> None:
    numbers = sorted(int(other.name[:4]) for other in path.parent.glob("*.sql"))
    assert numbers == list(range(1, len(numbers) + 1))


def test_imports_obey_the_plan() -> None:
    checked = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout[-3000:] + checked.stderr[-1000:]
    assert "0 broken" in checked.stdout
