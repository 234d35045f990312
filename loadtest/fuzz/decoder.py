"""Nonsense against the decoders, in this process: only BadInput may come out of them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

from devkit import ROOT
from hub import protocol
from hub.commands import COMMANDS
from infra import wire
from loadtest.fuzz import noise
from market.kernel.errors import BadInput, MarketError

GOLDEN = ROOT / "tests" / "golden" / "frames.json"


class Corpus:
    """Whole messages of both encodings to begin with, as bytes and as values."""

    def __init__(self, golden: Path = GOLDEN) -> None:
        page = json.loads(golden.read_text())
        examples = [*page["client"], *page["server"]]
        self.values: list[Any] = [example["json"] for example in examples]
        self.json = [json.dumps([frame]).encode() for frame in self.values]
        self.msgpack = [b"\x91" + bytes.fromhex(example["msgpack"]) for example in examples]

    def message(self, dice: Random, json_: bool) -> bytes:
        """A spoilt one."""
        seeds = self.json if json_ else self.msgpack
        kind = dice.randrange(10)
        if kind < 5:
            return noise.garble(dice, dice.choice(seeds), dice.choice(seeds))
        if kind == 9:
            return noise.doubled(dice, dice.choice(self.values), json_)
        frames = [dice.choice(self.values) for _ in range(dice.choice((1, 2, 16, 17)))]
        spoilt = noise.spoil(dice, frames)
        return noise.to_json(spoilt) if json_ else noise.to_msgpack(spoilt)


def assault(seed: int, messages: int, faults: list[str]) -> Counter[str]:
    """What became of so many messages, by outcome. A fault is whatever the protocol does not promise."""
    dice, corpus, outcomes = Random(f"decoder {seed}"), Corpus(), Counter[str]()
    takes = [operation.takes for operation in COMMANDS.values()]
    for number in range(messages):
        raw = corpus.message(dice, json_=number % 2 == 0)
        message = raw.decode(errors="replace") if number % 2 == 0 else raw
        try:
            frames = protocol.decode(message)
        except BadInput:
            outcomes["refused"] += 1
            continue
        except BaseException as error:
            faults.append(f"decoder message {number}: {error!r:.200} for {message[:200]!r}")
            continue
        outcomes["decoded"] += 1
        if not 1 <= len(frames) <= protocol.MAX_FRAMES:
            faults.append(f"decoder message {number}: {len(frames)} frames")
        for frame in frames:
            if isinstance(frame, protocol.Command):
                outcomes[_command(frame.body, dice.choice(takes), number, faults)] += 1
    return outcomes


def _command(body: Any, takes: type, number: int, faults: list[str]) -> str:
    try:
        wire.msgpack(wire.command(body, takes))  # the digest of an idempotency key is made of it
    except MarketError:
        return "bodies refused"
    except Exception as error:
        faults.append(f"decoder message {number}: {error!r:.200} from a body for {takes.__name__}")
    return "bodies decoded"
