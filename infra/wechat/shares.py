"""What WeChat Pay says of a division of frozen money, as values.

Source: pay.weixin.qq.com, 平台收付通: 请求分账, 查询分账结果, 完结分账.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from infra.wechat.trades import Malformed

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
    fields = _object(answer)
    state = _STATES.get(_text(fields, "status"))
    if state is None:
        raise Malformed("unknown status of a share")
    parts = fields.get("receivers") or []
    if not isinstance(parts, list):
        raise Malformed("receivers are no list")
    released = fields.get("finish_amount")
    return Share(
        out_order_no=_text(fields, "out_order_no"),
        order_id=_text(fields, "order_id"),
        state=state,
        parts=tuple(_part(_object(part)) for part in parts),
        released_fen=_fen(released) if released is not None else None,
    )


def accepted_release_from(answer: object) -> Share:
    """Reads the answer to a release, which names no state: it is under way; raises Malformed."""
    return share_from({"status": "PROCESSING"} | dict(_object(answer)))


def _part(fields: Mapping[str, Any]) -> SharePart:
    result = _RESULTS.get(_text(fields, "result"))
    if result is None:
        raise Malformed("unknown result of a share")
    return SharePart(
        account=_text(fields, "receiver_account"),
        amount_fen=_fen(fields.get("amount")),
        result=result,
        reason=str(fields.get("fail_reason") or ""),
    )


def _object(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Malformed("expected an object")
    return value


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise Malformed(f"{name} is missing")
    return value


def _fen(value: object) -> int:
    if type(value) is not int or value < 0:
        raise Malformed("an amount is not a number of fen")
    return value
