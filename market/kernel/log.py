"""Which stretch of a numbered log somebody is given: the chat's, or an inbox's. Of what is `gone` up to a number there is nothing left
to give.
"""

from __future__ import annotations

from dataclasses import dataclass

from market.kernel.errors import BadInput

NEWCOMER_ENTRIES = 50
SNAPSHOT_ENTRIES = 200


@dataclass(frozen=True, slots=True)
class Stretch:
    """Entries with after < number <= up_to. `more`: there are more in the direction that was asked for."""

    after: int
    up_to: int
    more: bool


def page(last: int, before: int | None, after: int | None, limit: int, gone: int = 0) -> Stretch:
    """The newest entries, or those before or after a number. Raise BadInput for both."""
    if before is not None and after is not None:
        raise BadInput("give before or after, not both")
    if after is not None:
        return _onwards(last, max(after, gone), limit)
    up_to = last if before is None else min(before - 1, last)
    begin = max(gone, up_to - limit)
    return Stretch(begin, up_to, more=begin > gone)


def missing(last: int, have: int | None, gone: int = 0) -> Stretch:
    """What an asker lacks, the oldest first when it is much; the newest for one who has nothing, or nothing that is left."""
    if have is None or have < gone:
        return Stretch(max(gone, last - NEWCOMER_ENTRIES), last, more=False)
    return _onwards(last, have, SNAPSHOT_ENTRIES)


def _onwards(last: int, have: int, limit: int) -> Stretch:
    begin = min(have, last)
    up_to = min(begin + limit, last)
    return Stretch(begin, up_to, more=up_to < last)
