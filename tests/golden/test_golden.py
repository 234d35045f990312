"""The protocol's examples, read by the server's code and by a client that knows nothing of it; and what is not the protocol."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.node import find_node
from hub import protocol
from hub.protocol import ClientFrame, Encoding, decode, encode, join
from infra import wire
from market.kernel.errors import BadInput
from tests.golden import make

HERE = Path(__file__).parent
GOLDEN: dict[str, Any] = json.loads((HERE / "frames.json").read_text(encoding="utf-8"))
CLIENT, SERVER, MALFORMED = GOLDEN["client"], GOLDEN["server"], GOLDEN["malformed"]

ServerFrame: Any = (
    protocol.Connected | protocol.Refreshed | protocol.Subscribed | protocol.Unsubscribed | protocol.Reply
    | protocol.ErrorFrame | protocol.Push | protocol.Bye | protocol.ServerPing | protocol.ServerPong
)  # fmt: skip


def ops(union: Any) -> set[str]:
    return {frame.__struct_config__.tag for frame in get_args(union)}


Test = TypeVar("Test", bound=Callable[..., None])


def named(examples: list[dict[str, Any]]) -> Callable[[Test], Test]:
    mark = pytest.mark.parametrize("example", examples, ids=[e["name"] for e in examples])
    return cast(Callable[[Test], Test], mark)


# --- what is ----------------------------------------------------------------------------------------------------------


def test_the_file_is_what_its_maker_makes() -> None:
    assert (HERE / "frames.json").read_text(encoding="utf-8") == make.text(), (
        "python -m tests.golden.make"
    )


def test_every_op_has_an_example() -> None:
    assert {e["json"]["op"] for e in CLIENT} == ops(ClientFrame)
    assert {e["json"]["op"] for e in SERVER} == ops(ServerFrame)


def test_no_frame_of_the_server_is_left_out_here() -> None:
    """Every tagged struct in the module is a client's or a server's."""
    tagged = {
        struct for struct in vars(protocol).values()
        if isinstance(struct, type) and issubclass(struct, msgspec.Struct) and struct.__struct_config__.tag
    }  # fmt: skip
    assert tagged == {*get_args(ClientFrame), *get_args(ServerFrame)}


@named(CLIENT)
def test_a_client_frame_is_read_alike_from_both_encodings(example: dict[str, Any]) -> None:
    [from_json] = decode(json.dumps([example["json"]], ensure_ascii=False))
    [from_msgpack] = decode(b"\x91" + bytes.fromhex(example["msgpack"]))
    assert from_json == from_msgpack
    assert from_json == wire.command(example["json"], cast(Any, ClientFrame))
    plain = msgspec.to_builtins(from_json)
    for field, value in example["json"].items():
        if field in from_json.__struct_fields__:
            assert json.loads(json.dumps(plain[field])) == value


def test_frames_in_one_message_keep_their_order() -> None:
    sixteen = [e["json"] for e in CLIENT for _ in range(16)][: protocol.MAX_FRAMES]
    assert [type(f).__struct_config__.tag for f in decode(json.dumps(sixteen))] == [
        f["op"] for f in sixteen
    ]


@named(SERVER)
def test_a_server_frame_is_written_exactly_so(example: dict[str, Any]) -> None:
    frame = wire.command(example["json"], ServerFrame)
    assert encode(frame, "msgpack").hex() == example["msgpack"]
    written = encode(frame, "json").decode()
    assert json.loads(written) == example["json"]
    assert list(json.loads(written)) == list(example["json"]), "the order of fields, too"


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
@pytest.mark.parametrize("count", [1, 15, 16, 64])
def test_a_message_is_an_array_of_frames(encoding: Encoding, count: int) -> None:
    frames: list[msgspec.Struct] = [wire.command(e["json"], ServerFrame) for e in SERVER]
    some = [frames[n % len(frames)] for n in range(count)]
    message = join([encode(frame, encoding) for frame in some], encoding)
    whole = json.loads(message) if encoding == "json" else msgspec.msgpack.decode(message)
    assert whole == [SERVER[n % len(SERVER)]["json"] for n in range(count)]


# --- what is not ------------------------------------------------------------------------------------------------------


def malformed_text(example: dict[str, Any]) -> str:
    text = example["text"]
    return (
        text
        if isinstance(text, str)
        else text["head"] + text["repeat"] * text["count"] + text["tail"]
    )


def malformed_bytes(example: dict[str, Any]) -> bytes:
    given = example["hex"]
    if not isinstance(given, str):
        given = given["head"] + given["repeat"] * given["count"] + given["tail"]
    return bytes.fromhex(given)


@named(MALFORMED["json"])
def test_a_malformed_text_is_refused(example: dict[str, Any]) -> None:
    assert len(malformed_text(example)) <= protocol.MAX_MESSAGE_BYTES, (
        "would be closed with 1009 before"
    )
    with pytest.raises(BadInput) as refusal:
        decode(malformed_text(example))
    assert refusal.value.code == MALFORMED["refusal"]


@named(MALFORMED["msgpack"])
def test_a_malformed_binary_is_refused(example: dict[str, Any]) -> None:
    with pytest.raises(BadInput) as refusal:
        decode(malformed_bytes(example))
    assert refusal.value.code == MALFORMED["refusal"]


def test_the_close_code_of_a_malformed_message() -> None:
    assert MALFORMED["close"] == protocol.CloseCode.BAD_FRAME


# --- another client's eyes --------------------------------------------------------------------------------------------


def test_javascript_reads_the_same() -> None:
    node = find_node()
    if node is None:
        pytest.skip("node is not installed: the examples were not read by JavaScript")
    done = node.run("--test-reporter=tap", HERE / "golden.test.mjs", timeout_s=50)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# fail 0" in done.stdout
    passed = next(line for line in done.stdout.splitlines() if line.startswith("# pass "))
    assert int(passed.split()[-1]) >= len(CLIENT) + len(SERVER)


# --- whatever comes ---------------------------------------------------------------------------------------------------


def refused_or_read(message: bytes | str) -> None:
    try:
        frames = decode(message)
    except BadInput:
        return
    assert 1 <= len(frames) <= protocol.MAX_FRAMES
    assert all(isinstance(frame, get_args(ClientFrame)) for frame in frames)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
field_names = st.sampled_from(["op", "id", "name", "key", "body", "token", "topics", "x"])
frame_like = st.dictionaries(
    field_names, values | st.sampled_from(sorted(ops(ClientFrame))), max_size=6
).flatmap(
    lambda frame: st.sampled_from(sorted(ops(ClientFrame))).map(lambda op: {**frame, "op": op})
)


@given(st.binary(max_size=200))
def test_any_bytes(message: bytes) -> None:
    refused_or_read(message)


@given(st.text(st.characters(), max_size=200))
def test_any_text(message: str) -> None:
    refused_or_read(message)


@given(values)
def test_any_json_value(value: object) -> None:
    refused_or_read(json.dumps(value))


@given(st.lists(frame_like, max_size=20))
def test_anything_that_looks_like_frames(frames: list[dict[str, Any]]) -> None:
    refused_or_read(json.dumps(frames))


@given(st.sampled_from(CLIENT), st.integers(0, 10_000), st.integers(0, 255), st.binary(max_size=4))
def test_a_good_message_with_a_wrong_byte(
    example: dict[str, Any], place: int, byte: int, more: bytes
) -> None:
    message = bytearray(b"\x91" + bytes.fromhex(example["msgpack"]))
    message[place % len(message)] = byte
    refused_or_read(bytes(message) + more)
    refused_or_read(bytes(message[: place % len(message)]))
