"""Demo data: a neighbourhood of people with things to share, made through the product's own front door."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import aiohttp

from devkit.client import Person
from devkit.loop import CENTER, WHOLE_WEEK
from devkit.pictures import face, photos
from devkit.stack import Stack

Terms = dict[str, Any]
WEEKEND = [0, 0, 0, 0, 0, 2_000, 2_000]

OFFERS: tuple[tuple[str, str, str, int | None, int | None, int, Terms, str], ...] = (
    ("山地自行车，九成新", "bicycles", "mountain bike", 800, 6000, 30_000,
     {"price_week_fen": 28_000, "surcharge_bp": WEEKEND, "waives_deposit": True},
     "27 速变速，前后碟刹，刚做过保养。配头盔和车锁，身高 165–185 都合适。"),
    ("折叠自行车", "bicycles", "folding bike", 500, 3000, 20_000, {"capacity": 3, "waives_deposit": True},
     "16 寸，折起来能带上地铁。一共三辆，结伴骑行也够。"),
    ("冲击钻套装", "tools", "drill", 600, 3500, 20_000, {"buffer_minutes": 30},
     "两块电池，12 支钻头，混凝土墙也打得动。不会用可以现场教。"),
    ("高压洗车机", "tools", "washer", None, 5000, 15_000, {},
     "家用 220V，8 米水管，泡沫壶一起借。用完请排空积水。"),
    ("索尼微单相机 + 24-70 镜头", "cameras", "camera", 3000, 18_000, 200_000,
     {"policy": "strict", "booking": "request", "buffer_minutes": 60},
     "A7M4 机身，GM 镜头，两块电池，一张 128G 卡。交接时一起检查镜片。"),
    ("家用投影仪", "cameras", "projector", None, 8000, 50_000, {"policy": "moderate"},
     "1080P，自动对焦，白天拉上窗帘也清楚。带 HDMI 线和 100 寸幕布。"),
    ("四人帐篷", "outdoor", "tent", None, 4500, 20_000, {"price_week_fen": 18_000, "surcharge_bp": WEEKEND},
     "双层防雨，十分钟搭好，送地垫和地钉。归还前请晾干。"),
    ("露营桌椅一套", "outdoor", "camping table", None, 3500, 10_000, {"capacity": 2},
     "一张蛋卷桌、四把月亮椅，一个收纳袋装下。有两套。"),
    ("会议室（10 人）", "spaces", "meeting room", 8000, 50_000, 0,
     {"minimum_fen": 16_000, "notice_minutes": 60, "policy": "moderate"},
     "临街采光好，有大屏、白板和茶水。楼下就是地铁站。"),
    ("吉他入门课，一小时", "skills", "guitar", 15_000, None, 0,
     {"longest_minutes": 180, "notice_minutes": 720, "booking": "request", "attributes": {"mode": "here", "experience_years": 8}},
     "零基础也可以，一节课学会三个和弦。琴我来准备。"),
    ("《三体》全套", "books", "books", None, 300, 2000, {"price_week_fen": 1200},
     "三册齐全，书页干净，没有划线。看完记得告诉我结局猜到没有。"),
    ("电动打气泵", "tools", "pump", 300, 1500, 5000, {},
     "汽车、自行车、篮球都能打，数显，到气压自动停。"),
)  # fmt: skip
"""title, category, what the pictures show, per hour, per day, deposit (fen), other terms, description."""

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
    {"openid": "demo-newcomer", "name": "新朋友", "about": "第一次打开，还没有同意隐私说明"},
)
"""Whom the phones of ./dev run can belong to; the first two at first. The newcomer is nobody yet."""

KNOWN = [person["openid"] for person in PEOPLE if person["openid"] != "demo-newcomer"]


def seed(stack: Stack) -> None:
    """Once: when there are listings of ours already, nothing is added."""
    asyncio.run(_seed(stack))


async def _seed(stack: Stack) -> None:
    async with aiohttp.ClientSession() as http:
        people = await asyncio.gather(*(log_in(http, stack, openid) for openid in KNOWN))
        owners = sorted(
            (one for one in people if "owner" in one.openid), key=lambda one: one.openid
        )
        if (await owners[0].rest("GET", "/v1/listings/mine"))["listings"]:
            return
        await asyncio.gather(
            *(_introduce(http, person) for person in people),
            *(owner.onboard() for owner in owners),
        )
        chance = random.Random(20260101)
        places = [tuple(c + chance.uniform(-0.02, 0.02) for c in CENTER) for _ in OFFERS]
        await asyncio.gather(
            *(
                _publish(http, owners[index % len(owners)], index, place)
                for index, place in enumerate(places)
            ),
            *(_unseen(owners[0], *what) for what in UNSEEN),
        )


async def log_in(http: aiohttp.ClientSession, stack: Stack, openid: str) -> Person:
    return await Person(
        http, api=stack.api_url, hubs=stack.hub_urls, sandbox=stack.sandbox_url, openid=openid
    ).log_in()


async def _introduce(http: aiohttp.ClientSession, person: Person) -> None:
    """With a name and a face, as somebody does on the settings page."""
    name = next(one["name"] for one in PEOPLE if one["openid"] == person.openid)
    stored = await _upload(http, person, await asyncio.to_thread(face, name), "avatar")
    me = await person.rest("GET", "/v1/me")
    changes = {"nickname": name, "avatar_url": stored["public_url"]}
    await person.rest("PATCH", "/v1/me", {"version": me["version"], **changes})


async def _publish(
    http: aiohttp.ClientSession, owner: Person, index: int, place: tuple[float, ...]
) -> None:
    title, category, thing, hour, day, deposit, terms, description = OFFERS[index]
    pictures = await asyncio.to_thread(photos, thing)
    stored = [await _upload(http, owner, picture, "photo") for picture in pictures]
    await owner.rest("POST", "/v1/listings", {
        "title": title, "description": description, "category": category, "lat": place[0], "lng": place[1],
        "address": f"人民广场 {index + 1} 号", "plan": WHOLE_WEEK, "price_hour_fen": hour, "price_day_fen": day,
        "deposit_fen": deposit, **terms, "photos": [one["object_key"] for one in stored],
    })  # fmt: skip


async def _unseen(owner: Person, title: str, words: str, path: str) -> None:
    await owner.rest("POST", path, {
        "title": title, "description": words, "category": "tools", "lat": CENTER[0], "lng": CENTER[1],
        "plan": WHOLE_WEEK, "price_day_fen": 2500,
    })  # fmt: skip


async def _upload(
    http: aiohttp.ClientSession, person: Person, raw: bytes, purpose: str
) -> dict[str, str]:
    """What has been stored: object_key, and public_url."""
    sign = {"purpose": purpose, "content_type": "image/jpeg", "size_bytes": len(raw)}
    place = await person.rest("POST", "/v1/objects", sign)
    async with http.put(place["upload_url"], data=raw) as answer:
        return {**place, **await answer.json()}
