"""The categories, as people read them."""

from __future__ import annotations

from dataclasses import dataclass

from market.listings.rules.attributes import OF_CATEGORY, Attribute

LABELS = {
    "tools": "工具",
    "bicycles": "自行车",
    "spaces": "场地空间",
    "skills": "技能服务",
    "cameras": "摄影器材",
    "outdoor": "户外装备",
    "books": "图书",
    "other": "其他",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryView:
    """`attributes`: what may be said of a thing of this category, in the order of a form."""

    category: str
    label: str
    attributes: tuple[Attribute, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoriesView:
    categories: tuple[CategoryView, ...]


ALL = CategoriesView(
    categories=tuple(
        CategoryView(category=code, label=label, attributes=OF_CATEGORY[code])
        for code, label in LABELS.items()
    )
)
