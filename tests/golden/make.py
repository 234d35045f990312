"""Writes frames.json from the examples below: python -m tests.golden.make

The file is what counts (clients in other languages are tested with it), so a change of it is a change of the protocol: review it as one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

FILE = Path(__file__).parent / "frames.json"

USER, SESSION, LISTING, ORDER = (
    "41943040000004096", "41943040000004097", "9223372036854775807", "41943040000008192",
)  # fmt: skip
NOW_MS = 1_790_000_000_000

CLIENT: dict[str, dict[str, Any]] = {
    "connect": {"op": "connect", "token": "eyJhbGciOiJIUzI1NiJ9.e30.x"},
    "connect and resume": {
        "op": "connect", "token": "eyJhbGciOiJIUzI1NiJ9.e30.x",
        "topics": [[f"listing:{LISTING}", 7], [f"chat:{ORDER}", 0], [f"user:{USER}", None]],
    },
    "refresh": {"op": "refresh", "id": 1, "token": "eyJhbGciOiJIUzI1NiJ9.e30.y"},
    "subscribe": {"op": "subscribe", "id": 2, "topics": [[f"order:{ORDER}:buyer", None]]},
    "unsubscribe": {"op": "unsubscribe", "id": 3, "topics": [f"listing:{LISTING}"]},
    "command": {
        "op": "command", "id": 4, "name": "chat.send", "key": "b7e2c1",
        "body": {"conversation_id": ORDER, "kind": "text", "text": "你好 👋"},
    },
    "command without key and body": {"op": "command", "id": 5, "name": "users.logout"},
    "command with the largest id of a JavaScript client": {
        "op": "command", "id": 2**53 - 1, "name": "orders.hold",
        "body": {"listing_id": LISTING, "start_ms": NOW_MS, "end_ms": NOW_MS + 3_600_000},
    },
    "signal": {"op": "signal", "topic": f"typing:{ORDER}"},
    "signal of an end": {"op": "signal", "topic": f"typing:{ORDER}", "on": False},
    "ping": {"op": "ping"},
    "pong": {"op": "pong"},
    "an unknown field is ignored": {"op": "pong", "since": "version 2"},
}  # fmt: skip

_ERROR = {
    "code": "slot_taken", "message": "The period overlaps another booking.", "retryable": False,
    "data": {"start_ms": NOW_MS, "end_ms": NOW_MS + 3_600_000},
}  # fmt: skip

SERVER: dict[str, dict[str, Any]] = {
    "connected": {
        "op": "connected", "connection": "8f14e45fceea167a", "user": USER, "session": SESSION, "role": "user",
        "server_ms": NOW_MS, "token_expires_ms": NOW_MS + 900_000, "heartbeat_s": 25.0,
        "limits": {"max_message_bytes": 65536, "max_frames": 16, "max_topics": 200, "max_in_flight": 16},
        "topics": [
            {"topic": f"listing:{LISTING}", "kind": "state", "version": 7},
            {
                "topic": f"chat:{ORDER}", "kind": "log", "version": 201,
                "entries": [{"version": 1, "payload": {"text": "第一行"}}], "more": True,
            },
        ],
        "refused": [{"topic": f"user:{USER}", "code": "unavailable"}],
    },
    "refreshed": {"op": "refreshed", "id": 1, "token_expires_ms": NOW_MS + 1_800_000},
    "subscribed, one of each kind": {
        "op": "subscribed", "id": 2,
        "topics": [
            {
                "topic": f"order:{ORDER}:buyer", "kind": "state", "version": 3,
                "state": {"order_id": ORDER, "version": 3, "due_ms": None},
            },
            {"topic": f"user:{USER}", "kind": "log", "version": 0, "entries": []},
            {
                "topic": "area:wtw3s", "kind": "keyed", "version": 19,
                "entries": [{"version": 7, "payload": {"status": "live"}, "key": LISTING}],
            },
            {
                "topic": f"hold:{LISTING}", "kind": "ephemeral", "version": 2, "state": [],
                "epoch": "c0ffee00", "expires_ms": NOW_MS,
            },
        ],
        "refused": [{"topic": "moon:1", "code": "unknown_topic"}],
    },
    "unsubscribed": {"op": "unsubscribed", "id": 3},
    "reply": {"op": "reply", "id": 4, "ok": True, "body": {"conversation_id": ORDER, "seq": 2, "at_ms": NOW_MS}},
    "reply, refused": {"op": "reply", "id": 4, "ok": False, "error": _ERROR},
    "error to a frame": {
        "op": "error",
        "error": {"code": "token_expired", "message": "refresh it", "retryable": False, "data": {}},
        "id": 1,
    },
    "error to a message": {
        "op": "error",
        "error": {"code": "invalid", "message": "not an array of frames", "retryable": False, "data": {}},
    },
    "push of a state": {
        "op": "push", "topic": f"listing:{LISTING}", "kind": "state", "version": 8,
        "payload": {"listing_id": LISTING, "lat": 31.2304, "live": True}, "committed_us": NOW_MS * 1000 + 123,
    },
    "push of a line": {
        "op": "push", "topic": f"chat:{ORDER}", "kind": "log", "version": 2,
        "payload": {"seq": 2, "text": "你好 👋"}, "committed_us": 0,
    },
    "push of a keyed state": {
        "op": "push", "topic": "area:wtw3s", "kind": "keyed", "version": 8,
        "payload": {"status": "paused"}, "committed_us": NOW_MS * 1000, "key": LISTING,
    },
    "push of an ephemeral value": {
        "op": "push", "topic": f"hold:{LISTING}", "kind": "ephemeral", "version": 3,
        "payload": [{"lease_id": "Zk3", "start_ms": NOW_MS, "end_ms": NOW_MS + 1, "until_ms": NOW_MS + 45_000}],
        "committed_us": NOW_MS * 1000, "epoch": "c0ffee00", "expires_ms": NOW_MS + 45_000,
    },
    "bye": {"op": "bye", "code": 4000, "reason": "going away", "retry_after_ms": 1000},
    "ping": {"op": "ping"},
    "pong": {"op": "pong", "server_ms": NOW_MS},
}  # fmt: skip

_COMMAND = '{"op":"command","id":1,"name":"x"'


def _filled(head: str, repeat: str, count: int, tail: str = "") -> dict[str, Any]:
    return {"head": head, "repeat": repeat, "count": count, "tail": tail}


MALFORMED_JSON: dict[str, str | dict[str, Any]] = {
    "nothing": "",
    "not JSON": "hello",
    "cut": '[{"op":"ping"}',
    "two values": '[{"op":"ping"}] []',
    "a frame without its array": '{"op":"ping"}',
    "a number": "1",
    "null": "null",
    "no frames": "[]",
    "17 frames": _filled('[{"op":"ping"}', ',{"op":"ping"}', 16, "]"),
    "an array of numbers": "[1]",
    "an array of arrays": "[[]]",
    "a null among frames": '[{"op":"ping"},null]',
    "no op": '[{"id":1}]',
    "an unknown op": '[{"op":"shout"}]',
    "an op of the server's": '[{"op":"push","topic":"listing:1","kind":"state","version":1,"payload":1,"committed_us":0}]',
    "an op that is no string": '[{"op":1}]',
    "an op in capitals": '[{"op":"PING"}]',
    "a good frame before a bad one": '[{"op":"ping"},{"op":"command"}]',
    "connect without a token": '[{"op":"connect"}]',
    "a token that is a number": '[{"op":"connect","token":1}]',
    "a subscription without id": '[{"op":"subscribe","topics":[]}]',
    "topics without versions": '[{"op":"subscribe","id":1,"topics":["listing:1"]}]',
    "a topic with too much": '[{"op":"subscribe","id":1,"topics":[["listing:1",1,1]]}]',
    "a version that is a string": '[{"op":"subscribe","id":1,"topics":[["listing:1","1"]]}]',
    "a version that is a fraction": '[{"op":"subscribe","id":1,"topics":[["listing:1",1.5]]}]',
    "an id that is a fraction": '[{"op":"command","id":1.5,"name":"x"}]',
    "an id that is null": '[{"op":"command","id":null,"name":"x"}]',
    "an id that is true": '[{"op":"command","id":true,"name":"x"}]',
    "a body that is an array": f'[{_COMMAND},"body":[]}}]',
    "a body that is null": f'[{_COMMAND},"body":null}}]',
    "a key that is a number": f'[{_COMMAND},"key":1}}]',
    "NaN": f'[{_COMMAND},"body":{{"a":NaN}}}}]',
    "a number beyond doubles": f'[{_COMMAND},"body":{{"a":1e999}}}}]',
    "an integer of 5000 digits": _filled(f'[{_COMMAND},"body":{{"a":1', "0", 5000, "}}]"),
    "an id of 5000 digits": _filled('[{"op":"command","name":"x","id":1', "0", 5000, "}]"),
    "half a surrogate pair": '[{"op":"command","id":1,"name":"\\ud83d"}]',
    "a control character in a string": '[{"op":"command","id":1,"name":"\x01"}]',
    "30000 arrays in one another, never closed": _filled("", "[", 30_000),
    "30000 arrays in a body": _filled(f'[{_COMMAND},"body":{{"a":', "[", 30_000),
    "10000 objects in a body": _filled(f'[{_COMMAND},"body":', '{"a":', 10_000),
}
"""name -> a text message. A long one as head + repeat * count + tail."""

_MP_COMMAND = "84a26f70a7636f6d6d616e64a2696401a46e616d65a178a4626f6479"  # op, id 1, name x, body
MALFORMED_MSGPACK: dict[str, str | dict[str, Any]] = {
    "nothing": "",
    "a frame without its array": "81a26f70a470696e67",
    "no frames": "90",
    "17 frames": _filled("dc0011", "81a26f70a470696e67", 17),
    "one frame announced, two sent": "9181a26f70a470696e6781a26f70a470696e67",
    "two frames announced, one sent": "9281a26f70a470696e67",
    "an array of four thousand million": "ddffffffff",
    "an array of four thousand million in a body": f"91{_MP_COMMAND}81a161ddffffffff",
    "a string of four gigabytes": f"91{_MP_COMMAND}81a161dbffffffff",
    "a byte that is no type": "c1",
    "an op that is bytes": "9181a26f70c40470696e67",
    "a name that is no UTF-8": "9183a26f70a7636f6d6d616e64a2696401a46e616d65a1ff",
    "text in a body that is no UTF-8": f"91{_MP_COMMAND}81a161a2c328",
    "a key of a body that is a number": f"91{_MP_COMMAND}810101",
    "a key in a body that is a map": f"91{_MP_COMMAND}81a161818001",
    "a timestamp that is none": f"91{_MP_COMMAND}81a161c70cffffffffff7fffffffffffffff",
    "JSON in a binary message": b'[{"op":"ping"}]'.hex(),
    "60000 arrays in a body": _filled(f"91{_MP_COMMAND}81a161", "91", 60_000),
}
"""name -> hex of a binary message. A long one as head + repeat * count + tail, all hex."""


def document() -> dict[str, Any]:
    def both(frames: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {"name": name, "json": frame, "msgpack": msgspec.msgpack.encode(frame).hex()}
            for name, frame in frames.items()
        ]

    return {
        "about": "One frame each, without the array around it: as JSON, and as msgpack in hex. Servers write exactly these "
        "bytes; clients may order fields and choose widths of numbers as they like. `malformed` are whole messages; each is "
        "answered by an error frame with the code `refusal`, and the socket is closed with `close`.",
        "client": both(CLIENT),
        "server": both(SERVER),
        "malformed": {
            "refusal": "invalid",
            "close": 4500,
            "json": [{"name": n, "text": m} for n, m in MALFORMED_JSON.items()],
            "msgpack": [{"name": n, "hex": m} for n, m in MALFORMED_MSGPACK.items()],
        },
    }


def text() -> str:
    return json.dumps(document(), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
