"""The mini-program has words for all that the server may say: refusals, states, actions, timers, lines of a bill."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from market.kernel.errors import MarketError
from market.kernel.terms import Policy
from market.listings.rules.categories import LABELS
from market.orders.rules import extension, life

from devkit.node import Node
from tests.miniprogram.test_node import HERE, node, run  # noqa: F401

LINES = (
    *(f"{kind}_{unit}" for kind in ("rent", "surcharge") for unit in ("hour", "day")),
    "rent_week", "rent_extension", "minimum", "deposit",
)  # fmt: skip


def test_words(node: Node, tmp_path: Path) -> None:  # noqa: F811
    steps = extension.STEPS.values()
    offers = [
        list(offered)
        for state in get_args(life.State)
        for side in life.BOTH
        if (offered := life.allowed(life.PROCESS_VERSION, state, side))
    ]
    timers = [life.timer_of(life.PROCESS_VERSION, state) for state in get_args(life.State)]
    said = {
        "errors": sorted({error.code for error in tree(MarketError)}),
        "states": list(get_args(life.State)),
        "offers": offers,
        "actions": sorted({action for offer in offers for action in offer} | {"pay_extension", "forgo"}),
        "timers": [timer.name for timer in timers if timer] + [step.name for step in steps if step.timer],
        "lines": LINES,
        "policies": list(get_args(Policy)),
        "categories": LABELS,
    }  # fmt: skip
    file = tmp_path / "codes.json"
    file.write_text(json.dumps(said))
    run(node, HERE / "words.test.mjs", timeout_s=50, CODES=str(file))


def tree(error: type[MarketError]) -> Iterator[type[MarketError]]:
    yield error
    for below in error.__subclasses__():
        yield from tree(below)
