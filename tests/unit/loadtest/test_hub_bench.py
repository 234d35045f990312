"""What the hub's benchmark computes from what it has seen."""

from __future__ import annotations

from array import array
from collections import Counter

from loadtest.benches.hub_metrics import Buckets, quantile_s
from loadtest.benches.hub_phase import Phase, what_of
from loadtest.benches.hub_scene import STEPS, Deal, Person, Traffic, plans
from loadtest.machine import Used
from loadtest.swarm import Answers, Receipts, Window
from market.kernel.ids import Id

PEOPLE = [Person(Id(n), f"token {n}") for n in range(1, 9)]
DEALS = [Deal(Id(100 + n), PEOPLE[n // 2 * 2], PEOPLE[n // 2 * 2 + 1]) for n in range(8)]
URLS = ("http://a", "http://b")


def test_everybody_watches_three_topics_and_every_mix_of_hubs_occurs() -> None:
    made = plans(PEOPLE, DEALS, URLS)
    assert made[0].topics == ("user:1", "order:100:owner", "order:101:owner")
    assert made[1].topics == ("user:2", "order:100:buyer", "order:101:buyer")
    pairs = {(a.first_url % 2, b.first_url % 2) for a, b in zip(made[::2], made[1::2], strict=True)}
    assert pairs == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_each_order_makes_its_steps_in_their_order_and_no_more() -> None:
    traffic = Traffic(DEALS)
    first = traffic.schedule(100, 0.08)
    assert [at for at, _ in first] == [n / 100 for n in range(8)]
    assert all(b"/start " in one for _, one in first)
    assert traffic.left == len(DEALS) * (len(STEPS) - 1)
    assert len(traffic.schedule(100, 60)) == len(DEALS) * (len(STEPS) - 1)
    assert traffic.schedule(100, 60) == []


def test_quantiles_are_of_what_the_histogram_has_grown_by() -> None:
    inf = float("inf")
    before: Buckets = Counter({0.1: 50, 0.2: 50, 0.5: 50, inf: 50})
    after: Buckets = Counter({0.1: 50, 0.2: 150, 0.5: 150, inf: 150})
    assert quantile_s(before, after, 1.0) == 0.2
    assert round(quantile_s(before, after, 0.5), 3) == 0.15
    assert quantile_s(before, before, 0.99) == 0


def window(*rows: tuple[str, int, int, int]) -> Window:
    topics = sorted({row[0] for row in rows})
    return Window(
        counts=Counter({"pushes": len(rows)}), topics=topics,
        topic=array("i", [topics.index(row[0]) for row in rows]),
        version=array("q", [row[1] for row in rows]), committed_us=array("q", [row[2] for row in rows]),
        received_us=array("q", [row[3] for row in rows]),
    )  # fmt: skip


def test_a_delivery_counts_when_both_parties_have_it() -> None:
    windows = [
        window(("order:1:owner", 3, 1000, 3000), ("order:2:owner", 3, 1000, 2000)),
        window(("order:1:buyer", 3, 1000, 6000), ("user:1", 1, 1000, 9000)),
    ]
    bodies = [b'{"order_id":"1","version":3}', b'{"order_id":"2","version":3}', b'{"error":{"code":"busy"}}']  # fmt: skip
    answers = Answers(array("i", [200, 200, 503]), array("q", [0] * 3), array("q", [0] * 3), bodies)
    phase = Phase(Used(4.0, {"hub-1": 1.0}), 2.0, answers, Receipts(windows, what_of))
    assert phase.committed == {("order:1", 3), ("order:2", 3)}
    assert phase.lost() == 1
    assert phase.per_s == 1.0
    assert sorted(phase.lags_ms) == [1.0, 5.0]
    assert phase.frames == 4
    assert "'busy': 1" in phase.line()
