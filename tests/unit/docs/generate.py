"""The generated parts of docs/: tables and shapes that are read off the code.

`python -m tests.unit.docs.generate` writes them between their markers; the tests say when that is due.
"""

from __future__ import annotations

import dataclasses
import json
import re
import types
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from msgspec import Meta

from devkit import ROOT
from hub.beacons import Light
from hub.commands import COMMANDS
from infra.redis.leases import AreaHold
from market.chat.rules import talk
from market.kernel.errors import MarketError
from market.kernel.ids import Id
from market.kernel.period import DAY_MS, HOUR_MS
from market.listings.rules import shown
from market.notices.rules import inbox
from market.orders.rules import booking, cancellation, extension, life, order, price
from market.orders.views import PublicLease
from market.users import rules as users

DOCS = ROOT / "docs"


def _gives(function: Callable[..., Any], parameter: str = "return") -> Any:
    return get_type_hints(function)[parameter]


PAYLOADS: dict[str, Any] = {
    "listing": _gives(shown.view),
    "area": _gives(shown.card),
    "calendar": _gives(booking.calendar),
    "order": _gives(order.see),
    "hold": list[PublicLease],
    "holds": list[AreaHold],
    "chat": _gives(talk.sent, "view"),
    "user": _gives(inbox.added, "entry"),
    "session": _gives(users.session_state),
    "presence": list[Light],
    "typing": list[Light],
}
"""Topic prefix -> the type of what is pushed: the very functions that make the pushes say so."""


# --- types, in words --------------------------------------------------------------------------------------------------


def shape(type_: Any) -> str:
    """A type as the documentation writes it."""
    origin = get_origin(type_)
    if origin is Annotated:
        return _limited(get_args(type_)[0], get_args(type_)[1:])
    if origin in (Union, types.UnionType):
        return " or ".join(shape(t) for t in get_args(type_))
    if origin is Literal:
        return " or ".join(f'"{value}"' for value in get_args(type_))
    if origin is tuple and get_args(type_)[-1:] != (...,):
        return f"[{', '.join(shape(t) for t in get_args(type_))}]"
    if origin in (tuple, list):
        inner = shape(get_args(type_)[0])
        return f"list of ({inner})" if " " in inner and inner[0] != "[" else f"list of {inner}"
    if origin in (dict, Mapping):
        name, value = map(shape, get_args(type_))
        return f"map of ({name}) to ({value})"
    if type_ is type(None):
        return "null"
    if type_ is Id:
        return "id"
    return {int: "int", str: "string", float: "number", bool: "bool"}.get(type_) or str(
        type_.__name__
    )


def _limited(type_: Any, notes: Iterable[Any]) -> str:
    words = shape(type_)
    for meta in notes:
        assert isinstance(meta, Meta)
        if meta.max_length is not None:
            words += f" ({meta.min_length or 0} to {meta.max_length} {'items' if words.startswith(('list', 'map')) else 'characters'})"
        low, high = meta.ge, meta.le
        if low is not None or high is not None or meta.lt is not None:
            below = f" below {_number(meta.lt)}" if meta.lt is not None else ""
            upto = f" to {_number(high)}" if high is not None else " or more" * (not below)
            words += f" ({_number(low)}{upto}{below})"
        if meta.pattern:
            words += f" matching `{meta.pattern}`"
        if meta.description:
            words += f": {meta.description}"
    return words


def _number(value: Any) -> str:
    return {2**53: "2^53", 2**53 - 1: "2^53 - 1"}.get(value, str(value))


def parts(type_: Any) -> list[Any]:
    """The dataclasses that a type mentions, itself too, outermost first."""
    if dataclasses.is_dataclass(type_):
        inner = [
            p for hint in get_type_hints(type_, include_extras=True).values() for p in parts(hint)
        ]
        return [type_, *inner]
    return [
        p for argument in get_args(type_) if not isinstance(argument, str) for p in parts(argument)
    ]


def fields(type_: Any) -> list[tuple[str, str]]:
    """(name, shape) of a dataclass' fields."""
    hints = get_type_hints(type_, include_extras=True)
    return [(field.name, shape(hints[field.name])) for field in dataclasses.fields(type_)]


# --- blocks -----------------------------------------------------------------------------------------------------------


