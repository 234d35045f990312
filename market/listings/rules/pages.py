"""How a page is put together from a ranking: no owner fills it, and a bounded share of it is given to what is new."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from market.listings.rules.searching import Found

OF_ONE_OWNER = 2
"""Listings of one owner on a page, as long as others are there to fill it."""

WINDOW = 3
"""How many times a page's length is looked through for others."""

ONE_IN = 10
"""At most one of so many places is given to something new that its rank would not have brought there."""

FIRST_PLACE = 4
"""The first of these places, counted from zero: whatever is best stays on top."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """`settled`: more candidates would not change it."""

    found: tuple[Found, ...]
    settled: bool


def spread(ranked: Sequence[Found], length: int) -> Page:
    """The page that these candidates, best first, make.

    From the first `WINDOW` times `length` of them each is taken until the page is full, but for an owner's third and
    later ones. These fill what then is left, in their order.
    """
    taken: list[Found] = []
    held_back: list[Found] = []
    owners: Counter[int] = Counter()
    for one in ranked[: WINDOW * length]:
        if len(taken) == length:
            break
        owners[one.owner_id] += 1
        (taken if owners[one.owner_id] <= OF_ONE_OWNER else held_back).append(one)
    settled = len(taken) == length or len(ranked) >= WINDOW * length
    return Page(found=(*taken, *held_back[: length - len(taken)]), settled=settled)


def explored(
    page: Sequence[Found],
    new: Sequence[Found],
    is_new: Callable[[Found], bool],
    worth: Callable[[Found], float],
) -> tuple[Found, ...]:
    """The page with some of the `new` ones in it, those that are worth most, at places of their own. As many as these
    go off its end.

    What is new and on the page by its rank counts towards the share. `worth` is the score by a drawn deal rate
    (Thompson sampling): of what has had few orders nobody knows how good it is, so each has its chance.
    """
    here = {one.id for one in page}
    owners = Counter(one.owner_id for one in page)
    room = len(page) // ONE_IN - sum(map(is_new, page))
    result = list(page)
    place = FIRST_PLACE
    for one in sorted((one for one in new if one.id not in here), key=worth, reverse=True):
        if room <= 0:
            break
        if owners[one.owner_id] >= OF_ONE_OWNER:
            continue
        owners[one.owner_id] += 1
        result.insert(place, one)
        place += ONE_IN
        room -= 1
    return tuple(result[: len(page)])
