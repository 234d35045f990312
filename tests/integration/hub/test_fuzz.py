"""A small helping of `./dev soak fuzz`: the same nonsense, 5,000 frames of it, against the decoders and a hub of its own."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub import protocol
from hub.commands import COMMANDS
from infra import wire
from loadtest.fuzz import decoder, noise
from loadtest.fuzz.decoder import Corpus
from loadtest.fuzz.sessions import Author
from loadtest.soaks import fuzz
from market.kernel.errors import BadInput, MarketError

SEED = int(os.environ.get("SHAREHUB_TEST_SEED") or 1)

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
frames = st.lists(
    st.fixed_dictionaries(
        {"op": st.sampled_from(("connect", "subscribe", "unsubscribe", "command", "refresh", "ping", "pong"))},
        optional=dict.fromkeys(("id", "token", "topics", "name", "body", "key"), anything),
    ),
    max_size=17,
)  # fmt: skip


def decode(message: bytes | str) -> list[protocol.ClientFrame]:
    try:
        return protocol.decode(message)
    except BadInput:
        return []


@settings(deadline=None, max_examples=60)
@given(raw=st.binary(max_size=300), text=st.text(max_size=300))
def test_bytes_and_text_that_mean_nothing(raw: bytes, text: str) -> None:
    decode(raw)
    decode(text)


@settings(deadline=None, max_examples=60)
@given(said=frames)
def test_frames_of_any_content(said: list[Any]) -> None:
    for message in (noise.to_json(said).decode(), noise.to_msgpack(said)):
        for frame in decode(message):
            if isinstance(frame, protocol.Command):
                for operation in COMMANDS.values():
                    try:
                        wire.command(frame.body, operation.takes)
                    except MarketError:
                        pass


def test_only_bad_input_comes_out_of_the_decoder() -> None:
    faults: list[str] = []
    outcomes = decoder.assault(SEED, 5_000, faults)
    assert not faults, "\n".join(faults[:20])
    assert outcomes["decoded"] > 100
    assert outcomes["refused"] > 1000


def test_a_seed_is_a_run() -> None:
    corpus = Corpus()

    def messages(seed: int) -> list[bytes]:
        dice = Random(seed)
        return [corpus.message(dice, json_=n % 2 == 0) for n in range(300)]

    def stories(seed: int) -> list[list[bytes]]:
        author = Author(seed, lambda user, wrong: f"{user} {wrong}", ["1", "2"], ["3"])
        return [author.write(number).pieces for number in range(100)]

    assert messages(SEED) == messages(SEED) != messages(SEED + 1)
    assert stories(SEED) == stories(SEED) != stories(SEED + 1)
    ends = Counter(
        Author(SEED, lambda user, wrong: "", ["1"], []).write(number).end for number in range(300)
    )
    assert len(ends) == 5


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_the_hub_lives_and_hurts_nobody(workplace: Path) -> None:
    with fuzz.started(workplace / "fuzz") as stack:
        figures = fuzz.run(stack, SEED, 5_000)
    faults = figures["faults"]
    assert not faults, f"seed {SEED}, {len(faults)} faults:\n" + "\n".join(faults[:20])
    assert figures["frames"] >= 5_000
    assert figures["frames_understood"] > 1_000
    assert {"4500", "4502", "1002"} <= set(figures["closes"])
    assert {"connected", "subscribed", "reply", "error", "pong"} <= set(figures["ops"])
    assert figures["honest_rounds"] > 0
