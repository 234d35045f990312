"""WeChat's own account of a day, as values: bills are in yuan, these lines in fen.

    交易时间,公众账号ID,商户号,...,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注
    `2026-09-24 10:00:00,`wx123,`1900000001,...
    总交易单数,应结订单总金额,...
    `1,`9.90,...

Columns are found by their names, since their order is not promised. A title is the one field that
may hold a comma, so a line is read from both its ends.

Source: pay.weixin.qq.com, 申请交易账单, 申请资金账单, 下载账单.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import urlsplit

from infra.wechat.fields import Malformed
from infra.wechat.trades import RefundState

BillKind = Literal["trade", "fundflow"]

LONGEST_BYTES = 1 << 30
_BEIJING = timezone(timedelta(hours=8))
_YUAN = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,8})?\Z")
_FREE_TEXT: Mapping[BillKind, str] = {"trade": "商品名称", "fundflow": "备注"}
_COUNT: Mapping[BillKind, str] = {"trade": "总交易单数", "fundflow": "资金流水总笔数"}
_REFUND_STATES: Mapping[str, RefundState] = {
    "SUCCESS": "SUCCESS",
    "PROCESSING": "PROCESSING",
    "FAIL": "CLOSED",
    "CHANGE": "ABNORMAL",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeLine:
    """A payment (no refund numbers), by the time it was paid, or a refund, by the time it was asked
    for. `fee_yuan` is exact, below a fen too; a refund's is negative.
    """

    at_ms: int
    sub_mchid: str
    transaction_id: str
    out_trade_no: str
    amount_fen: int
    fee_yuan: Decimal
    refund_id: str = ""
    out_refund_no: str = ""
    refund_state: RefundState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FundLine:
    """Money that came to our account, or left it (below zero). `voucher` is the number we gave it."""

    at_ms: int
    flow_no: str
    business_no: str
    name: str
    amount_fen: int
    balance_fen: int
    voucher: str


BillLine = TradeLine | FundLine


@dataclass(frozen=True, slots=True, kw_only=True)
class BillLink:
    """Where a bill is (path and query), and the SHA-1 of the file as it is before compression."""

    target: str
    sha1: str


def link_from(answer: object) -> BillLink:
    """Reads the answer to a request for a bill; raises Malformed.

    Of the URL, path and query are kept: a signed request goes to our gateway's address alone.
    """
    fields = answer if isinstance(answer, dict) else {}
    sha1, url = fields.get("hash_value"), fields.get("download_url")
    if fields.get("hash_type") != "SHA1" or not isinstance(sha1, str) or not isinstance(url, str):
        raise Malformed("it names no bill, or no SHA1 of it")
    parts = urlsplit(url)
    if not parts.path.startswith("/v3/billdownload/"):
        raise Malformed("the bill is not where bills are")
    return BillLink(target=f"{parts.path}?{parts.query}", sha1=sha1)


def plain_bill(link: BillLink, gzipped: bytes) -> str:
    """The file, proved to be the one that was promised; raises Malformed."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(gzipped)) as file:
            content = file.read(LONGEST_BYTES + 1)
        if len(content) > LONGEST_BYTES:
            raise Malformed("the bill is longer than anything expected")
        digest = hashlib.sha1(content, usedforsecurity=False).hexdigest()
        if digest != link.sha1.lower():
            raise Malformed("the bill's digest does not match")
        return content.decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError):
        raise Malformed("the bill is no gzip of UTF-8") from None


def lines_of(text: str, kind: BillKind) -> Sequence[BillLine]:
    """The bill's lines in their order; raises Malformed, also when some are missing or an amount is
    no whole fen.
    """
    header, *rest = text.splitlines() or [""]
    names = header.split(",")
    if _FREE_TEXT[kind] not in names:
        raise Malformed("the bill's header is not what is documented")
    free = names.index(_FREE_TEXT[kind])
    details = [line for line in rest if line]
    summary, totals = details[-2:] if len(details) > 1 else ("", "")
    rows = [_row(names, free, line) for line in details[:-2]]
    said = dict(zip(summary.split(","), _fields(totals), strict=False))
    if said.get(_COUNT[kind], "").split(".")[0] != str(len(rows)):
        raise Malformed("the bill's summary counts other lines")
    read = _trade_line if kind == "trade" else _fund_line
    try:
        return tuple(read(row) for row in rows)
    except KeyError as missing:
        raise Malformed(f"the bill lacks the column {missing}") from None


def fen(yuan: str) -> int:
    """ "12.50" -> 1250, exactly; raises Malformed."""
    exact = _decimal(yuan) * 100
    if exact != int(exact):
        raise Malformed("an amount of a bill is no whole fen")
    return int(exact)


def _trade_line(row: Mapping[str, str]) -> TradeLine:
    sub_mchid = row["特约商户号"]
    line: dict[str, Any] = {
        "at_ms": _ms(row["交易时间"]),
        "sub_mchid": "" if sub_mchid == "0" else sub_mchid,
        "transaction_id": row["微信订单号"],
        "out_trade_no": row["商户订单号"],
        "fee_yuan": _decimal(row["手续费"]),
    }
    if row["交易状态"] != "REFUND":
        return TradeLine(amount_fen=fen(row["订单金额"]), **line)
    return TradeLine(
        amount_fen=fen(row["申请退款金额"]),
        refund_id=row["微信退款单号"],
        out_refund_no=row["商户退款单号"],
        refund_state=_REFUND_STATES.get(row["退款状态"]),
        **line,
    )


def _fund_line(row: Mapping[str, str]) -> FundLine:
    amount_fen = fen(row["收支金额(元)"])
    return FundLine(
        at_ms=_ms(row["记账时间"]),
        flow_no=row["资金流水单号"],
        business_no=row["微信支付业务单号"],
        name=row["业务名称"],
        amount_fen=amount_fen if row["收支类型"] == "收入" else -amount_fen,
        balance_fen=fen(row["账户结余(元)"]),
        voucher=row["业务凭证号"],
    )


def _row(names: list[str], free: int, line: str) -> dict[str, str]:
    """One line by its columns. What is too much belongs to the free text."""
    fields = _fields(line)
    surplus = len(fields) - len(names)
    if surplus < 0:
        raise Malformed("a line of the bill is too short")
    text = ",`".join(fields[free : free + surplus + 1])
    return dict(zip(names, [*fields[:free], text, *fields[free + surplus + 1 :]], strict=True))


def _fields(line: str) -> list[str]:
    return line.removeprefix("`").split(",`")


def _decimal(yuan: str) -> Decimal:
    if not _YUAN.match(yuan):
        raise Malformed("an amount of a bill is no amount")
    return Decimal(yuan)


def _ms(text: str) -> int:
    try:
        at = datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=_BEIJING)
    except ValueError:
        raise Malformed("a time of a bill is no time") from None
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
