"""The virtual users' picture of a topic forgives what the protocol allows, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from loadtest.users.merge import KEPT_LINES, Gap, Topic
from loadtest.users.trouble import Violation


def state(version: int, **more: Any) -> dict[str, Any]:
    return {"kind": "state", "version": version, "payload": {"at": version}, **more}


def line(version: int) -> dict[str, Any]:
    return {"kind": "log", "version": version, "payload": {"text": f"line {version}"}}


def lines(*numbers: int) -> list[dict[str, Any]]:
    return [{"version": number, "payload": {"text": f"line {number}"}} for number in numbers]


def log_at(version: int) -> Topic:
    topic = Topic("chat:1")
    topic.answer({"kind": "log", "version": version, "entries": []}, None)
    return topic


def state_at(version: int) -> Topic:
    topic = Topic("order:1:buyer")
    topic.answer({"kind": "state", "version": version, "state": {"at": version}}, None)
    return topic


def test_a_newer_state_is_news_and_the_same_again_is_not() -> None:
    topic = state_at(3)
    assert topic.push(state(5))
    assert not topic.push(state(5))
    assert (topic.version, topic.state) == (5, {"at": 5})


def test_an_older_state_after_a_newer_one_is_a_violation() -> None:
    topic = state_at(3)
    topic.push(state(5))
    with pytest.raises(Violation):
        topic.push(state(4))


def test_another_connection_may_begin_with_what_is_known() -> None:
    topic = state_at(3)
    topic.push(state(5))
    topic.reconnected()
    assert not topic.push(state(4))


def test_the_truth_does_not_go_backwards() -> None:
    with pytest.raises(Violation):
        state_at(5).answer({"kind": "state", "version": 4}, 5)
    with pytest.raises(Violation):
        log_at(5).answer({"kind": "log", "version": 4, "entries": []}, 5)


def test_an_answer_may_be_older_than_a_push_that_overtook_it() -> None:
    topic = state_at(3)
    topic.push(state(5))
    topic.answer({"kind": "state", "version": 4, "state": {"at": 4}}, 3)
    assert topic.version == 5


def test_a_newer_state_must_be_given() -> None:
    state_at(3).answer({"kind": "state", "version": 3}, 3)
    with pytest.raises(Violation):
        state_at(3).answer({"kind": "state", "version": 4}, 3)


def test_lines_come_one_after_the_other() -> None:
    topic = log_at(7)
    assert topic.push(line(8))
    assert not topic.push(line(8))
    with pytest.raises(Gap):
        topic.push(line(10))
    topic.answer({"kind": "log", "version": 10, "entries": lines(9, 10)}, 8)
    assert (topic.version, set(topic.lines)) == (10, {8, 9, 10})


def test_who_has_nothing_begins_where_the_answer_does() -> None:
    topic = Topic("chat:1")
    assert not topic.push(line(3)), "it is in the answer, too"
    topic.answer({"kind": "log", "version": 4, "entries": lines(3, 4)}, None)
    assert (topic.version, set(topic.lines)) == (4, {3, 4})


@pytest.mark.parametrize(
    "answer",
    [
        {"kind": "log", "version": 9, "entries": lines(7, 9)},
        {"kind": "log", "version": 9, "entries": lines(7, 8)},
        {"kind": "log", "version": 9, "entries": lines(8, 9)},
    ],
    ids=["a hole", "the end is missing", "the beginning is missing"],
)
def test_an_answer_with_missing_lines_is_a_violation(answer: dict[str, Any]) -> None:
    with pytest.raises(Violation):
        log_at(6).answer(answer, 6)


def test_an_answer_that_says_so_may_be_cut() -> None:
    topic = log_at(6)
    topic.answer({"kind": "log", "version": 9, "entries": lines(7), "more": True}, 6)
    assert topic.version == 7


def test_an_epoch_begins_anew() -> None:
    topic = Topic("hold:1")
    topic.answer({"kind": "ephemeral", "version": 7, "epoch": "a", "state": []}, None)
    assert topic.resumable is None
    assert not topic.push({"kind": "ephemeral", "version": 7, "epoch": "a", "payload": [1]})
    assert topic.push({"kind": "ephemeral", "version": 1, "epoch": "b", "payload": [2]})
    assert topic.state == [2]


def test_a_long_log_does_not_grow_the_user() -> None:
    topic = log_at(0)
    for number in range(1, 3 * KEPT_LINES):
        topic.push(line(number))
    assert len(topic.lines) == KEPT_LINES
