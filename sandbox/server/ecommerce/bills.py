"""/v3/bill/tradebill, /v3/bill/fundflowbill: a Beijing day of the books, in yuan, behind a link.

Source: pay.weixin.qq.com, 申请交易账单, 申请资金账单, 下载账单: a header, lines whose fields begin with `,
a header of the summary, the summary. The digest is the plain file's, also of a gzipped one.

The trade bill has payments by the time they were paid and refunds by the time they were asked for.
The fund bill is of the platform's own account: what it was shared.
"""

from __future__ import annotations

import gzip
import hashlib
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from aiohttp import web

from sandbox.server.ecommerce import books
from sandbox.server.keys import Account
from sandbox.server.store import Refund, Store, Trade
from sandbox.server.wire import (
    BEIJING,
    FAULTS,
    IDENTITY,
    RULEBOOK,
    STORE,
    PayError,
    json_answer,
    now_ms,
    param_error,
)

TRADE_COLUMNS = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,"
    "货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,"
    "商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
)
TRADE_SUMMARY = (
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
)
FUND_COLUMNS = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),"
    "资金变更提交申请人,备注,业务凭证号"
)
REFUND_STATES = {
    "SUCCESS": "SUCCESS",
    "PROCESSING": "PROCESSING",
    "CLOSED": "FAIL",
    "ABNORMAL": "CHANGE",
}
FUND_SUMMARY = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额"
LINK_LIFE_MS = 5 * 60 * 1000
STATE, ORDER_AMOUNT, REFUND_AMOUNT = 9, 24, 25  # 交易状态, 订单金额, 申请退款金额
READY_AT_HOUR = 10
KEPT_DAYS = 92
REMEMBERED = 20


Row = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    content: bytes
    until_ms: int


FILES = web.AppKey("bills", OrderedDict[str, File])


async def trade_bill(request: web.Request) -> web.Response:
    if request.query.get("bill_type", "ALL") != "ALL":
        raise param_error("the sandbox knows bill_type ALL only")
    from_ms, to_ms = _day(request)
    store, account = request.app[STORE], request.app[IDENTITY].account
    rate = f"{request.app[RULEBOOK].rules.fee_bp / 100:.2f}%"
    rows = [_payment_row(store, account, t, rate) for t in store.trades_paid(from_ms, to_ms)]
    for refund in store.refunds_made(from_ms, to_ms):
        trade = store.trade(refund.out_trade_no)
        assert trade is not None
        rows.append(_refund_row(store, account, trade, refund, rate))
    fault = request.app[FAULTS].for_bill()
    rows = _spoiled(rows, fault)

    def total(column: int) -> Decimal:
        return sum((Decimal(row[column]) for row in rows), Decimal("0.00"))

    totals = _summed(
        str(len(rows)), *(str(total(c)) for c in (12, 16, 17)), f"{total(22):.5f}",
        *(str(total(c)) for c in (ORDER_AMOUNT, REFUND_AMOUNT)),
    )  # fmt: skip
    return _link(request, (TRADE_COLUMNS, TRADE_SUMMARY), rows, totals, fault)


async def fund_bill(request: web.Request) -> web.Response:
    if request.query.get("account_type", "BASIC") != "BASIC":
        raise param_error("the sandbox knows account_type BASIC only")
    from_ms, to_ms = _day(request)
    store, mchid = request.app[STORE], request.app[IDENTITY].account.mchid
    balance_fen = store.balance_fen(mchid, "available", from_ms)
    rows: list[Row] = []
    came: list[int] = []
    for entry in store.entries_of(mchid, "available", from_ms, to_ms):
        balance_fen += entry.amount_fen
        came.append(entry.amount_fen)
        rows.append(
            (
                *(_at(entry.at_ms), entry.transaction_id, entry.id, entry.name, entry.name),
                *("收入" if entry.amount_fen > 0 else "支出", yuan(abs(entry.amount_fen))),
                *(yuan(balance_fen), "system", "", entry.voucher),
            )
        )
    income, expense = [fen for fen in came if fen > 0], [-fen for fen in came if fen < 0]
    totals = _summed(
        str(len(came)), str(len(income)), yuan(sum(income)), str(len(expense)), yuan(sum(expense))
    )
    fault = request.app[FAULTS].for_bill()
    return _link(request, (FUND_COLUMNS, FUND_SUMMARY), rows, totals, fault)


async def download(request: web.Request) -> web.Response:
    file = request.app[FILES].get(request.query.get("token", ""))
    if file is None or now_ms() > file.until_ms:
        raise PayError(400, "INVALID_REQUEST", "下载链接已失效")
    return web.Response(body=file.content, content_type="application/octet-stream")


