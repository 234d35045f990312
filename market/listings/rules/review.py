"""What is looked at before people see it, and what follows from what was found.

WeChat looks first, at the text and at every photo: what passes is shown, what is risky is rejected, and for all else people of
ours look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from market.kernel.geo import Point, distance_m
from market.kernel.ids import Id
from market.listings.rules import attributes
from market.listings.rules.listing import Listing, Wording

TEXT = "text"
"""The part that is no photo."""

Verdict = Literal["", "pass", "review", "risky"]
"""Empty: not known yet."""

Outcome = Literal["waiting", "pass", "review", "risky"]

Reason = Literal["content", "unchecked", "photo_of_other"]
"""Why people have to look: WeChat would rather they did, or could not say; or somebody else shows the same photo."""

REASONS = {
    "content": "内容需要人工确认",
    "unchecked": "自动检查没有结果",
    "photo_of_other": "他人的发布中有相同的照片",
}

LABELS = {
    10001: "广告",
    20001: "时政",
    20002: "色情",
    20003: "辱骂",
    20006: "违法犯罪",
    20008: "欺诈",
    20012: "低俗",
    20013: "版权",
    21000: "其他",
}
"""WeChat's labels (developers.weixin.qq.com, msgSecCheck 2.0), as its users may be told of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What is known of one part. `label` is WeChat's, 0 when it gave none."""

    part: str
    verdict: Verdict
    label: int = 0


def text_of(wording: Wording) -> str:
    """All that people wrote, for WeChat to read: 2,500 characters at most."""
    lines = (
        wording.title,
        wording.description,
        *attributes.words(wording.category, wording.attributes),
    )
    return "\n".join(line for line in lines if line.strip())


def parts_of(wording: Wording) -> tuple[str, ...]:
    return (TEXT, *wording.photos)


def outcome(checks: Sequence[Check], reasons: Sequence[Reason]) -> Outcome:
    """One risky part is enough; nothing passes before everything has."""
    verdicts = {check.verdict for check in checks}
    if "risky" in verdicts:
        return "risky"
    if "" in verdicts:
        return "waiting"
    return "review" if "review" in verdicts or reasons else "pass"


def found(checks: Sequence[Check]) -> tuple[Reason, ...]:
    """Why people have to look at parts that neither passed nor failed."""
    asked = [check for check in checks if check.verdict == "review"]
    kinds: list[Reason] = ["content" if check.label else "unchecked" for check in asked]
    return tuple(dict.fromkeys(kinds))


def note(checks: Sequence[Check]) -> str:
    """What its owner is told of a wording that is rejected because of these."""
    risky = [check for check in checks if check.verdict == "risky"]
    where = "和".join(
        name
        for name, there in (
            ("文字", any(check.part == TEXT for check in risky)),
            ("照片", any(check.part != TEXT for check in risky)),
        )
        if there
    )
    labels = "、".join(dict.fromkeys(LABELS.get(check.label, "违规") for check in risky))
    return f"{where}未通过内容安全检查（{labels}）"


# --- the same thing twice -------------------------------------------------------------------------------------------------

SAME_PLACE_M = 500.0
SAME_TITLE = 0.8
"""How much of their pairs of letters two titles have in common (Dice's coefficient) when they say the same."""

SAME_LOOK_BITS = 3
"""In how many bits of 64 two photos of one thing may differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """Another open listing with a photo that looks the same."""

    listing_id: Id
    owner_id: Id
    title: str
    category: str
    point: Point


def is_duplicate(listing: Listing, said: Wording, other: Twin) -> bool:
    """Whether it is the same thing of the same owner's, offered once more."""
    return (
        other.owner_id == listing.owner.user_id
        and other.category == said.category
        and distance_m(other.point, listing.point) <= SAME_PLACE_M
        and likeness(other.title, said.title) >= SAME_TITLE
    )


def likeness(one: str, other: str) -> float:
    """From 0 to 1, whatever the case, the spaces and the punctuation."""
    a, b = _pairs(one), _pairs(other)
    if not a or not b:
        return float(_bare(one) == _bare(other))
    return 2 * len(a & b) / (len(a) + len(b))


def _pairs(text: str) -> set[str]:
    bare = _bare(text)
    return {bare[place : place + 2] for place in range(len(bare) - 1)}


def _bare(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())
