"""Answers of api.weixin.qq.com, which says text/plain and means a JSON object."""

from __future__ import annotations

import json
from typing import Any

import aiohttp

from infra.wechat.calls import TryAgain


async def answer_of(response: aiohttp.ClientResponse) -> dict[str, Any]:
    """Raise TryAgain when it is none."""
    if response.status != 200:
        raise TryAgain(f"status {response.status}")
    try:
        answer = json.loads(await response.read())
    except (ValueError, RecursionError):
        raise TryAgain("the answer is not JSON") from None
    if not isinstance(answer, dict):
        raise TryAgain("the answer is not an object")
    return answer