def commands() -> str:
    sections = []
    for name, operation in COMMANDS.items():
        hints = get_type_hints(operation.takes, include_extras=True)
        words = re.sub(r" *Locks [^.]*[.]", "", " ".join(operation.doc.split("\n\n")[0].split()))
        key = "Key required." if operation.keyed else "No key."
        lines = [f"#### `{name}`", "", f"{words} {key} Reply: `{operation.gives.__name__}`.", ""]
        for field in dataclasses.fields(operation.takes):
            lines.append(f"- `{field.name}`{_default(field)}: {_stated(hints[field.name], field)}")
        sections.append("\n".join(lines).rstrip())
    return "\n" + "\n\n".join(sections) + "\n"


def _stated(hint: Any, field: dataclasses.Field[Any]) -> str:
    words = shape(hint)
    return words.removesuffix(" or null") if field.default is None else words


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default_factory is not dataclasses.MISSING:
        return f" (may be left out: `{json.dumps(field.default_factory())}`)"
    if field.default is dataclasses.MISSING:
        return ""
    plain = [] if field.default == () else field.default
    return " (may be left out)" if plain is None else f" (may be left out: `{json.dumps(plain)}`)"


def shapes() -> str:
    """Every type that a topic's payload or a reply is made of."""
    every: dict[str, Any] = {}
    for type_ in [*PAYLOADS.values(), *(o.gives for o in COMMANDS.values()), *_plans()]:
        for part in parts(type_):
            known = every.setdefault(part.__name__, part)
            if known is not part and fields(known) != fields(part):
                raise ValueError(f"two shapes are called {part.__name__}")
    blocks = []
    for name, part in every.items():
        lines = [f"{name} {{", *(f"  {field}: {words}" for field, words in fields(part)), "}"]
        blocks.append("\n".join(lines))
    return "```\n" + "\n\n".join(blocks) + "\n```"


def _plans() -> list[Any]:
    """Types that commands take inside their bodies."""
    return [
        part
        for operation in COMMANDS.values()
        for hint in get_type_hints(operation.takes).values()
        for part in parts(hint)
    ]


def payloads() -> str:
    lines = ["| topic | payload |", "|---|---|"]
    names = {"area": "area:CELL", "holds": "holds:CELL", "order": "order:ID:ROLE"}
    for prefix, type_ in PAYLOADS.items():
        lines.append(f"| `{names.get(prefix, f'{prefix}:ID')}` | {shape(type_)} |")
    return "\n".join(lines)


def every_error() -> list[type[MarketError]]:
    """One class per code, in the order of the file."""

    def below(error: type[MarketError]) -> Iterable[type[MarketError]]:
        yield error
        for leaf in error.__subclasses__():
            if leaf.__module__ == MarketError.__module__:
                yield from below(leaf)

    found: dict[str, type[MarketError]] = {}
    for error in below(MarketError):
        found.setdefault(error.code, error)
    return list(found.values())


def errors() -> str:
    lines = ["| code | retryable | meaning |", "|---|---|---|"]
    for error in every_error():
        words = (error.__doc__ or "").strip().splitlines()[0]
        if error is MarketError:
            words = "A defect of the server's. It has been logged; the same request may well fail again."
        lines.append(f"| `{error.code}` | {'yes' if error.retryable else 'no'} | {words} |")
    return "\n".join(lines)


def diagram() -> str:
    return f"```mermaid\n{life.diagram()}\n```"


NOW = life.TABLES[life.PROCESS_VERSION]
ANCHORS = {
    "answer_by": "a day after the request, or the start if that is sooner",
    "pay_by": "the payment deadline",
    "entered": "entering the state",
    "period_end": "the end of the period",
}


def transitions() -> str:
    lines = ["| transition | by | from | to | goes back to the buyer |", "|---|---|---|---|---|"]
    back = {
        "nothing": "-", "deposit": "the deposit", "deposit_less_claim": "the deposit, less what is claimed",
        "by_policy": "all that was paid, less what the policy keeps", "as_decided": "what the operator says",
        "everything": "all that was paid",
    }  # fmt: skip
    for t in NOW.transitions:
        lines.append(
            f"| `{t.name}` | {', '.join(t.by)} | {', '.join(f'`{s}`' for s in t.source)} | `{t.target}` "
            f"| {back[t.gives_back]} |"
        )
    return "\n".join(lines)


