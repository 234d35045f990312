"""What may be asked of users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from market.kernel.ids import Id

Nickname = Annotated[str, Meta(min_length=1, max_length=32, description="shown to everybody")]
Personal = Annotated[bool, Meta(description="whether results may be chosen by what one did before")]
Day = Annotated[
    str,
    Meta(pattern=r"^\d{4}-\d\d-\d\d$", description="of the privacy text that one agrees to"),
]
Url = Annotated[str, Meta(max_length=512, pattern=r"^(https?://[^\s]+|/[^\s]*)?$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    code: Annotated[
        str,
        Meta(min_length=1, max_length=128, description="from wx.login; good once, for 5 minutes"),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refresh:
    refresh_token: Annotated[str, Meta(min_length=1, max_length=256)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Logout:
    everywhere: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EditProfile:
    version: Annotated[int, Meta(ge=1, le=2**53, description="the profile's version as last seen")]
    nickname: Nickname | None = None
    avatar_url: Url | None = None
    personal: Personal | None = None
    agreed: Day | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget:
    """Delete one's account, for good."""

    version: Annotated[int, Meta(ge=1, le=2**53, description="the profile's version as last seen")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ban:
    user_id: Id
    reason: Annotated[str, Meta(min_length=1, max_length=200)]


@dataclass(frozen=True, slots=True, kw_only=True)
class GetMe:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class GetProfile:
    user_id: Id
