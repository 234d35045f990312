"""The templates of subscribe messages, as they were chosen in WeChat's console: an id for each kind of letter, and its fields' names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from infra.config import ConfigError
from market.notices.rules.letters import FIELDS

_ONE = re.compile(r"([a-z]+):([A-Za-z0-9_-]{1,64}):([a-z_]+[0-9]{1,2}(?:\.[a-z_]+[0-9]{1,2})*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    id: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Templates:
    """By kind of letter. A kind without one is never asked about, and never sent."""

    of: Mapping[str, Template] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Templates:
        """`kind:id:field.field,kind:...`: fields as WeChat names them (thing1, time2), in the order of FIELDS. Raise ConfigError."""
        found: dict[str, Template] = {}
        for part in filter(None, map(str.strip, text.split(","))):
            said = _ONE.fullmatch(part)
            if said is None or said[1] not in FIELDS or said[1] in found:
                raise ConfigError(
                    "SHAREHUB_WECHAT_TEMPLATES must be kind:id:field.field,..., with each of "
                    f"{' '.join(FIELDS)} once at most"
                )
            names = tuple(said[3].split("."))
            if tuple(name.rstrip("0123456789") for name in names) != FIELDS[said[1]]:
                raise ConfigError(
                    f"SHAREHUB_WECHAT_TEMPLATES: the fields of {said[1]} are "
                    f"{' '.join(FIELDS[said[1]])}, each with its number"
                )
            found[said[1]] = Template(id=said[2], fields=names)
        return cls(found)
