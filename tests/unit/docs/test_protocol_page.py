"""docs/protocol.md says what the code does: every op, field, code, command, topic and limit, and none that is not there."""

from __future__ import annotations

import re
from typing import Any, get_args

import msgspec
import pytest

from hub import protocol, sources
from hub.commands import COMMANDS
from hub.node import Settings
from infra.action import MAX_KEY_CHARACTERS
from infra.mysql.idempotency import KEPT_MS
from infra.tokens import Tokens
from market.kernel import log
from market.kernel.facts import KINDS
from market.kernel.period import DAY_MS
from market.listings import views as listings
from tests.unit.docs import generate

PAGE = (generate.DOCS / "protocol.md").read_text(encoding="utf-8")


def section(number: int) -> str:
    found = re.search(rf"^## {number}\. .*?(?=^## |\Z)", PAGE, re.M | re.S)
    assert found is not None
    return found[0]


def rows(text: str) -> list[list[str]]:
    """The cells of all table rows, headings and rulers left out."""
    lines = [line for line in text.splitlines() if line.startswith("| `") or line.startswith("| 4")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def ticked(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


@pytest.mark.parametrize(
    ("document", "block"), [(d, b) for d, blocks in generate.BLOCKS.items() for b in blocks]
)
def test_what_is_generated_is_current(document: str, block: str) -> None:
    text = (generate.DOCS / document).read_text(encoding="utf-8")
    expected = generate.BLOCKS[document][block]().strip("\n")
    assert generate.between(text, block) == expected, "python -m tests.unit.docs.generate"


# --- frames -----------------------------------------------------------------------------------------------------------


def frames() -> tuple[dict[str, type[Any]], dict[str, type[Any]]]:
    """(op -> struct) of the client and of the server."""
    tagged = [
        struct for struct in vars(protocol).values()
        if isinstance(struct, type) and issubclass(struct, msgspec.Struct) and struct.__struct_config__.tag
    ]  # fmt: skip
    client = {
        str(struct.__struct_config__.tag): struct for struct in get_args(protocol.ClientFrame)
    }
    server = {str(s.__struct_config__.tag): s for s in tagged if s not in client.values()}
    return client, server


def documented_ops() -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """(op -> cells) of the two tables."""
    client, _, server = section(2).partition("| from the server |")
    return tuple({ticked(row[0])[0]: row for row in rows(part)} for part in (client, server))  # type: ignore[return-value]


def test_every_op_is_there_and_no_other() -> None:
    client, server = frames()
    assert set(documented_ops()[0]) == set(client)
    assert set(documented_ops()[1]) == set(server)


def test_every_field_of_a_frame_is_there_and_no_other() -> None:
    limits = set(protocol.Limits.__struct_fields__)
    inner = limits | set(protocol.Refusal.__struct_fields__)
    for structs, documented in zip(frames(), documented_ops(), strict=True):
        for op, struct in structs.items():
            named = {word for word in ticked(documented[op][1]) if word.isidentifier()}
            fields = set(struct.__struct_fields__)
            assert fields <= named, op
            assert named - fields <= inner | {
                "connect",
                "connected",
                "refresh",
                "pong",
                "signal",
            }, op
            assert "limits" not in fields or limits <= named


def test_every_field_of_a_topic_state_is_there() -> None:
    text = section(4).partition("### What an answer says")[2].partition("### How to merge")[0]
    for struct in (protocol.TopicState, protocol.TopicEntry):
        assert set(struct.__struct_fields__) <= set(re.findall(r"`(\w+)[`:]", text))


def test_every_field_of_an_error_is_there() -> None:
    assert set(protocol.Error.__struct_fields__) <= set(ticked(section(2)))


def test_the_subprotocols_are_those() -> None:
    assert set(re.findall(r"sharehub\.v\d\.\w+", PAGE)) == set(protocol.SUBPROTOCOLS)


# --- codes ------------------------------------------------------------------------------------------------------------


def test_close_codes_are_those() -> None:
    documented = {int(row[0]): ticked(row[1])[0] for row in rows(section(9))}
    assert documented == {code.value: code.name for code in protocol.CloseCode}
    assert {int(code) for code in re.findall(r"\b4[015]\d\d\b", PAGE)} <= {*documented, 4499}


def test_no_error_code_is_made_up() -> None:
    known = {error.code for error in generate.every_error()}
    lists = re.findall(r"(?:code|refused with|answers) `([a-z]+_[a-z_]+)`", PAGE)
    assert lists
    assert set(lists) <= known
    assert {ticked(row[0])[0] for row in rows(generate.between(PAGE, "errors"))} == known


def test_the_codes_of_refused_topics_are_those_which_joining_gives() -> None:
    told = section(4).partition("`refused` has a `code` per topic:")[2].partition("**")[0]
    assert [w for w in ticked(told) if w != "more"] == [
        "unknown_topic", "not_found", "too_many_topics", "unavailable",
    ]  # fmt: skip


# --- topics and commands ----------------------------------------------------------------------------------------------


def test_every_topic_is_there_and_no_other() -> None:
    table = section(4).partition("| topic | kind |")[2].partition("\n\n")[0]
    prefixes = {name.partition(":")[0] for row in rows(table) for name in ticked(row[0])}
    assert prefixes == set(sources.OWNERS) == set(generate.PAYLOADS)


def test_every_kind_of_topic_is_there_and_no_other() -> None:
    table = section(4).partition("| kind | what it is |")[2].partition("\n\n")[0]
    kinds = {ticked(row[0])[0] for row in rows(table)}
    assert kinds == {"state", "log", "keyed", "ephemeral"}
    table = section(4).partition("| topic | kind |")[2].partition("\n\n")[0]
    assert {row[1] for row in rows(table)} == kinds


def test_every_command_is_there_and_no_other() -> None:
    assert set(re.findall(r"^#### `(.+)`$", PAGE, re.M)) == set(COMMANDS)
    wings = "|".join(sorted({name.partition(".")[0] for name in COMMANDS}))
    mentioned = set(re.findall(rf"\b((?:{wings})\.[a-z_]+)\b", PAGE)) - {"orders.md"}
    presets = {"chat.presets", "chat.message"}  # a read, and a kind of notice
    assert mentioned - presets - set(KINDS) <= set(COMMANDS)


def test_the_examples_can_be_sent() -> None:
    sent = re.findall(r"^C  (\[.*?\])\n(?=[CS ] |```|   \()", section(14), re.M | re.S)
    assert len(sent) >= 5
    ops = [type(f).__name__ for text in sent for f in protocol.decode(" ".join(text.split()))]
    assert set(ops) == {"Connect", "Command", "Subscribe", "Pong"}
    names = re.findall(r'"name": "([\w.]+)"', section(14))
    assert set(names) <= set(COMMANDS)


def test_the_actions_of_orders_lead_to_commands() -> None:
    told = section(6).partition("**From an order's `actions` to commands.**")[2]
    actions = {a for row in rows(generate.buttons()) for cell in row[1:] for a in ticked(cell)}
    assert actions <= set(ticked(told))


# --- numbers ----------------------------------------------------------------------------------------------------------


def test_the_limits_are_those() -> None:
    s = Settings()
    assert {ticked(row[1])[0] if ticked(row[1]) else row[1] for row in limit_rows()} >= {
        f"{protocol.MAX_MESSAGE_BYTES:,}", str(protocol.MAX_FRAMES), f"{s.connect_deadline_s:.0f} s",
        str(s.max_topics), str(s.max_in_flight), str(s.max_in_flight_per_wing),
        f"{s.commands_per_s:.0f}, in bursts of {s.command_burst}", str(MAX_KEY_CHARACTERS),
        f"{s.mailbox_bytes:,}", f"{s.heartbeat_s:.0f} s + {s.pong_s:.0f} s",
    }  # fmt: skip


def limit_rows() -> list[list[str]]:
    lines = [line for line in section(10).splitlines() if line.startswith("| ")][1:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (4, f"at most {log.SNAPSHOT_ENTRIES}. If you have nothing (null), they are the newest {log.NEWCOMER_ENTRIES}:"),
        (4, f"the {listings.MAX_IN_CELL} newest listings on offer"),
        (5, f"every {Settings().audit_s:.0f} seconds"),
        (5, f"more than {Settings().mailbox_bytes // 1024} KiB wait"),
        (6, f"**{KEPT_MS // DAY_MS} days**"),
        (7, f"lives {Tokens((('k', b'x' * 32),)).access_s // 60} minutes"),
        (7, f"{Settings().token_grace_s:.0f} seconds later the socket is closed"),
        (8, f"for `heartbeat_s` ({Settings().heartbeat_s:.0f} s)"),
        (8, f"hears nothing for {Settings().pong_s:.0f} s"),
    ],
)  # fmt: skip
def test_the_numbers_in_the_prose_are_the_defaults(number: int, words: str) -> None:
    assert words in " ".join(section(number).split())