def yuan(fen: int) -> str:
    """-1250 -> -12.50"""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def _day(request: web.Request) -> tuple[int, int]:
    """The day that was asked for, as milliseconds; NO_STATEMENT_EXIST, STATEMENT_CREATING."""
    try:
        day = datetime.strptime(request.query.get("bill_date", ""), "%Y-%m-%d")
    except ValueError:
        raise param_error("bill_date must be YYYY-MM-DD") from None
    begins = day.replace(tzinfo=BEIJING)
    now = datetime.fromtimestamp(now_ms() / 1000, BEIJING)
    if begins > now or begins < now - timedelta(days=KEPT_DAYS):
        raise PayError(400, "INVALID_REQUEST", "账单日期不在可下载范围内")
    if request.app[RULEBOOK].rules.bills_wait:
        ready = begins + timedelta(days=1, hours=READY_AT_HOUR)
        if now < ready:
            raise PayError(400, "STATEMENT_CREATING", "账单生成中")
    from_ms = int(begins.timestamp()) * 1000
    return from_ms, from_ms + 86_400_000


def _link(
    request: web.Request,
    headers: tuple[str, str],
    rows: list[Row],
    totals: str,
    fault: str | None,
) -> web.Response:
    """Keeps the file, and answers with its digest and where it is."""
    if not rows:
        raise PayError(400, "NO_STATEMENT_EXIST", "账单文件不存在")
    columns, summary = headers
    lines = [",".join(f"`{' '.join(field.split())}" for field in row) for row in rows]
    plain = "\ufeff" + "".join(f"{line}\r\n" for line in (columns, *lines, summary, totals))
    content = plain.encode()
    digest = hashlib.sha1(content, usedforsecurity=False).hexdigest()
    if fault == "bill_corrupt":
        content = content[: len(content) // 2]
    if request.query.get("tar_type") == "GZIP":
        content = gzip.compress(content)
    token, files = secrets.token_urlsafe(32), request.app[FILES]
    files[token] = File(content=content, until_ms=now_ms() + LINK_LIFE_MS)
    if len(files) > REMEMBERED:
        files.popitem(last=False)
    return json_answer(
        {
            "hash_type": "SHA1",
            "hash_value": digest,
            "download_url": f"{request.scheme}://{request.host}/v3/billdownload/file?token={token}",
        }
    )


def _spoiled(rows: list[Row], fault: str | None) -> list[Row]:
    if not rows or fault not in ("bill_line_missing", "bill_amount_changed"):
        return rows
    *kept, last = rows
    if fault == "bill_line_missing":
        return kept
    column = ORDER_AMOUNT if last[STATE] == "SUCCESS" else REFUND_AMOUNT
    more = str(Decimal(last[column]) + 1)
    return [*kept, (*last[:column], more, *last[column + 1 :])]


def _payment_row(store: Store, account: Account, trade: Trade, rate: str) -> Row:
    assert trade.transaction_id is not None
    assert trade.paid_at_ms is not None
    fee_fen = store.named_fen(trade.out_trade_no, books.FEE)
    amount = yuan(trade.amount_fen)
    return (
        *(_at(trade.paid_at_ms), account.appid, account.mchid, trade.sub_mchid, ""),
        *(trade.transaction_id, trade.out_trade_no, trade.openid, "JSAPI", "SUCCESS", "OTHERS"),
        *("CNY", amount, "0.00", "0", "0", "0.00", "0.00", "", ""),
        *(trade.description, trade.attach, f"{yuan(-fee_fen)}000", rate, amount, "0.00", ""),
    )


def _refund_row(store: Store, account: Account, trade: Trade, refund: Refund, rate: str) -> Row:
    assert trade.transaction_id is not None
    fee_fen = store.named_fen(refund.out_refund_no, books.FEE_BACK)
    amount = yuan(refund.refund_fen)
    return (
        *(_at(refund.made_at_ms), account.appid, account.mchid, trade.sub_mchid, ""),
        *(trade.transaction_id, trade.out_trade_no, trade.openid, "JSAPI", "REFUND", "OTHERS"),
        *("CNY", "0.00", "0.00", refund.refund_id, refund.out_refund_no, amount, "0.00"),
        *(
            "ORIGINAL",
            REFUND_STATES[refund.state],
            trade.description,
            trade.attach,
            f"{yuan(-fee_fen)}000",
        ),
        *(rate, "0.00", amount, ""),
    )


def _at(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // 1000, BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def _summed(*fields: str) -> str:
    return ",".join(f"`{field}" for field in fields)
