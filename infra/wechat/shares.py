"""What WeChat Pay says of a division of frozen money, as values.

Source: pay.weixin.qq.com, 平台收付通: 请求分账, 查询分账结果, 完结分账.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from infra.wechat.fields import Malformed, fen_of, object_of, text_of

ShareState = Literal["PROCESSING", "FINISHED"]
PartResult = Literal["PENDING", "SUCCESS", "CLOSED"]

_STATES: Mapping[str, ShareState] = {"PROCESSING": "PROCESSING", "FINISHED": "FINISHED"}
_RESULTS: Mapping[str, PartResult] = {
    "PENDING": "PENDING",
    "SUCCESS": "SUCCESS",
    "CLOSED": "CLOSED",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SharePart:
    """One receiver's. CLOSED: it was not paid, and `reason` is WeChat's word for why."""

    account: str
    amount_fen: int
    result: PartResult
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A share, or a release (no parts, `released_fen` once it is known). FINISHED says that WeChat
    has ended it, and not that everybody was paid: see `paid`.
    """

    out_order_no: str
    order_id: str
    state: ShareState
    parts: tuple[SharePart, ...] = ()
    released_fen: int | None = None

    @property
    def paid(self) -> bool:
        """All that was asked for has arrived."""
        return self.state == "FINISHED" and all(part.result == "SUCCESS" for part in self.parts)


def share_from(answer: object) -> Share:
    """Reads the answer to a share or to a query; raises Malformed."""
    fields = object_of(answer)
    state = _STATES.get(text_of(fields, "status"))
    if state is None:
        raise Malformed("unknown status of a share")
    parts = fields.get("receivers", [])
    if not isinstance(parts, list):
        raise Malformed("receivers are no list")
    return Share(
        out_order_no=text_of(fields, "out_order_no"),
        order_id=text_of(fields, "order_id"),
        state=state,
        parts=tuple(_part(object_of(part)) for part in parts),
        released_fen=fen_of(fields, "finish_amount") if "finish_amount" in fields else None,
    )


def accepted_release_from(answer: object) -> Share:
    """Reads the answer to a release, which names no state: it is under way; raises Malformed."""
    return share_from({"status": "PROCESSING"} | dict(object_of(answer)))


def _part(fields: Mapping[str, Any]) -> SharePart:
    result = _RESULTS.get(text_of(fields, "result"))
    if result is None:
        raise Malformed("unknown result of a share")
    return SharePart(
        account=text_of(fields, "receiver_account"),
        amount_fen=fen_of(fields, "amount"),
        result=result,
        reason=str(fields.get("fail_reason") or ""),
    )
