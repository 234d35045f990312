"""A virtual user's connection: answers pings, merges what comes, resumes when it breaks, repeats what was not answered."""

from __future__ import annotations

import itertools
import random
import secrets
import time
from collections.abc import Callable, Iterable
from typing import Any

import gevent
from gevent.event import AsyncResult

from loadtest.users.merge import Gap, Topic
from loadtest.users.meter import Meter
from loadtest.users.trouble import Gone, Missing, Refused, Trouble, Violation
from loadtest.users.wire import Closed, Wire

PATIENCE_S = 20.0
"""Retryable refusals are repeated, and an answer is awaited, for so long."""
REPEATED_S = {"not_found": 10.0, "unavailable": PATIENCE_S, "rate_limited": PATIENCE_S}
"""How long a topic is asked for again. Calendars and conversations come into being a moment after the reply that promises them."""
HEAL_S = 5.0
REORDER_S = 0.1
"""Lines 7 and 6 may come in that order; only a gap that lasts longer is asked about."""
MAX_FRAMES = 16
RECONNECT = range(4000, 4500)
GOING_AWAY, SERVICE_UNAVAILABLE = 4000, 503

Frame = dict[str, Any]


class Link:
    """`topics` is everything that is watched. Failures are reported to the meter where they are noticed."""

    def __init__(self, urls: Iterable[str], token: Callable[[], str], meter: Meter) -> None:
        self._urls = random.sample(list(urls), len(list(urls)))
        self._token = token
        self._meter = meter
        self._ids = itertools.count(1)
        self._wire: Wire | None = None
        self._wanted = False
        self._reader: Any = None
        self._asked: dict[int, tuple[Frame, Any]] = {}
        self._waiters: dict[str, list[tuple[Callable[[Topic], Any], Any]]] = {}
        self._repairing: set[str] = set()
        self._away_ms = 0
        self.topics: dict[str, Topic] = {}
        self.heartbeat_s = 25.0
        self.token_expires_ms = 0
        self.server_ms = 0
        self.live_since = 0.0
        """Monotonic seconds; 0.0 while it is down."""

    # --- the connection ---

    def open(self) -> None:
        self._wanted = True
        self._connect("ws:connect")

    def drop(self) -> None:
        """Lose the connection, as a phone in a pocket does, until `resume`."""
        self._wanted = False
        self._hang_up()

    def resume(self) -> None:
        """One frame with all versions; live and current when it returns."""
        self._wanted = True
        self._connect("ws:resume")

    def close(self) -> None:
        """Who still waits for something here is told that this user is gone."""
        self.drop()
        gone = Gone("left")
        for _, result in [*self._asked.values(), *itertools.chain(*self._waiters.values())]:
            result.set_exception(gone)
        self._waiters.clear()

    def refresh(self, token: str) -> None:
        answer = self._ask({"op": "refresh", "token": token})
        if answer["op"] == "error":
            refused = Refused(answer["error"])
            self._meter.fail("ws:refresh", refused)
            raise refused
        self.token_expires_ms = int(answer["token_expires_ms"])

    def ping(self) -> None:
        """Round trip of a `ping` frame."""
        began = time.monotonic()
        result = AsyncResult()
        self._waiters.setdefault("pong", []).append((bool, result))
        self._send([{"op": "ping"}])
        self._await(result, HEAL_S, "ws:ping", "no pong")
        self._meter.ok("ws:ping", (time.monotonic() - began) * 1000)

    def _connect(self, name: str) -> None:
        """Try the hubs in turn for `PATIENCE_S`, with jitter."""
        began, pause_s = time.monotonic(), 0.1
        while True:
            try:
                self._say_hello()
                self.live_since = time.monotonic()
                self._meter.ok(name, (self.live_since - began) * 1000)
                return
            except Closed as closed:
                self._hang_up()
                temporary = closed.code in (1006, SERVICE_UNAVAILABLE) or closed.code in RECONNECT
                if not temporary or time.monotonic() - began > PATIENCE_S:
                    self._meter.fail(name, closed, (time.monotonic() - began) * 1000)
                    raise
                self._meter.ok(f"retry:{name} {closed.code}", 0)
            self._urls.append(self._urls.pop(0))
            gevent.sleep(random.uniform(0, pause_s))
            pause_s = min(5.0, 2 * pause_s)

    def _say_hello(self) -> None:
        wire = Wire(self._urls[0])
        self._wire = wire
        asked = {topic.name: topic.resumable for topic in self.topics.values()}
        for topic in self.topics.values():
            topic.reconnected()
        hello = {"op": "connect", "token": self._token(), "topics": list(asked.items())}
        wire.send([hello])
        connected = None
        while connected is None:
            frames, size = wire.receive()
            for frame in frames:
                if frame["op"] == "connected":
                    connected = frame
                    self._joined(frame, asked)
                else:
                    self._take(frame, size)
        self.heartbeat_s = float(connected["heartbeat_s"])
        self.token_expires_ms = int(connected["token_expires_ms"])
        self.server_ms = int(connected["server_ms"])
        self._reader = gevent.spawn(self._read, wire)
        unanswered = [frame for frame, _ in self._asked.values()]
        for start in range(0, len(unanswered), MAX_FRAMES):
            self._send(unanswered[start : start + MAX_FRAMES])
        self._complete(connected)

    def _complete(self, answer: Frame) -> None:
        """Logs that were cut, and topics that could not be read at that moment."""
        again = [t["topic"] for t in answer["topics"] if t.get("more")]
        again += [r["topic"] for r in answer["refused"] if r["code"] == "unavailable"]
        for refused in answer["refused"]:
            if refused["code"] != "unavailable":
                self._meter.fail("ws:resume", _refusal(refused))
        if again:
            self.watch(*again)

    def _read(self, wire: Wire) -> None:
        """The reader greenlet. When the connection breaks, it is the one that makes another."""
        try:
            while True:
                frames, size = wire.receive()
                for frame in frames:
                    self._take(frame, size // len(frames))
        except Closed as closed:
            if wire is self._wire:
                self._lost(closed)

    def _lost(self, closed: Closed) -> None:
        self._hang_up()
        if not self._wanted:
            return
        if closed.code == GOING_AWAY:
            self._meter.ok("ws:moved", 0)
            gevent.sleep(random.uniform(0.5, 1.5) * self._away_ms / 1000)
        else:
            self._meter.fail("ws:close", closed)
            gevent.sleep(random.uniform(0, 0.1))
        if self._wanted:
            try:
                self._connect("ws:resume")
            except Trouble:
                pass  # reported; whoever waits for an answer runs out of patience

    def _hang_up(self) -> None:
        wire, self._wire, self.live_since = self._wire, None, 0.0
        if wire is not None:
            wire.close()

    # --- topics ---

    def watch(self, *names: str) -> None:
        """Subscribe, and ask again for what does not exist yet or cannot be read just now."""
        began, pause_s = time.monotonic(), 0.1
        wanted = list(names)
        for name in names:
            self.topics.setdefault(name, Topic(name))
        while wanted:
            asked = {name: self.topics[name].resumable for name in wanted}
            answer = self._ask({"op": "subscribe", "topics": list(asked.items())})
            refused = answer.get("refused") or []
            if answer["op"] == "error":
                refused = [{"topic": name, **answer["error"]} for name in wanted]
            waited_s = time.monotonic() - began
            for refusal in refused:
                if waited_s > REPEATED_S.get(refusal["code"], 0.0):
                    trouble = _refusal(refusal)
                    self._give_up(refusal["topic"])
                    self._meter.fail("ws:subscribe", trouble)
                    raise trouble
            wanted = [refusal["topic"] for refusal in refused]
            wanted += [t["topic"] for t in answer.get("topics", ()) if t.get("more")]
            if refused:
                gevent.sleep(random.uniform(pause_s / 2, pause_s))
                pause_s = min(1.0, 2 * pause_s)
        self._meter.ok("ws:subscribe", (time.monotonic() - began) * 1000)

    def _give_up(self, name: str) -> None:
        """What was watched before goes on being watched."""
        if name in self.topics and self.topics[name].version is None:
            del self.topics[name]

    def unwatch(self, *names: str) -> None:
        for name in names:
            self.topics.pop(name, None)
        self._ask({"op": "unsubscribe", "topics": list(names)})

    def until(self, name: str, happened: Callable[[Topic], Any], within_s: float) -> Topic:
        """Wait until what is known of a topic satisfies a condition. Raise Missing, which nobody has reported yet."""
        topic = self.topics.get(name)
        if topic is None or topic.version is None or not happened(topic):
            result = AsyncResult()
            waiter = (happened, result)
            self._waiters.setdefault(name, []).append(waiter)
            try:
                topic = result.get(timeout=max(0.0, within_s))
            except gevent.Timeout:
                self._forget(name, waiter)
                known = self.topics.get(name)
                raise Missing(
                    f"{name.partition(':')[0]} still at {known and known.version}"
                ) from None
        assert topic is not None
        return topic

    def _forget(self, name: str, waiter: tuple[Any, Any]) -> None:
        waiters = self._waiters.get(name, [])
        if waiter in waiters:
            waiters.remove(waiter)
        if not waiters:
            self._waiters.pop(name, None)

    # --- commands ---

    def command(self, name: str, body: dict[str, Any], expected: tuple[str, ...] = ()) -> Any:
        """The reply's body. Retryable refusals are repeated under the same key, unless `expected`. Raise Refused or Missing."""
        key = secrets.token_hex(8)
        began, pause_s = time.monotonic(), 0.1
        while True:
            reply = self._ask({"op": "command", "name": name, "key": key, "body": body})
            took_s = time.monotonic() - began
            if reply["ok"]:
                self._meter.ok(f"cmd:{name}", took_s * 1000)
                return reply.get("body")
            refused = Refused(reply["error"])
            if refused.code in expected:
                self._meter.ok(f"cmd:{name} {refused.code}", took_s * 1000)
                raise refused
            if not refused.retryable or took_s > PATIENCE_S:
                self._meter.fail(f"cmd:{name}", refused, took_s * 1000)
                raise refused
            self._meter.ok(f"retry:{name} {refused.code}", took_s * 1000)
            gevent.sleep(random.uniform(pause_s, 3 * pause_s))
            pause_s = min(2.0, 2 * pause_s)

    # --- frames ---

    def _ask(self, frame: Frame) -> Frame:
        if not self._wanted:
            raise Gone("left")
        id_, result = next(self._ids), AsyncResult()
        frame = {**frame, "id": id_}
        self._asked[id_] = (frame, result)
        try:
            self._send([frame])
            what = f"cmd:{frame['name']}" if "name" in frame else f"ws:{frame['op']}"
            answer: Frame = self._await(result, PATIENCE_S, what, "no reply")
            return answer
        finally:
            del self._asked[id_]

    def _await(self, result: Any, within_s: float, name: str, why: str) -> Any:
        try:
            return result.get(timeout=within_s)
        except gevent.Timeout:
            missing = Missing(f"{why} for {within_s:g} s")
            self._meter.fail(name, missing, within_s * 1000)
            raise missing from None

    def _send(self, frames: list[Frame]) -> None:
        """While the connection is down nothing is lost: what is unanswered is sent again once it is up."""
        if self._wire is not None:
            try:
                self._wire.send(frames)
            except Closed:
                pass  # the reader notices too

    def _take(self, frame: Frame, size: int) -> None:
        op = frame["op"]
        if op == "push":
            self._pushed(frame, size)
        elif op == "ping":
            self._send([{"op": "pong"}])
        elif op == "pong":
            for _, result in self._waiters.pop("pong", ()):
                result.set(frame)
        elif op == "bye":
            self._away_ms = int(frame["retry_after_ms"])
        elif "id" in frame:
            frame_and_result = self._asked.get(frame["id"])
            if frame_and_result is not None:
                asked, result = frame_and_result
                if op == "subscribed":
                    self._joined(frame, dict(asked["topics"]))
                result.set(frame)
        elif op == "error":
            self._meter.fail("ws:error", Refused(frame["error"]))

    def _joined(self, answer: Frame, asked: dict[str, int | None]) -> None:
        for given in answer["topics"]:
            topic = self.topics.get(given["topic"])
            if topic is not None:
                try:
                    topic.answer(given, asked.get(topic.name))
                except Violation as violation:
                    self._meter.fail("ws:order", violation)
                self._tell(topic)

    def _pushed(self, frame: Frame, size: int) -> None:
        topic = self.topics.get(frame["topic"])
        if topic is None:  # unsubscribed a moment ago, or the session's own
            return
        try:
            fresh = topic.push(frame)
        except Gap:
            self._repair(topic, int(frame["version"]))
            return
        except Violation as violation:
            self._meter.fail("ws:order", violation)
            return
        if fresh:
            committed_us = int(frame["committed_us"])
            if committed_us:
                prefix = topic.name.partition(":")[0]
                late_ms = (time.time_ns() // 1000 - committed_us) / 1000
                self._meter.ok(f"push:{prefix}", max(0.0, late_ms), size)
            self._tell(topic)

    def _tell(self, topic: Topic) -> None:
        waiters = self._waiters.get(topic.name)
        if waiters and topic.version is not None:
            for waiter in [w for w in waiters if w[0](topic)]:
                waiter[1].set(topic)
                self._forget(topic.name, waiter)

    def _repair(self, topic: Topic, number: int) -> None:
        if topic.name not in self._repairing:
            self._repairing.add(topic.name)
            gevent.spawn(self._fill, topic, number)

    def _fill(self, topic: Topic, number: int) -> None:
        """A hole in a log: it closes by itself, or by asking, or it is a failure."""
        began = time.monotonic()
        try:
            gevent.sleep(REORDER_S)
            if (topic.version or 0) < number:
                self.watch(topic.name)
            self.until(topic.name, lambda t: (t.version or 0) >= number, HEAL_S)
            self._meter.ok("log:repaired", (time.monotonic() - began) * 1000)
        except Missing as missing:
            self._meter.fail("log:gap", missing)
        except Trouble:
            pass  # reported
        finally:
            self._repairing.discard(topic.name)


def _refusal(refused: Frame) -> Refused:
    """By kind of topic: a report that named each would be as long as the list of users."""
    return Refused({**refused, "message": f"{refused['topic'].partition(':')[0]}:"})
