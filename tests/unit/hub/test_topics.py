"""Each change once, whatever the order and however often it comes; and what healing finds is delivered too."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from hub.connection import Connection
from hub.fanout import WIDE, Fanout
from hub.mailbox import Item
from hub.protocol import CloseCode, Encoding, Push
from hub.topics import Topic, Topics
from infra.redis.publish import message
from market.kernel import topics as kernel
from market.kernel.topics import EVERYONE, Entry, Kind, Snapshot


@dataclass(eq=False)
class Listener:
    """A member of topics that keeps what it is given. Stands where a connection stands."""

    encoding: Encoding = "json"
    frames: list[Any] = field(default_factory=list)
    closed: list[CloseCode] = field(default_factory=list)

    def offer(self, item: Item) -> None:
        decode = msgspec.json.decode if self.encoding == "json" else msgspec.msgpack.decode
        self.frames.append(decode(item.frame))

    write_now = offer

    def close_soon(self, code: CloseCode, reason: str) -> None:
        self.closed.append(code)

    @property
    def versions(self) -> list[int]:
        return [frame["version"] for frame in self.frames]

    @property
    def connection(self) -> Connection:
        return cast(Connection, self)


def ignore(topic: Topic, committed_us: int) -> None:
    """Of a state that was left out."""


def watched(name: str = "chat:1", version: int = 0) -> tuple[Topic, Listener]:
    listener = Listener()
    topic = Topic(name, version=version)
    topic.members[listener.connection] = None
    return topic, listener


def push(kind: Kind, version: int, **more: Any) -> Push:
    return Push(
        topic="t",
        kind=kind,
        version=version,
        payload=more.pop("payload", version),
        committed_us=1,
        **more,
    )


def snapshot(kind: Kind, version: int, entries: Sequence[Entry] = (), **more: Any) -> Snapshot:
    return Snapshot(
        topic="t", kind=kind, version=version, readers=EVERYONE, entries=tuple(entries), **more
    )


def lines(*numbers: int) -> list[Entry]:
    return [Entry(version=n, payload=f"line {n}") for n in numbers]


# --- is_new -----------------------------------------------------------------------------------------------------------


@st.composite
def disorder(draw: st.DrawFn) -> tuple[int, list[int]]:
    """(where a log stood, its next numbers in any order, each at least once)."""
    start, count = draw(st.integers(0, 1000)), draw(st.integers(0, 30))
    numbers = list(range(start + 1, start + count + 1))
    again = draw(st.lists(st.sampled_from(numbers), max_size=30)) if numbers else []
    earlier = draw(st.lists(st.integers(0, start), max_size=5))
    return start, draw(st.permutations(numbers + again + earlier))


@given(disorder())
def test_each_line_of_a_log_is_delivered_once_and_no_gap_stays(case: tuple[int, list[int]]) -> None:
    start, arriving = case
    topic = Topic("chat:1", version=start)
    delivered = []
    for number in arriving:
        before = topic.version
        if topic.is_new("log", number, None):
            delivered.append(number)
        assert topic.version >= before
        assert all(n > topic.version + 1 for n in topic.ahead or ()), (
            "what follows at once is not ahead"
        )
    last = max([start, *arriving])
    assert sorted(delivered) == list(range(start + 1, last + 1))
    assert topic.version == last
    assert not topic.ahead


@given(disorder(), st.data())
def test_a_log_that_lost_lines_knows_up_to_where_it_has_all(
    case: tuple[int, list[int]], data: st.DataObject
) -> None:
    start, arriving = case
    lost = data.draw(st.sets(st.sampled_from(arriving))) if arriving else set()
    topic = Topic("chat:1", version=start)
    heard = {n for n in arriving if n not in lost}
    for number in (n for n in arriving if n not in lost):
        topic.is_new("log", number, None)
    complete = start
    while complete + 1 in heard:
        complete += 1
    assert topic.version == complete
    assert (topic.ahead or set()) == {n for n in heard if n > complete}


@given(st.lists(st.integers(0, 50), max_size=60))
def test_state_never_goes_back(versions: list[int]) -> None:
    topic, delivered = Topic("listing:1"), []
    for version in versions:
        if topic.is_new("state", version, None):
            delivered.append(version)
    assert delivered == sorted(set(delivered))
    assert topic.version == max([0, *versions])


@given(st.lists(st.tuples(st.sampled_from(["7", "8", "9"]), st.integers(1, 20)), max_size=60))
def test_each_key_goes_forward_by_itself(changes: list[tuple[str, int]]) -> None:
    topic = Topic("area:x")
    delivered: dict[str, list[int]] = {}
    for key, version in changes:
        if topic.is_new("keyed", version, key):
            delivered.setdefault(key, []).append(version)
    for key, versions in delivered.items():
        assert versions == sorted(set(versions))
        assert versions[-1] == max(v for k, v in changes if k == key)


def test_an_ephemeral_value_counts_within_its_epoch() -> None:
    topic = Topic("hold:1")
    assert topic.is_new("ephemeral", 5, "a")
    assert not topic.is_new("ephemeral", 5, "a")
    assert not topic.is_new("ephemeral", 4, "a")
    assert topic.is_new("ephemeral", 1, "b"), "Redis has lost everything and begun again"
    assert topic.is_new("ephemeral", 2, "b")


# --- deliver ----------------------------------------------------------------------------------------------------------


def test_members_of_both_encodings_get_the_same() -> None:
    topic, json = watched()
    msgpack = Listener("msgpack")
    topic.members[msgpack.connection] = None
    change = kernel.Push(topic="chat:1", kind="log", version=1, payload={"text": "你好"})
    Fanout(ignore).deliver_message(topic, message(change, committed_us=17))
    assert json.frames == msgpack.frames
    assert json.frames == [
        {
            "op": "push", "topic": "chat:1", "kind": "log", "version": 1, "payload": {"text": "你好"},
            "committed_us": 17,
        }
    ]  # fmt: skip


def test_a_duplicate_reaches_nobody() -> None:
    topic, listener = watched()
    for _ in range(3):
        Fanout(ignore).deliver(topic, push("log", 1))
    assert listener.versions == [1]


def test_a_state_that_was_left_out_is_asked_for_once_it_is_newer_and_watched() -> None:
    told: list[tuple[str, int]] = []
    fanout = Fanout(lambda topic, committed_us: told.append((topic.name, committed_us)))
    watching, listener = watched("calendar:1", version=4)
    alone = Topic("calendar:2")
    for topic in (watching, alone):
        for version in (4, 5):
            change = kernel.Push(topic=topic.name, kind="state", version=version, payload=None)
            fanout.deliver_message(topic, message(change, committed_us=17))
    assert told == [(watching.name, 17)]
    assert fanout.catch_up(watching, snapshot("state", 5, state="busy")) == 1, (
        "it was not noted as seen"
    )
    assert [frame["payload"] for frame in listener.frames] == ["busy"]


def test_who_is_being_let_in_gets_it_later() -> None:
    topic, member = watched()
    newcomer = Listener()
    topic.joining = {newcomer.connection: []}
    Fanout(ignore).deliver(topic, push("log", 1))
    assert member.versions == [1]
    assert newcomer.frames == []
    assert [version for version, _, _ in topic.stop_joining(newcomer.connection)] == [1]


def test_a_revoked_session_closes_its_sockets() -> None:
    topic, listener = watched("session:1")
    joining = Listener()
    topic.joining = {joining.connection: []}
    Fanout(ignore).deliver(
        topic, push("state", 2, payload={"revoked": True, "reason": "logged out"})
    )
    assert listener.closed == joining.closed == [CloseCode.SESSION_REVOKED]


def test_a_session_that_lives_on_closes_nothing() -> None:
    topic, listener = watched("session:1")
    Fanout(ignore).deliver(topic, push("state", 2, payload={"revoked": False, "reason": ""}))
    assert listener.closed == []


async def test_a_wide_topic_is_written_in_slices_and_its_changes_keep_their_order() -> None:
    everybody = [Listener() for _ in range(3 * WIDE)]
    topic = Topic("t", members={listener.connection: None for listener in everybody})
    fanout = Fanout(ignore)
    fanout.deliver(topic, push("log", 1))
    for listener in everybody[
        : 2 * WIDE + 1
    ]:  # who leaves gets no more, and the topic is narrow from here on
        del topic.members[listener.connection]
    fanout.deliver(topic, push("log", 2))
    stayed = everybody[-1]
    while len(stayed.frames) < 2:  # noqa: ASYNC110
        await asyncio.sleep(0)
    assert stayed.versions == [1, 2]
    assert all(not listener.frames for listener in everybody[WIDE : 2 * WIDE + 1])


# --- catch_up ---------------------------------------------------------------------------------------------------------


def test_healing_gives_a_state_that_was_missed_once() -> None:
    topic, listener = watched("listing:1", version=3)
    assert Fanout(ignore).catch_up(topic, snapshot("state", 5, state="now")) == 1
    assert Fanout(ignore).catch_up(topic, snapshot("state", 5, state="now")) == 0
    assert [(f["version"], f["payload"], f["committed_us"]) for f in listener.frames] == [
        (5, "now", 0)
    ]
    Fanout(ignore).deliver(topic, push("state", 4))
    assert listener.versions == [5], "what comes late is old"


def test_healing_gives_nothing_to_those_who_have_it() -> None:
    topic, listener = watched("listing:1", version=5)
    assert Fanout(ignore).catch_up(topic, snapshot("state", 5)) == 0
    assert Fanout(ignore).catch_up(topic, snapshot("state", 4, state="a late read")) == 0
    assert listener.frames == []


@given(disorder(), st.data())
def test_healing_completes_a_log(case: tuple[int, list[int]], data: st.DataObject) -> None:
    """Some lines are lost, the truth is read at any moment, the rest comes after: each line once, none missing."""
    start, arriving = case
    lost = data.draw(st.sets(st.sampled_from(arriving))) if arriving else set()
    heard = [n for n in arriving if n not in lost]
    cut = data.draw(st.integers(0, len(heard)))
    last = max([start, *arriving])
    topic, listener = watched(version=start)
    for number in heard[:cut]:
        Fanout(ignore).deliver(topic, push("log", number))
    have = topic.version
    Fanout(ignore).catch_up(topic, snapshot("log", last, lines(*range(have + 1, last + 1))))
    for number in heard[cut:]:
        Fanout(ignore).deliver(topic, push("log", number))
    assert sorted(listener.versions) == list(range(start + 1, last + 1))
    assert (topic.version, topic.ahead) == (last, None)


def test_healing_gives_the_keys_that_are_behind() -> None:
    topic, listener = watched("area:x")
    Fanout(ignore).deliver(topic, push("keyed", 4, key="7"))
    Fanout(ignore).deliver(topic, push("keyed", 9, key="8"))
    truth = [Entry(version=5, payload="seven", key="7"), Entry(version=9, payload="eight", key="8")]
    assert Fanout(ignore).catch_up(topic, snapshot("keyed", 40, truth)) == 1
    assert [(f["key"], f["version"]) for f in listener.frames] == [("7", 4), ("8", 9), ("7", 5)]


def test_healing_gives_an_ephemeral_value_of_another_epoch() -> None:
    topic, listener = watched("hold:1")
    Fanout(ignore).deliver(topic, push("ephemeral", 9, epoch="a", expires_ms=50))
    truth = snapshot("ephemeral", 2, epoch="b", state=["lease"], expires_ms=60)
    assert Fanout(ignore).catch_up(topic, truth) == 1
    assert Fanout(ignore).catch_up(topic, truth) == 0
    last = listener.frames[-1]
    assert (last["epoch"], last["version"], last["payload"], last["expires_ms"]) == (
        "b",
        2,
        ["lease"],
        60,
    )


# --- who watches what -------------------------------------------------------------------------------------------------


def test_a_topic_is_forgotten_when_nobody_has_watched_it_for_a_while() -> None:
    topics, listener = Topics(), Listener()
    for topic in topics.begin_joining(listener.connection, ["a:1", "b:1"]):
        assert topic.stop_joining(listener.connection) == []
        topic.members[listener.connection] = None
    topics.leave(listener.connection, ["a:1"], now_s=100)
    assert topics.drop_idle(now_s=109, grace_s=10) == []
    assert topics.drop_idle(now_s=110, grace_s=10) == ["a:1"]
    assert topics.get("a:1") is None
    assert topics.get("b:1") is not None


def test_a_topic_that_is_watched_again_in_time_is_kept() -> None:
    topics, listener = Topics(), Listener()
    topics.begin_joining(listener.connection, ["a:1"])
    topics.leave(listener.connection, ["a:1"], now_s=100)
    topics.begin_joining(listener.connection, ["a:1"])
    assert topics.drop_idle(now_s=1000, grace_s=10) == []
    assert len(topics) == 1


def test_what_came_while_the_first_was_let_in_closes_ranks_with_what_it_read() -> None:
    topic = Topic("chat:1")
    assert [topic.is_new("log", number, None) for number in (4, 3)] == [True, True]
    topic.begins_at(2)
    assert (topic.version, topic.ahead) == (4, None)