def timers() -> str:
    lines = ["| in state | when | happens |", "|---|---|---|"]
    for t in NOW.transitions:
        if t.timer is not None:
            after = f"{_span(t.timer.after_ms)} after " if t.timer.after_ms else ""
            states = ", ".join(f"`{s}`" for s in t.source)
            lines.append(
                f"| {states} | {after}{ANCHORS[t.timer.anchor]} | `{t.name}`, to `{t.target}` |"
            )
    return "\n".join(lines)


def _span(ms: int) -> str:
    return f"{ms // DAY_MS} days" if ms > DAY_MS and ms % DAY_MS == 0 else f"{ms // HOUR_MS} h"


def buttons() -> str:
    parties: tuple[life.Party, ...] = ("buyer", "owner", "operator")
    lines = [f"| state | {' | '.join(parties)} |", "|---|---|---|---|"]
    for state in dict.fromkeys((*NOW.initial, *(t.target for t in NOW.transitions))):
        actions = [life.allowed(life.PROCESS_VERSION, state, party) for party in parties]
        cells = [", ".join(f"`{name}`" for name in names) or "-" for names in actions]
        lines.append(f"| `{state}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def extensions() -> str:
    lines = ["| step | by | from | to | by itself |", "|---|---|---|---|---|"]
    for step in extension.STEPS.values():
        when = "-"
        if step.timer is not None:
            after = f"{_span(step.timer.after_ms)} after " if step.timer.after_ms else "at "
            when = after + ANCHORS[step.timer.anchor]
        source = ", ".join(f"`{state}`" for state in step.source) or "-"
        lines.append(f"| `{step.name}` | {step.by} | {source} | `{step.target}` | {when} |")
    return "\n".join(lines)


def fees() -> str:
    lines = ["| category | fee |", "|---|---|"]
    lines += [f"| `{category}` | {_percent(bp)} |" for category, bp in price.FEE_BP.items()]
    return "\n".join([*lines, f"| all others | {_percent(price.OTHER_FEE_BP)} |"])


def waivers() -> str:
    lines = ["| stars, at least | ratings, at least | of the deposit is waived |", "|---|---|---|"]
    lines += [f"| {stars / 100:.1f} | {n} | {_percent(bp)} |" for stars, n, bp in price.WAIVERS]
    return "\n".join(lines)


def policies() -> str:
    lines = ["| policy | cancelled | the owner keeps |", "|---|---|---|"]
    for policy, stairs in cancellation.STAIRS.items():
        for before_ms, kept in stairs:
            when = "later"
            if before_ms > 0:
                when = f"up to {_span(before_ms)} before the start"
            elif before_ms == 0:
                when = "up to the start"
            lines.append(f"| `{policy}` | {when} | {_percent(kept)} |")
    return "\n".join(lines)


def _percent(basis_points: int) -> str:
    return f"{basis_points / 100:g} %"


BLOCKS: dict[str, dict[str, Callable[[], str]]] = {
    "protocol.md": {
        "payloads": payloads, "shapes": shapes, "commands": commands, "errors": errors,
    },
    "orders.md": {
        "diagram": diagram, "transitions": transitions, "timers": timers, "buttons": buttons,
        "extensions": extensions,
    },
    "terms.md": {"fees": fees, "waivers": waivers, "policies": policies},
}  # fmt: skip
"""Document -> name of the block -> its text."""


def between(text: str, name: str) -> str:
    """What a document has between a block's markers. Raise ValueError unless they are there once."""
    found = re.findall(_pattern(name), text, re.S)
    if len(found) != 1:
        raise ValueError(f"the markers of {name!r} are there {len(found)} times")
    return str(found[0]).strip("\n")


def renewed(file: Path) -> str:
    text = file.read_text(encoding="utf-8")
    for name, make in BLOCKS[file.name].items():
        between(text, name)
        block = f"<!-- generated: {name} -->\n{make()}\n<!-- end -->"
        text = re.sub(_pattern(name), lambda _, block=block: block, text, flags=re.S)  # type: ignore[misc]
    return text


def _pattern(name: str) -> str:
    return rf"<!-- generated: {re.escape(name)} -->(.*?)<!-- end -->"


if __name__ == "__main__":
    for document in BLOCKS:
        (DOCS / document).write_text(renewed(DOCS / document), encoding="utf-8")
