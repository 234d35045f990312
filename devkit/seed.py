"""Demo data: a neighbourhood of people with things to share, made through the product's own front door."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import aiohttp

from devkit.client import Person
from devkit.loop import CENTER, WHOLE_WEEK
from devkit.pictures import picture
from devkit.stack import Stack

Terms = dict[str, Any]
WEEKEND = [0, 0, 0, 0, 0, 2_000, 2_000]

OFFERS: tuple[tuple[str, str, int | None, int | None, int, Terms], ...] = (
    (
        "山地自行车，九成新",
        "bicycles",
        800,
        6000,
        30_000,
        {"price_week_fen": 28_000, "surcharge_bp": WEEKEND, "waives_deposit": True},
    ),
    ("折叠自行车", "bicycles", 500, 3000, 20_000, {"capacity": 3, "waives_deposit": True}),
    ("冲击钻套装", "tools", 600, 3500, 20_000, {"buffer_minutes": 30}),
    ("高压洗车机", "tools", None, 5000, 15_000, {}),
    (
        "索尼微单相机 + 24-70 镜头",
        "cameras",
        3000,
        18_000,
        200_000,
        {"policy": "strict", "booking": "request", "buffer_minutes": 60},
    ),
    ("家用投影仪", "cameras", None, 8000, 50_000, {"policy": "moderate"}),
    (
        "四人帐篷",
        "outdoor",
        None,
        4500,
        20_000,
        {"price_week_fen": 18_000, "surcharge_bp": WEEKEND},
    ),
    ("露营桌椅一套", "outdoor", None, 3500, 10_000, {"capacity": 2}),
    (
        "会议室（10 人）",
        "spaces",
        8000,
        50_000,
        0,
        {"minimum_fen": 16_000, "notice_minutes": 60, "policy": "moderate"},
    ),
    (
        "吉他入门课，一小时",
        "skills",
        15_000,
        None,
        0,
        {
            "longest_minutes": 180,
            "notice_minutes": 720,
            "booking": "request",
            "attributes": {"mode": "here", "experience_years": 8},
        },
    ),
    ("《三体》全套", "books", None, 300, 2000, {"price_week_fen": 1200}),
    ("电动打气泵", "tools", 300, 1500, 5000, {}),
)
"""title, category, per hour, per day, deposit (fen), other terms."""

MARK = "演示数据"

UNSEEN = (
    ("角磨机（草稿）", MARK, "/v1/listings/drafts"),
    ("来路可疑的电锤", f"{MARK}：等人工审核", "/v1/listings"),
    ("违禁品套装", f"{MARK}：不会通过", "/v1/listings"),
)
"""title, description, where to: a draft, one that people have to look at, one that is rejected. All are the first owner's."""

PEOPLE: tuple[dict[str, str], ...] = (
    {"openid": "demo-owner-0", "name": "陈建国", "about": "出借山地车、相机和会议室"},
    {"openid": "demo-renter-0", "name": "小满", "about": "刚搬来，什么都想借"},
    {"openid": "demo-owner-1", "name": "林晓", "about": "出借折叠车和投影仪，教吉他"},
    {"openid": "demo-owner-2", "name": "周师傅", "about": "出借电动工具、帐篷和书"},
    {"openid": "demo-owner-3", "name": "许阿姨", "about": "出借洗车机、露营桌椅"},
    {"openid": "demo-renter-1", "name": "阿哲", "about": "周末爱露营"},
    {"openid": "demo-newcomer", "name": "新朋友", "about": "第一次打开小程序"},
)
"""Whom the phones of ./dev run can belong to; the first two at first. The newcomer is nobody yet."""


def seed(stack: Stack) -> None:
    """Once: when there are listings of ours already, nothing is added."""
    asyncio.run(_seed(stack))


async def _seed(stack: Stack) -> None:
    chance = random.Random(20260101)
    async with aiohttp.ClientSession() as http:
        known = [person for person in PEOPLE if person["openid"] != "demo-newcomer"]
        people = [await _log_in(http, stack, person) for person in known]
        owners = sorted(
            (one for one in people if "owner" in one.openid), key=lambda one: one.openid
        )
        for owner in owners:
            await owner.onboard()
        mine = await owners[0].rest("GET", "/v1/listings/mine")
        if mine["listings"]:
            return
        for index, (title, category, hour, day, deposit, terms) in enumerate(OFFERS):
            owner = owners[index % len(owners)]
            body = {
                "title": title, "description": MARK, "category": category,
                "lat": CENTER[0] + chance.uniform(-0.02, 0.02),
                "lng": CENTER[1] + chance.uniform(-0.02, 0.02),
                "address": f"人民广场 {index + 1} 号", "plan": WHOLE_WEEK, "price_hour_fen": hour,
                "price_day_fen": day, "deposit_fen": deposit, **terms,
                "photos": [await _photo(http, owner, category, index)],
            }  # fmt: skip
            await owner.rest("POST", "/v1/listings", body)
        for title, words, path in UNSEEN:
            body = {
                "title": title, "description": words, "category": "tools", "lat": CENTER[0], "lng": CENTER[1],
                "plan": WHOLE_WEEK, "price_day_fen": 2500,
            }  # fmt: skip
            await owners[0].rest("POST", path, body)


async def _photo(http: aiohttp.ClientSession, owner: Person, category: str, seed: int) -> str:
    """The key of a photo of the owner's."""
    raw = picture(category, seed)
    sign = {"purpose": "photo", "content_type": "image/jpeg", "size_bytes": len(raw)}
    place = await owner.rest("POST", "/v1/objects", sign)
    async with http.put(place["upload_url"], data=raw) as answer:
        stored = await answer.json()
    return str(stored["object_key"])


async def _log_in(http: aiohttp.ClientSession, stack: Stack, who: dict[str, str]) -> Person:
    person = Person(
        http, api=stack.api_url, hubs=[], sandbox=stack.sandbox_url, openid=who["openid"]
    )
    await person.log_in()
    me = await person.rest("GET", "/v1/me")
    if me["nickname"] != who["name"]:
        await person.rest("PATCH", "/v1/me", {"version": me["version"], "nickname": who["name"]})
    return person
