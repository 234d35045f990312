"""Fields of WeChat's answers, read strictly. All raise Malformed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Malformed(Exception):
    """The answer lacks what its documentation promises."""


def object_of(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Malformed("expected an object")
    return value


def text_of(fields: Mapping[str, Any], name: str) -> str:
    """A text that is not empty."""
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise Malformed(f"{name} is missing")
    return value


def fen_of(fields: Mapping[str, Any], name: str) -> int:
    value = fields.get(name)
    if type(value) is not int or value < 0:  # bool is an int, and true is not one fen
        raise Malformed(f"{name} is not a number of fen")
    return value
