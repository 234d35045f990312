"""Values that do not fit, derived from the types that the commands declare, so that a new field is tested by itself."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import inspect as kinds

from market.kernel.ids import Id

Wrong = tuple[str, Any]
"""(where and what, the whole set of fields with one of them spoilt)."""

FAR = 2**70
UNWORDED = "\x00 \n"
"""What no pattern of ours takes, but those that merely ask for something to be there."""

DEEP = 200

ODD_STRINGS = (
    "\x00", "a\x00b", "😀🚲𝄞", "‮gnp.exe", "e" + "\u0301" * 20, "'; DROP TABLE users; --", "\\", "%_%",
    " \t\r\n", "\u2028\u2029\ufeff", "{}{{0}}%s%(x)s", "<script>alert(1)</script>", "İıſK", "�",
)  # fmt: skip
"""Strings that are strings: whatever becomes of them, nothing breaks."""


def fields_of(type_: type) -> dict[str, kinds.Field]:
    info = kinds.type_info(type_)
    assert isinstance(info, kinds.DataclassType)
    return {field.name: field for field in info.fields}


def bare(type_: kinds.Type) -> kinds.Type:
    while isinstance(type_, kinds.Metadata):
        type_ = type_.type
    return type_


def options(type_: kinds.Type) -> list[kinds.Type]:
    type_ = bare(type_)
    return [bare(t) for t in type_.types] if isinstance(type_, kinds.UnionType) else [type_]


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def wrong_values(type_: kinds.Type) -> Iterator[Any]:
    """What JSON can say and the type does not take."""
    accepted = options(type_)
    if not any(isinstance(t, kinds.NoneType) for t in accepted):
        yield None
    some = next(t for t in accepted if not isinstance(t, kinds.NoneType))
    yield nested(DEEP)
    match some:
        case kinds.CustomType(cls=cls):
            assert cls is Id, f"nobody has said what is wrong for a {cls}"
            yield from (12, -1, 1.5, True, [], {}, FAR)
            yield from wrong_id_texts()
        case kinds.IntType(ge=ge, gt=gt, le=le, lt=lt):
            assert ge is not None or gt is not None, "a number has a lower limit"
            assert le is not None or lt is not None, "a number has an upper limit"
            low = ge - 1 if ge is not None else gt
            high = le + 1 if le is not None else lt
            yield from ("1", "", 1.5, [], {}, True, low, high, FAR, -FAR, 2**64)
        case kinds.FloatType(ge=ge, le=le):
            yield from ("1.5", [], {}, True, FAR, -FAR, (le or 0) + 1, (ge or 0) - 1)
        case kinds.BoolType():
            yield from ("true", 1, 0, [], {})
        case kinds.StrType(min_length=shortest, max_length=longest, pattern=pattern):
            assert longest is not None or pattern is not None, "a string has a limit"
            yield from (1, 1.5, True, [], {}, ["a"])
            if shortest:
                yield ""
            if longest is not None:
                yield "長" * (longest + 1)
            if pattern is not None and not re.search(pattern, UNWORDED):
                yield UNWORDED
        case kinds.LiteralType(values=values):
            yield from ("", "nope", "\x00", 1, [], {}, True, str(values[0]) + "\n")
        case kinds.VarTupleType(item_type=item, max_length=longest):
            yield from ("", 1, {}, {"0": 1}, True)
            for value in wrong_values(item):
                yield [value]
            if longest is not None:
                yield ["a"] * (longest + 1)
        case kinds.DictType(max_length=longest):
            assert longest is not None, "a mapping has a limit"
            yield from ("", 1, [], [1], True, {"": 1}, {"a" * 5_000: 1})
            yield {"a": nested(DEEP)}
            yield {"a": 1.5}
            yield {"a": None}
            yield {"a": -FAR}
            yield {str(number): True for number in range(500)}
        case kinds.TupleType(item_types=items):
            yield from ("", 1, {}, [], [1] * (len(items) + 1))
        case kinds.DataclassType(fields=fields):
            yield from ("", 1, [], [1], True)
            if any(field.required for field in fields):
                yield {}
        case _:
            raise AssertionError(f"nobody has said what is wrong for {some}")


def wrong_id_texts() -> Iterator[str]:
    yield from (
        "abc", "-1", "+1", "01", "1.0", "1e3", "0x10", "1_000", "９", "٣", "1 ", " 1", "9" * 19, "9" * 4000,
        str(2**63), "1\x00",
    )  # fmt: skip


def wrong_plans(plan: dict[str, Any]) -> Iterator[Any]:
    """Deeper than the types say: what `Plan` itself refuses."""
    week = plan["weekly"]
    yield from (
        {**plan, "weekly": week[:6]},
        {**plan, "weekly": [*week, []]},
        {**plan, "weekly": [[[600, 600]], *week[1:]]},
        {**plan, "weekly": [[[-1, 600]], *week[1:]]},
        {**plan, "weekly": [[[0, 1441]], *week[1:]]},
        {**plan, "weekly": [[[0, FAR]], *week[1:]]},
        {**plan, "weekly": [[[0, 1]] * 25, *week[1:]]},
        {**plan, "weekly": [[["0", "1"]], *week[1:]]},
        {**plan, "time_zone": "Mars/Olympus"},
        {**plan, "time_zone": ""},
        {**plan, "time_zone": "\x00"},
        {**plan, "time_zone": "../../../etc/passwd"},
        {**plan, "time_zone": "/etc/localtime"},
        {**plan, "time_zone": "Asia"},
        {**plan, "time_zone": "zone.tab"},
        {**plan, "time_zone": "a" * 5000},
        {**plan, "exceptions": [{"day": "2026-13-01"}]},
        {**plan, "exceptions": [{"day": "\x00"}]},
        {**plan, "exceptions": [{"day": "2026-01-01", "windows": [[5, 1]]}]},
        {**plan, "exceptions": [{"windows": []}]},
        {**plan, "exceptions": [{"day": "2026-01-01"}] * 367},
        {**plan, "blocks": [[5, 5]]},
        {**plan, "blocks": [[-1, 5]]},
        {**plan, "blocks": [[0, FAR]]},
        {**plan, "blocks": [[1, 2]] * 201},
    )


def wrong_bodies(type_: type, good: dict[str, Any], names: set[str] | None = None) -> list[Wrong]:
    """The good fields with one of them spoilt or missing (`names`: only these)."""
    found: list[Wrong] = []
    for name, field in fields_of(type_).items():
        if names is not None and name not in names:
            continue
        values = list(wrong_values(field.type))
        if name == "plan":
            values += wrong_plans(good.get("plan") or {"weekly": [[[0, 1440]]] * 7})
        found += [(f"{name}={value!r:.60}", {**good, name: value}) for value in values]
        if field.required:
            found.append((f"no {name}", {k: v for k, v in good.items() if k != name}))
    return found


def wrong_queries(type_: type, good: dict[str, Any], names: set[str]) -> list[Wrong]:
    """As text, as queries are."""
    found: list[Wrong] = []
    for name, field in fields_of(type_).items():
        if name not in names:
            continue
        values: list[str] = []
        for some in options(field.type):
            match some:
                case kinds.CustomType():
                    values += [*wrong_id_texts(), ""]
                case kinds.IntType(ge=ge, le=le, lt=lt):
                    high = le if le is not None else lt
                    assert ge is not None, f"{name} has a lower limit"
                    assert high is not None, f"{name} has an upper limit"
                    values += [
                        "x",
                        "",
                        "1.5",
                        "1e400",
                        "nan",
                        "9" * 400,
                        "1_0",
                        "９",
                        str(ge - 1),
                        str(high + 1),
                    ]
                case kinds.FloatType():
                    values += ["x", "", "nan", "inf", "-inf", "1e400", "１", "91e9", "9" * 400]
                case kinds.LiteralType():
                    values += ["", "nope", "\x00"]
                case kinds.StrType(max_length=longest, pattern=pattern):
                    values += ["長" * (longest + 1)] if longest is not None else []
                    if pattern is not None and not re.search(pattern, UNWORDED):
                        values.append(UNWORDED)
        found += [(f"?{name}={value!r:.60}", {**good, name: value}) for value in values]
        if field.required:
            found.append((f"no ?{name}", {k: v for k, v in good.items() if k != name}))
    return found


def only_msgpack_says(type_: type, good: dict[str, Any]) -> list[Wrong]:
    """NaN, infinities, bytes, timestamps, extensions, maps with keys that are no strings."""
    found: list[Wrong] = []
    for name in fields_of(type_):
        for value in (
            math.nan, math.inf, -math.inf, b"1", b"\xff\xfe", 2**64 - 1, -(2**63),
            datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC), msgspec.msgpack.Ext(5, b"12"),
            {1: 2}, {None: 1}, {b"a": 1},
        ):  # fmt: skip
            found.append((f"{name}={value!r:.60}", {**good, name: value}))
    return found


def fits_msgpack(fields: Any) -> bool:
    """Whether msgpack can say it: its integers have 64 bits."""
    try:
        msgspec.msgpack.encode(fields)
    except OverflowError:
        return False
    return True


def odd_texts(type_: type, good: dict[str, Any], names: set[str] | None = None) -> list[Wrong]:
    """Every free text, with strings that are merely strange."""
    found: list[Wrong] = []
    for name, field in fields_of(type_).items():
        if names is not None and name not in names:
            continue
        if any(isinstance(some, kinds.StrType) for some in options(field.type)):
            found += [(f"{name}={text!r}", {**good, name: text}) for text in ODD_STRINGS]
    return found


RAW_BODIES: tuple[tuple[str, bytes], ...] = (
    ("null", b"null"),
    ("a list", b"[]"),
    ("a string", b'"x"'),
    ("a number", b"1"),
    ("broken", b'{"a": '),
    ("two documents", b"{}{}"),
    ("invalid UTF-8", b'{"a": "\xff\xfe"}'),
    ("overlong UTF-8", b'{"a": "\xc0\xaf"}'),
    ("a surrogate in UTF-8", b'{"a": "\xed\xa0\x80"}'),
    ("a lone surrogate", b'{"a": "\\ud800"}'),
    ("a lone low surrogate", b'{"a": "\\udc00x"}'),
    ("NaN", b'{"a": NaN}'),
    ("1e999", b'{"a": 1e999}'),
    ("5000 digits", b'{"a": ' + b"9" * 5000 + b"}"),
    ("1000 levels of lists", b'{"a": ' + b"[" * 1000 + b"]" * 1000 + b"}"),
    ("30000 levels of lists", b"[" * 30_000 + b"]" * 30_000),
    ("1000 levels of objects", b'{"a": ' * 1000 + b"1" + b"}" * 1000),
    ("a byte order mark", b"\xef\xbb\xbf{}"),
    ("UTF-16", '{"a": 1}'.encode("utf-16")),
    ("a raw control character", b'{"a": "\x00"}'),
    ("a form", b"a=1&b=2"),
)
