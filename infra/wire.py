"""Bytes in and out: the one decoder and the one encoder for commands, views, facts and frames.

Ids are decimal strings on every wire; everything else is plain JSON or msgpack.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from market.kernel.errors import BadInput, MarketError
from market.kernel.ids import Id

T = TypeVar("T")


def _decode_hook(type_: type, value: object) -> object:
    if type_ is Id:
        if isinstance(value, str):
            return Id.parse(value)
        raise ValueError("an id is a decimal string")
    raise NotImplementedError(type_)


def _encode_hook(value: object) -> object:
    if isinstance(value, Id):
        return str(int(value))
    raise NotImplementedError(type(value))


def _schema_hook(type_: type) -> dict[str, object]:
    if type_ is Id:
        return {
            "type": "string",
            "pattern": "^(0|[1-9][0-9]{0,18})$",
            "examples": ["4611686018427387904"],
        }
    raise NotImplementedError(type_)


_to_msgpack = msgspec.msgpack.Encoder(enc_hook=_encode_hook)
_to_json = msgspec.json.Encoder(enc_hook=_encode_hook)


def msgpack(value: object) -> bytes:
    return _to_msgpack.encode(value)


def json(value: object) -> bytes:
    return _to_json.encode(value)


Encoded = msgspec.Raw


def encoded(value: object) -> Encoded:
    """As a part of what `msgpack` will encode: done now, and not again."""
    return Encoded(_to_msgpack.encode(value))


def from_msgpack(raw: bytes, type_: type[T]) -> T:
    """Trusted bytes of our own making (outbox, replies)."""
    return msgspec.msgpack.decode(raw, type=type_, dec_hook=_decode_hook)


def from_json(raw: bytes | str, type_: type[T]) -> T:
    """Trusted bytes of our own making (JSON columns)."""
    return msgspec.json.decode(raw, type=type_, dec_hook=_decode_hook)


def plain(value: object) -> Any:
    """Dataclasses to dicts, lists, strings and numbers; ids to decimal strings."""
    return msgspec.to_builtins(value, enc_hook=_encode_hook)


def command(body: object, type_: type[T], *, strings: bool = False) -> T:
    """A decoded body as a typed command.

    `strings` allows numbers and booleans in text form (query strings). Raise BadInput, whose `data.path` says where.
    """
    try:
        return msgspec.convert(body, type_, strict=not strings, dec_hook=_decode_hook)
    except msgspec.ValidationError as error:
        if isinstance(error.__cause__, MarketError):
            raise error.__cause__ from None
        text, _, path = str(error).partition(" - at ")
        raise BadInput(text, path=path.strip("`") or "$") from None
    except (RecursionError, OverflowError):
        raise BadInput("nested too deeply, or a number too large") from None


def schemas(types: list[type]) -> tuple[dict[type, dict[str, Any]], dict[str, Any]]:
    """JSON Schemas (2020-12): type -> schema, and the named components they refer to."""
    found, components = msgspec.json.schema_components(
        types, schema_hook=_schema_hook, ref_template="#/components/schemas/{name}"
    )
    return dict(zip(types, found, strict=True)), components
