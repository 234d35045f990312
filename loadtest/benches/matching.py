"""Whether ranking by the full score helps against distance alone, and whether the product's experiments can tell.

First, buyers who are made up (`loadtest/choices.py` says how) are shown both rankings, for several assumptions of what buyers care
for: the lift in orders, exact for each buyer and with an interval over buyers; and what an experiment of the product's own with so
many people an arm would have reported. Then the product's experiments, on a MariaDB of their own, are played many times: with no
difference between the arms, with a planted one, and with people who get lost in one arm.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from statistics import fmean, stdev
from typing import Any

from devkit import RUN
from devkit.stack import Layout, Stack
from infra.config import Config
from infra.process import open_process
from loadtest.choices import TASTES, Chances, Offer, Taste, a_market, chances, page, settled
from loadtest.machine import describe
from loadtest.pipeline import Pipeline, Trial
from market.insights.rules import significance
from market.insights.wing import open_wing as open_insights
from market.listings.rules.ranking import DEFAULT, DISTANCE_ONLY
from market.listings.wing import open_wing as open_listings

CLAIMED = 0.18
CALIBRATING = 300
"""Markets from which going away gets its worth."""

ALPHA = 0.05
PLANTED = 0.2
"""Which share of those who would go away order all the same, in the arm that has a planted effect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Of one taste. `lift`: of orders, relative, with its 95 % interval over buyers; `lift_completed`: of orders that end well.
    `reported`: what one experiment with so many people said."""

    taste: str
    ordered_by_distance: float
    ordered_by_score: float
    lift: float
    lift_low: float
    lift_high: float
    lift_completed: float
    claim: str
    reported_lift: float
    reported_low: float
    reported_high: float
    reported_p: float


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="./dev bench matching", description=__doc__)
    add = parser.add_argument
    add(
        "--markets",
        type=int,
        default=2_000,
        help="buyers, each with a market (default %(default)s)",
    )
    add(
        "--people",
        type=int,
        default=20_000,
        help="in each arm of the reported experiment (default %(default)s)",
    )
    add(
        "--runs",
        type=int,
        default=200,
        help="experiments without a difference (default %(default)s)",
    )
    add("--run-people", type=int, default=400, help="in each of these (default %(default)s)")
    add("--seed", type=int, default=20260401)
    add("--json", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    began_s = time.monotonic()
    random = Random(options.seed)
    markets = [a_market(random) for _ in range(options.markets)]
    findings = [find(taste, markets, options.people, random) for taste in TASTES]
    for finding in findings:
        print(line(finding), flush=True)
    figures = {
        "findings": [asdict(finding) for finding in findings],
        "claimed_lift": CLAIMED,
        **asyncio.run(play(options, markets, Random(options.seed + 1))),
        "seconds": round(time.monotonic() - began_s, 1),
        "machine": describe(),
    }
    for name, figure in figures.items():
        if name != "findings":
            print(f"{name:28} {figure}")
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=2, ensure_ascii=False))
    return 0


def find(taste: Taste, markets: Sequence[Sequence[Offer]], people: int, random: Random) -> Finding:
    taste = settled(taste, markets[:CALIBRATING])
    pairs = [
        (chances(taste, page(m, DISTANCE_ONLY)), chances(taste, page(m, DEFAULT))) for m in markets
    ]
    lift, half = ratio_of_means(pairs)
    hits = [0, 0]
    for n in range(2 * people):
        arm = n % 2
        hits[arm] += random.random() < pairs[random.randrange(len(pairs))][arm].ordered
    reported = significance.two_proportions(hits[1], people, hits[0], people)
    assert reported is not None
    assert reported.lift is not None
    assert reported.lift_interval is not None
    return Finding(
        taste=taste.name,
        ordered_by_distance=fmean(c.ordered for c, _ in pairs),
        ordered_by_score=fmean(s.ordered for _, s in pairs),
        lift=lift, lift_low=lift - half, lift_high=lift + half,
        lift_completed=fmean(s.completed for _, s in pairs) / fmean(c.completed for c, _ in pairs) - 1,
        claim=_against(lift - half, lift + half), reported_lift=reported.lift,
        reported_low=reported.lift_interval.low, reported_high=reported.lift_interval.high,
        reported_p=reported.p_value,
    )  # fmt: skip


def ratio_of_means(pairs: Sequence[tuple[Chances, Chances]]) -> tuple[float, float]:
    """The lift, and half of its 95 % interval, by the delta method over buyers who were shown both."""
    control = fmean(c.ordered for c, _ in pairs)
    ratio = fmean(s.ordered for _, s in pairs) / control
    spread = stdev(s.ordered - ratio * c.ordered for c, s in pairs) / control
    return ratio - 1, 1.96 * spread / math.sqrt(len(pairs))


def _against(low: float, high: float) -> str:
    if high < CLAIMED:
        return "less than claimed"
    return "more than claimed" if low > CLAIMED else "as claimed"


def line(finding: Finding) -> str:
    return (
        f"{finding.taste:44} {finding.lift:+7.1%} ({finding.lift_low:+.1%} to {finding.lift_high:+.1%}), {finding.claim}; "
        f"ended well {finding.lift_completed:+.1%}; an experiment said {finding.reported_lift:+.1%} "
        f"({finding.reported_low:+.1%} to {finding.reported_high:+.1%})"
    )


async def play(
    options: argparse.Namespace, markets: Sequence[Sequence[Offer]], random: Random
) -> dict[str, Any]:
    """The product's experiments, over and over."""
    directory = RUN / "bench-matching"
    shutil.rmtree(directory, ignore_errors=True)
    stack = Stack(directory, layout=Layout(api=(), hubs=0, workers=()))
    try:
        await asyncio.to_thread(stack.prepare)
        async with open_process(Config.from_environment(stack.environment)) as process:
            taste = settled(TASTES[0], markets[:CALIBRATING])
            pipeline = Pipeline(
                await open_listings(process), await open_insights(process), markets, taste, random
            )
            return await _play(pipeline, options.runs, options.run_people)
    finally:
        await asyncio.to_thread(stack.stop)
        shutil.rmtree(directory, ignore_errors=True)


async def _play(pipeline: Pipeline, runs: int, people: int) -> dict[str, Any]:
    same = Trial(control=DEFAULT, treatment=DEFAULT, people=people)
    lossy = Trial(control=DEFAULT, treatment=DEFAULT, people=people, lost=0.5)
    planted = Trial(control=DISTANCE_ONLY, treatment=DEFAULT, people=people, extra=PLANTED)
    few = max(1, runs // 10)
    wrong = await pipeline.count(same, runs, ("better", "worse"), _progress("no difference", runs))
    return {
        "null_runs": runs,
        "null_reported": wrong,
        "null_bound": most(runs, ALPHA),
        "null_within_bound": wrong <= most(runs, ALPHA),
        "planted_runs": few,
        "planted_found": await pipeline.count(planted, few, ("better",), _progress("planted", few)),
        "lossy_runs": few,
        "lossy_noticed": await pipeline.count(lossy, few, ("mismatch",), _progress("lossy", few)),
    }


def most(runs: int, share: float) -> int:
    """The least number that a binomial count stays within in 97.5 % of all cases."""
    below = 0.0
    for hits in range(runs + 1):
        below += math.comb(runs, hits) * share**hits * (1 - share) ** (runs - hits)
        if below >= 0.975:
            return hits
    return runs


def _progress(what: str, runs: int) -> Any:
    def said(run: int) -> None:
        if run % 20 == 0 or run == runs:
            print(f"{what}: {run} of {runs}", file=sys.stderr, flush=True)

    return said
