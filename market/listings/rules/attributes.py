"""What can be said of things of a category, beyond title and description: one table, from which the checks and the client's form
are made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from market.kernel.errors import BadAttribute, Incomplete

Value = str | int | bool
Attributes = Mapping[str, Value]
Type = Literal["text", "number", "choice", "flag"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    value: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """`type`: text of 1 to `longest` characters, a whole number of `unit` from `low` to `high`, one of `choices`, or a flag."""

    name: str
    label: str
    type: Type
    required: bool = False
    unit: str = ""
    low: int = 0
    high: int = 0
    longest: int = 0
    choices: tuple[Choice, ...] = ()

    def allows(self, value: Value) -> bool:
        match self.type:
            case "flag":
                return isinstance(value, bool)
            case "number":
                return type(value) is int and self.low <= value <= self.high
            case "choice":
                return any(choice.value == value for choice in self.choices)
            case "text":
                return isinstance(value, str) and bool(value.strip()) and len(value) <= self.longest


def _text(name: str, label: str, longest: int = 30) -> Attribute:
    return Attribute(name=name, label=label, type="text", longest=longest)


def _number(name: str, label: str, unit: str, low: int, high: int) -> Attribute:
    return Attribute(name=name, label=label, type="number", unit=unit, low=low, high=high)


def _flag(name: str, label: str) -> Attribute:
    return Attribute(name=name, label=label, type="flag")


def _choice(name: str, label: str, choices: Mapping[str, str], required: bool = False) -> Attribute:
    made = tuple(Choice(value=value, label=text) for value, text in choices.items())
    return Attribute(name=name, label=label, type="choice", required=required, choices=made)


_BRAND = _text("brand", "品牌")
_MODEL = _text("model", "型号", 40)
_CONDITION = _choice(
    "condition",
    "成色",
    {"new": "全新", "like_new": "几乎全新", "good": "良好", "worn": "有使用痕迹"},
)

OF_CATEGORY: Mapping[str, tuple[Attribute, ...]] = {
    "tools": (
        _BRAND, _MODEL, _CONDITION, _number("power_w", "额定功率", "瓦", 1, 20_000), _flag("cordless", "无线"),
        _flag("consumables", "含耗材"),
    ),
    "bicycles": (
        _BRAND, _CONDITION,
        _choice("kind", "车型", {"city": "城市车", "mountain": "山地车", "road": "公路车", "folding": "折叠车", "ebike": "电助力", "kids": "儿童车"}),
        _number("wheel_inch", "轮径", "英寸", 10, 32), _number("rider_cm", "适合身高", "厘米", 80, 220),
        _flag("helmet", "含头盔"), _flag("lock", "含车锁"),
    ),
    "spaces": (
        _choice("kind", "类型", {"meeting": "会议室", "studio": "摄影棚", "classroom": "教室", "party": "聚会空间", "parking": "车位", "storage": "储物"}),
        _number("area_m2", "面积", "平方米", 1, 100_000), _number("people", "容纳人数", "人", 1, 10_000),
        _flag("wifi", "无线网络"), _flag("projector", "投影"), _flag("step_free", "无障碍"),
    ),
    "skills": (
        _choice("mode", "服务方式", {"visit": "上门", "here": "到店", "online": "线上"}, required=True),
        _number("experience_years", "从业年限", "年", 0, 60), _number("pupils", "最多人数", "人", 1, 500),
        _text("languages", "语言", 40), _flag("certified", "持证"),
    ),
    "cameras": (
        _BRAND, _MODEL, _CONDITION,
        _choice("kind", "类型", {"body": "机身", "lens": "镜头", "drone": "无人机", "action": "运动相机", "light": "灯光", "projector": "投影", "audio": "录音"}),
        _text("mount", "卡口", 20), _flag("memory_card", "含存储卡"), _flag("spare_battery", "含备用电池"),
    ),
    "outdoor": (
        _BRAND, _CONDITION, _number("people", "适用人数", "人", 1, 50), _number("weight_g", "重量", "克", 1, 200_000),
        _choice("season", "季节", {"summer": "夏季", "three_season": "三季", "winter": "冬季"}), _flag("waterproof", "防水"),
    ),
    "books": (
        _text("author", "作者", 60), _text("publisher", "出版社", 60), _number("volumes", "册数", "册", 1, 500),
        _text("language", "语言", 20), _CONDITION,
    ),
    "other": (_BRAND, _MODEL, _CONDITION),
}  # fmt: skip
"""In the order in which a form shows them."""


def check(category: str, given: Attributes) -> None:
    """Raise BadAttribute for the first that the category does not have, or whose value does not fit."""
    known = {attribute.name: attribute for attribute in OF_CATEGORY[category]}
    for name, value in given.items():
        attribute = known.get(name)
        if attribute is None:
            raise BadAttribute("the category has no such attribute", name=name, known=[*known])
        if not attribute.allows(value):
            raise BadAttribute("the value does not fit the attribute", name=name)


def check_complete(category: str, given: Attributes) -> None:
    """Raise Incomplete when a required one is missing."""
    missing = [a.name for a in OF_CATEGORY[category] if a.required and a.name not in given]
    if missing:
        raise Incomplete("required attributes are missing", missing=missing)


def kept(category: str, given: Attributes) -> Attributes:
    """Those that a thing keeps when it turns out to be of that category."""
    known = {attribute.name: attribute for attribute in OF_CATEGORY[category]}
    return {n: value for n, value in given.items() if n in known and known[n].allows(value)}


def words(category: str, given: Attributes) -> tuple[str, ...]:
    """What people have written themselves, for whoever checks it."""
    written = {attribute.name for attribute in OF_CATEGORY[category] if attribute.type == "text"}
    return tuple(
        value for name, value in given.items() if name in written and isinstance(value, str)
    )
