"""The image: it holds what the product imports, and names folders that exist."""

from __future__ import annotations

import ast
import re
import sys
from configparser import ConfigParser

from devkit import ROOT

COPIED = ("hub", "api", "workers", "market", "infra")
MODULE_OF = {
    "Pillow": "PIL", "PyJWT": "jwt", "PyMySQL": "pymysql", "prometheus-client": "prometheus_client",
}  # fmt: skip
BROUGHT_BY_OTHERS = {"yarl"}
"""aiohttp's URLs."""


def install_requires() -> set[str]:
    parser = ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    names = re.findall(r"^([A-Za-z0-9_-]+)", parser["options"]["install_requires"], re.MULTILINE)
    return set(names)


def imported(packages: tuple[str, ...]) -> set[str]:
    """Top-level names that these packages import, without the standard library and each other."""
    found: set[str] = set()
    for package in packages:
        for file in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    found |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"hub", "api", "workers", "market", "infra"}


def test_the_image_installs_what_the_product_imports() -> None:
    installed = {MODULE_OF.get(name, name) for name in install_requires()}
    assert imported(COPIED) - installed - BROUGHT_BY_OTHERS == set()


def test_the_sandbox_needs_nothing_more() -> None:
    installed = {MODULE_OF.get(name, name) for name in install_requires()}
    assert imported(("sandbox",)) - installed - BROUGHT_BY_OTHERS - {"sandbox"} == set()


def test_everything_that_is_installed_is_pinned() -> None:
    pins = (ROOT / "requirements.txt").read_text().lower().replace("_", "-")
    for name in install_requires():
        assert re.search(rf"^{name.lower()}==", pins, re.MULTILINE), name


def test_the_builder_gets_what_is_copied() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    copied = {
        path
        for line in re.findall(r"^COPY (?!--from)(.+)$", dockerfile, re.MULTILINE)
        for path in line.split()[:-1]
    }
    sent = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    assert copied == sent
    assert set(COPIED) < copied
    for path in copied:
        assert (ROOT / path).exists(), path
