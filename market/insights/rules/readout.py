"""What an experiment has shown, and when it may be said.

The end is planned before the beginning, and nothing is compared before it (and before the last one's time to order is over): who
looks every day and stops at the first lucky one finds differences where there are none. Two things are watched meanwhile, with
limits as strict as so many looks need: whether the arms have the shares that were drawn, and whether an arm does harm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from market.insights.rules import significance
from market.insights.rules.significance import Difference, Interval, SampleRatio
from market.kernel.exposure import ArmShare
from market.kernel.ids import Id
from market.kernel.period import DAY_MS

ALPHA = 0.05
"""For all arms together: with several, each has its part of it (Bonferroni)."""
HARM_P = 0.001
LEAST = 100
"""People in each arm, below which nothing is said."""

Verdict = Literal[
    "draft", "collecting", "too_few", "mismatch", "harm", "better", "worse", "no_difference"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """An experiment as insights knows it: see `ExperimentChanged`."""

    experiment_id: Id
    version: int
    status: str
    unit: str
    arms: tuple[ArmShare, ...]
    window_ms: int
    started_ms: int
    ends_ms: int
    stopped_ms: int

    @property
    def readable_ms(self) -> int:
        """When the last one's time to order is over."""
        return self.ends_ms + self.window_ms if self.ends_ms else 0

    @property
    def closed_ms(self) -> int:
        """When it is computed no more: by then nearly all orders have come to their end."""
        return max(self.readable_ms, self.stopped_ms) + 14 * DAY_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """People of an arm in one region: all, and how many of them ordered what they were shown, in time; saw a page with nothing on
    it; had such an order come to nothing; had one disputed."""

    arm: str
    region: str
    people: int
    ordered: int
    empty: int
    lost: int
    disputed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmResult:
    """`rate`: of the people, how many have ordered; with its 95 % interval."""

    name: str
    share_bp: int
    people: int
    ordered: int
    rate: float
    interval: Interval
    empty: int
    lost: int
    disputed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """An arm with the control. `significant` at 5 % for all arms together."""

    arm: str
    test: Literal["two_proportions", "welch_of_regions"]
    found: Difference
    significant: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Guardrail:
    """What must not become more: `empty` pages, orders that were `lost`, orders that were `disputed`. One-sided."""

    arm: str
    name: str
    rate: float
    control_rate: float
    p_value: float
    harmed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Readout:
    """`arms[0]` is the control. `comparisons` are empty until `readable_ms`, and for good when the sample ratio is not ok.

    `mixed`: people who have seen two arms, which may happen where regions are drawn; they are left out.
    """

    experiment_id: Id
    version: int
    status: str
    unit: str
    computed_ms: int
    readable_ms: int
    verdict: Verdict
    sample_ratio: SampleRatio | None
    arms: tuple[ArmResult, ...]
    comparisons: tuple[Comparison, ...]
    guardrails: tuple[Guardrail, ...]
    mixed: int


def read_out(plan: Plan, tallies: Sequence[Tally], mixed: int, now_ms: int) -> Readout:
    arms = tuple(_arm(share, tallies) for share in plan.arms)
    ratio = None
    if plan.unit == "user":  # which regions are drawn is settled before anybody comes
        ratio = significance.sample_ratio(
            [arm.people for arm in arms], [arm.share_bp for arm in arms]
        )
    guardrails = tuple(_guardrails(arms))
    comparisons: tuple[Comparison, ...] = ()
    readable = bool(plan.started_ms) and now_ms >= plan.readable_ms
    if readable and (ratio is None or ratio.ok):
        comparisons = tuple(_comparisons(plan, arms, tallies))
    return Readout(
        experiment_id=plan.experiment_id, version=plan.version, status=plan.status, unit=plan.unit,
        computed_ms=now_ms, readable_ms=plan.readable_ms,
        verdict=_verdict(plan, readable, ratio, arms, comparisons, guardrails),
        sample_ratio=ratio, arms=arms, comparisons=comparisons, guardrails=guardrails, mixed=mixed,
    )  # fmt: skip


def _arm(share: ArmShare, tallies: Sequence[Tally]) -> ArmResult:
    own = [tally for tally in tallies if tally.arm == share.name]
    people, ordered = sum(t.people for t in own), sum(t.ordered for t in own)
    return ArmResult(
        name=share.name, share_bp=share.share_bp, people=people, ordered=ordered,
        rate=ordered / people if people else 0.0, interval=significance.wilson(ordered, people),
        empty=sum(t.empty for t in own), lost=sum(t.lost for t in own),
        disputed=sum(t.disputed for t in own),
    )  # fmt: skip


def _comparisons(
    plan: Plan, arms: Sequence[ArmResult], tallies: Sequence[Tally]
) -> list[Comparison]:
    control, *others = arms
    alpha = ALPHA / len(others)
    found = []
    for arm in others:
        if plan.unit == "user":
            difference = significance.two_proportions(
                arm.ordered, arm.people, control.ordered, control.people, 1 - alpha
            )
        else:
            difference = significance.clusters(
                _rates(arm.name, tallies), _rates(control.name, tallies), 1 - alpha
            )
        if difference is not None and min(arm.people, control.people) >= LEAST:
            found.append(
                Comparison(
                    arm=arm.name, found=difference, significant=difference.p_value < alpha,
                    test="two_proportions" if plan.unit == "user" else "welch_of_regions",
                )
            )  # fmt: skip
    return found


def _rates(arm: str, tallies: Sequence[Tally]) -> list[float]:
    return [t.ordered / t.people for t in tallies if t.arm == arm and t.people]


def _guardrails(arms: Sequence[ArmResult]) -> list[Guardrail]:
    control, *others = arms
    found = []
    for arm in others:
        for name in ("empty", "lost", "disputed"):
            hits, control_hits = getattr(arm, name), getattr(control, name)
            p_value = significance.worse_p(hits, arm.people, control_hits, control.people)
            found.append(
                Guardrail(
                    arm=arm.name, name=name, p_value=p_value,
                    rate=hits / arm.people if arm.people else 0.0,
                    control_rate=control_hits / control.people if control.people else 0.0,
                    harmed=p_value < HARM_P and min(arm.people, control.people) >= LEAST,
                )
            )  # fmt: skip
    return found


def _verdict(
    plan: Plan, readable: bool, ratio: SampleRatio | None, arms: Sequence[ArmResult],
    comparisons: Sequence[Comparison], guardrails: Sequence[Guardrail],
) -> Verdict:  # fmt: skip
    if not plan.started_ms:
        return "draft"
    if ratio is not None and not ratio.ok:
        return "mismatch"
    if any(guardrail.harmed for guardrail in guardrails):
        return "harm"
    if not readable:
        return "collecting"
    if len(comparisons) < len(arms) - 1:
        return "too_few"
    significant = [c.found.difference for c in comparisons if c.significant]
    if any(difference > 0 for difference in significant):
        return "better"
    return "worse" if significant else "no_difference"
