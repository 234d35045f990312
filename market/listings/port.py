"""What this wing needs of the world outside: somebody who says whether a text or an image may be shown."""

from __future__ import annotations

from typing import Protocol

from infra.wechat.content_check import Found


class ContentCheck(Protocol):
    """`openid` is whose it is. Raise NotFound when they cannot be asked about, Unavailable when nobody answers."""

    async def text(self, openid: str, text: str) -> Found: ...

    async def image(self, openid: str, url: str) -> str:
        """The trace id under which the answer comes later."""
