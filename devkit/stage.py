"""What the page with the two phones says of the demo, and what its people's phones have when they are first used."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from typing import Any

from devkit import ROOT
from devkit.pictures import FACES, face
from devkit.stack import Stack

TITLE = "邻里共享"
ABOUT = (
    "同一个微信小程序的两台手机，连着这台电脑上的真实后端：左边是物主，右边是租客。"
    "登录、定位和支付由沙箱代替，不会真的扣款。"
)
GUIDE = (
    ("交接与归还", "小满已租下陈建国的山地车。两边都在「订单」里打开它：一边出示交接码，另一边输入，两屏同时改变；归还、验收、互评也在这里。"),
    ("聊天", "订单里点「联系对方」。一边发出，另一边立刻出现，已读也会回来。"),
    ("从头租一件", "右边在「发现」挑陈建国的东西，选时间、付款；左边不用刷新就多一笔订单。"),
    ("不在也知道", "把左边切到后台，等几秒，右边租一件：微信的服务通知弹出来，点一下直达订单。"),
    ("找点麻烦", "断网发消息、切到后台、重启：回来后都是最新的，操作只生效一次。"),
)  # fmt: skip
FIRST_PAGES = {"owner": "/pages/orders/orders?role=owner", "renter": "/pages/discover/discover"}
AGREED = re.compile(r'^const DAY = "([0-9-]+)";$', re.M)


def stage_of(stack: Stack, people: Sequence[dict[str, str]]) -> dict[str, Any]:
    """Title, text, links, and the people with their faces. Those who are known have agreed to the privacy text; the newcomer has not."""
    return {
        "title": TITLE,
        "about": ABOUT,
        "guide": [{"title": title, "text": text} for title, text in GUIDE] if people else [],
        "links": [
            {"name": "REST 接口", "url": f"{stack.api_url}/"},
            {"name": "OpenAPI", "url": f"{stack.api_url}/openapi.json"},
            {"name": "指标", "url": f"{stack.api_url}/metrics"},
        ],
        **({"people": [_person(one) for one in people]} if people else {}),
    }


def _person(one: dict[str, str]) -> dict[str, Any]:
    if one["name"] not in FACES:
        return one
    picture = base64.b64encode(face(one["name"], side=120)).decode()
    first = FIRST_PAGES["owner" if "owner" in one["openid"] else "renter"]
    return {
        **one,
        "face": f"data:image/jpeg;base64,{picture}",
        "start": first,
        "storage": {"consent": _agreed()},
    }


def _agreed() -> str:
    """The day of the privacy text, as the mini-program keeps it of who has agreed."""
    found = AGREED.search((ROOT / "miniprogram/services/consent.js").read_text())
    assert found is not None
    return found[1]
