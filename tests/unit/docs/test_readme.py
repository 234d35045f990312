"""Both READMEs show the same commands, at the addresses where ./dev run puts things."""

from __future__ import annotations

import re
import shutil
import subprocess

from devkit import ROOT
from devkit.run import PORT_BASE, preferred_ports

ENGLISH, CHINESE = (
    (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md")
)


def commands(text: str) -> str:
    """All shell blocks, comments left out."""
    lines = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.S)).splitlines()
    kept = [re.sub(r"\s+#.*", "", line) for line in lines if not line.startswith("#")]
    return "\n".join(line for line in kept if line)


def test_both_languages_show_the_same_commands() -> None:
    assert commands(ENGLISH) == commands(CHINESE)


def test_the_commands_are_shell() -> None:
    bash = shutil.which("bash")
    assert bash is not None
    checked = subprocess.run(
        [bash, "-n"],
        input=commands(ENGLISH),
        text=True,
        capture_output=True,
        check=False,
        timeout=10,
    )
    assert (checked.returncode, checked.stderr) == (0, "")


def test_the_addresses_are_those_of_dev_run() -> None:
    ports = preferred_ports(PORT_BASE, hubs=2)
    named = dict(re.findall(r"(API|HUB|WECHAT)=\w+://127\.0\.0\.1:(\d+)", commands(ENGLISH)))
    assert named == {
        "API": str(ports["api"]), "HUB": str(ports["hub-1"]), "WECHAT": str(ports["sandbox"]),
    }  # fmt: skip


def test_both_have_the_same_sections() -> None:
    assert ENGLISH.count("\n## ") == CHINESE.count("\n## ")
    assert ENGLISH.count("\n| ") == CHINESE.count("\n| ")
