"""The categories, as people read them."""

from __future__ import annotations

from dataclasses import dataclass

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
    category: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoriesView:
    categories: tuple[CategoryView, ...]


ALL = CategoriesView(
    categories=tuple(CategoryView(category=code, label=label) for code, label in LABELS.items())
)
