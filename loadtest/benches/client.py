"""The mini-program in a browser four times slower than this machine: package sizes, the first screen, and from one party's tap to the other's screen.

The first screen is timed from when the phone begins to load the app (WeChat's own runtime is there before) until the first result is
painted, on 4G; `first_screen_ms` for somebody who comes back, `first_login_screen_ms` for somebody who logs in. The built app is minified,
as WeChat's devtools upload it; the sizes of the packages are those of the files as they are.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from devkit import ROOT
from devkit.client.person import APPLICATION
from devkit.node import Node, NodeError, find_node
from devkit.phone import MINIPROGRAM, PHONE, Phones, config_of
from devkit.seed import PEOPLE, seed
from devkit.stack import Stack
from loadtest.benches.opening import empty, parser_of, report, say

STARTS, MESSAGES, ORDERS, OPENINGS = 5, 60, 20, 3
TIMEOUT_S = 240


def main(arguments: Sequence[str]) -> int:
    options = parser_of("client", __doc__).parse_args(arguments)
    node = find_node()
    if node is None:
        raise NodeError("there is no node 20.10 or newer with npm")
    directory = empty("client")
    with Stack(directory, say=say) as stack:
        seed(stack)
        phones = Phones(directory, config=config_of(stack, PEOPLE), options=("--minify",))
        phones.start()
        try:
            sizes, pages = _sizes(node)
            figures = sizes | _measured(node, stack, phones.url)
        finally:
            phones.stop(3)
    figures["pages"] = {
        page: found | figures["pages"].get(page, {}) for page, found in pages.items()
    }
    return report(figures, options)


def _sizes(node: Node) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Of the packages, and of what each page needs."""
    found = _answer(node, PHONE / "check.mjs", MINIPROGRAM, "--json")
    packages = {
        "main_package_bytes": found["main"],
        "total_package_bytes": found["total"],
        "first_page_bytes": found["firstPage"]["source"],
        "first_page_uploaded_bytes": found["firstPage"]["uploaded"],
        **{f"package_{root}_bytes": size for root, size in found["subpackages"].items()},
    }
    pages = {
        page: {f"{kind}_bytes": size for kind, size in sizes.items()}
        for page, sizes in found["pages"].items()
    }
    return packages, pages


def _measured(node: Node, stack: Stack, phone_url: str) -> dict[str, Any]:
    house = {
        "api": stack.api_url, "hubs": stack.hub_urls, "sandbox": stack.sandbox_url, "control": "", "application": APPLICATION,
        "phone": phone_url,
    }  # fmt: skip
    rounds = {"starts": STARTS, "messages": MESSAGES, "orders": ORDERS, "openings": OPENINGS}
    return _answer(
        node, ROOT / "loadtest" / "client.mjs",
        SHAREHUB_TEST_HOUSE=json.dumps(house), SHAREHUB_BENCH_ROUNDS=json.dumps(rounds),
    )  # fmt: skip


def _answer(node: Node, script: Path, *arguments: str | Path, **env: str) -> dict[str, Any]:
    """The JSON that a script prints."""
    done = node.run(script, *arguments, env=env, timeout_s=TIMEOUT_S)
    if not done.stdout.lstrip().startswith("{"):
        raise subprocess.SubprocessError(
            f"{script.name}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        )
    return dict(json.loads(done.stdout))
