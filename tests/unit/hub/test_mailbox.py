"""What waits for a slow client: the newest state, every log line, never more than the bound."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.mailbox import MAX_MESSAGE_BYTES, MAX_MESSAGE_FRAMES, Item, Mailbox
from hub.protocol import Encoding, join, websocket_frame

PLENTY = 1 << 30
SLOTS = (None, ("listing:1", None), ("listing:2", None), ("area:x", "7"), ("area:x", "8"))


def item(content: object, slot: tuple[str, str | None] | None = None) -> Item:
    return Item(msgspec.json.encode(content), slot)


def payload_of(message: bytes) -> bytes:
    """The payload of one unmasked, final WebSocket frame; fails unless there is exactly one."""
    assert message[0] in (0x81, 0x82)
    length, start = message[1], 2
    if length == 126:
        length, start = int.from_bytes(message[2:4], "big"), 4
    elif length == 127:
        length, start = int.from_bytes(message[2:10], "big"), 10
    assert len(message) == start + length
    return message[start:]


def drain(mailbox: Mailbox) -> list[list[Any]]:
    """Every message there is, as lists of frames."""
    messages = []
    while (message := mailbox.take()) is not None:
        messages.append(msgspec.json.decode(payload_of(message)))
    return messages


def frames(messages: Iterable[list[Any]]) -> list[Any]:
    return [frame for message in messages for frame in message]


def test_what_waits_goes_out_as_one_message_in_order() -> None:
    mailbox = Mailbox("json", PLENTY)
    for content in ("reply", "line 1", "line 2"):
        assert mailbox.put(item(content))
    assert drain(mailbox) == [["reply", "line 1", "line 2"]]
    assert not mailbox
    assert mailbox.waiting_bytes == 0
    assert mailbox.take() is None


def test_of_one_topic_only_the_newest_state_waits() -> None:
    mailbox = Mailbox("json", PLENTY)
    for content in ("v1", "v2", "v3"):
        mailbox.put(item(content, ("listing:1", None)))
    assert drain(mailbox) == [["v3"]]
    assert mailbox.conflated == 2


def test_a_newer_state_goes_behind_what_came_before_it() -> None:
    """Else a state could overtake the answer that says what the client starts from."""
    mailbox = Mailbox("json", PLENTY)
    mailbox.put(item("v1", ("listing:1", None)))
    mailbox.put(item("subscribed"))
    mailbox.put(item("v2", ("listing:1", None)))
    assert drain(mailbox) == [["subscribed", "v2"]]


def test_the_keys_of_one_topic_do_not_replace_each_other() -> None:
    mailbox = Mailbox("json", PLENTY)
    for content, key in (("a1", "a"), ("b1", "b"), ("a2", "a")):
        mailbox.put(item(content, ("area:x", key)))
    assert drain(mailbox) == [["b1", "a2"]]


def test_the_same_line_offered_twice_waits_once() -> None:
    mailbox = Mailbox("json", PLENTY)
    line = item("line")
    assert mailbox.put(line)
    assert mailbox.put(line)
    assert mailbox.waiting_bytes == len(line.frame)
    assert drain(mailbox) == [["line"]]


def test_equal_lines_are_different_lines() -> None:
    mailbox = Mailbox("json", PLENTY)
    mailbox.put(item("line"))
    mailbox.put(item("line"))
    assert drain(mailbox) == [["line", "line"]]


def test_beyond_the_bound_the_client_must_come_back() -> None:
    mailbox = Mailbox("json", 10)
    assert mailbox.put(Item(b"x" * 6))
    assert mailbox.put(Item(b"x" * 4))
    assert not mailbox.put(Item(b"x"))


def test_one_item_alone_is_never_too_much() -> None:
    """A long answer to `connect` would otherwise be asked for, and refused, for ever."""
    mailbox = Mailbox("json", 10)
    assert mailbox.put(Item(b"x" * 1000))
    assert not mailbox.put(Item(b"x"))


def test_a_replaced_state_does_not_count() -> None:
    mailbox = Mailbox("json", 10)
    assert all(mailbox.put(Item(b"x" * 10, ("listing:1", None))) for _ in range(100))
    assert mailbox.waiting_bytes == 10


def test_what_was_taken_does_not_count() -> None:
    mailbox = Mailbox("json", 10)
    for _ in range(100):
        assert mailbox.put(Item(b"1" * 4))
        assert mailbox.put(Item(b"2" * 4))
        mailbox.take()


def test_a_message_has_limits_and_the_rest_waits() -> None:
    mailbox = Mailbox("json", PLENTY)
    for n in range(MAX_MESSAGE_FRAMES + 1):
        mailbox.put(item(n))
    assert [len(m) for m in drain(mailbox)] == [MAX_MESSAGE_FRAMES, 1]

    half = "x" * (MAX_MESSAGE_BYTES // 2)
    for content in (half, half, "end"):
        mailbox.put(item(content))
    assert [len(m) for m in drain(mailbox)] == [1, 2]


def test_a_frame_larger_than_a_message_goes_alone() -> None:
    mailbox = Mailbox("json", PLENTY)
    mailbox.put(item("x" * 2 * MAX_MESSAGE_BYTES))
    mailbox.put(item("end"))
    assert [len(m) for m in drain(mailbox)] == [1, 1]


def test_a_push_that_waits_alone_is_written_as_it_was_encoded_for_all() -> None:
    ready_made = websocket_frame(join([b'"push"'], "json"), "json")
    mailbox = Mailbox("json", PLENTY)
    mailbox.put(Item(b'"push"', ("listing:1", None), ready_made))
    assert mailbox.take() is ready_made


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
@pytest.mark.parametrize("count", [1, 2, 15, 16, 17, 64])
def test_messages_are_arrays_in_both_encodings(encoding: Encoding, count: int) -> None:
    wire: Any = getattr(msgspec, encoding)
    mailbox = Mailbox(encoding, PLENTY)
    for n in range(count):
        mailbox.put(Item(wire.encode({"n": n})))
    message = mailbox.take()
    assert message is not None
    assert wire.decode(payload_of(message)) == [{"n": n} for n in range(count)]


@pytest.mark.parametrize("length", [0, 125, 126, 65535, 65536])
def test_lengths_are_written_as_rfc_6455_says(length: int) -> None:
    assert payload_of(websocket_frame(b"x" * length, "msgpack")) == b"x" * length


puts = st.tuples(st.sampled_from(SLOTS), st.integers(0, 40))
steps = st.lists(st.one_of(puts, st.none()), max_size=150)


@given(steps)
def test_it_behaves_like_a_list_from_which_replaced_states_are_struck(
    steps: list[tuple[tuple[str, str | None] | None, int] | None],
) -> None:
    """Steps are puts, and takes (None). The model: a plain list."""
    mailbox, model, got, expected = Mailbox("json", PLENTY), [], [], []  # type: ignore[var-annotated]
    for number, step in enumerate(steps):
        if step is None:
            message = mailbox.take()
            taken = msgspec.json.decode(payload_of(message)) if message is not None else []
            assert bool(taken) == bool(model)
            got += taken
            expected += [content for _, content in model[: len(taken)]]
            model = model[len(taken) :]
        else:
            slot, size = step
            content = f"{number} {'x' * size}"
            mailbox.put(item(content, slot))
            if slot is not None:
                model = [(s, c) for s, c in model if s != slot]
            model.append((slot, content))
        assert mailbox.waiting_bytes == sum(len(msgspec.json.encode(c)) for _, c in model)
    got += frames(drain(mailbox))
    expected += [content for _, content in model]
    assert got == expected


@given(st.lists(puts, max_size=60), st.integers(0, 400))
def test_put_says_no_exactly_when_the_bound_is_exceeded(
    offered: list[tuple[tuple[str, str | None] | None, int]], limit: int
) -> None:
    mailbox = Mailbox("json", limit)
    waiting: list[tuple[tuple[str, str | None] | None, int]] = []
    for slot, size in offered:
        fits = mailbox.put(Item(b"x" * size, slot))
        waiting = [(s, n) for s, n in waiting if s is None or s != slot] + [(slot, size)]
        assert mailbox.waiting_bytes == sum(n for _, n in waiting)
        assert fits == (mailbox.waiting_bytes <= limit or len(waiting) == 1)
