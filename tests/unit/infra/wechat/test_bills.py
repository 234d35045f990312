"""Bills as the documents print them, and bills that nobody should believe."""

from __future__ import annotations

import gzip
import hashlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.wechat.bills import BillLink, FundLine, TradeLine, fen, lines_of, link_from, plain_bill
from infra.wechat.fields import Malformed

# The columns are the documents', written down here and nowhere taken from what is tested.
TRADE = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
    "手续费,费率,订单金额,申请退款金额,费率备注"
)
PAID = (
    "`2026-09-24 10:00:00,`wx123,`1900000001,`1600000002,`,`4200001,`pay_w1,`o1,`JSAPI,`SUCCESS,`OTHERS,`CNY,"
    "`9.90,`0.00,`0,`0,`0.00,`0.00,`,`,`{title},`,`0.05940,`0.60%,`9.90,`0.00,`"
)
BACK = (
    "`2026-09-24 11:00:00,`wx123,`1900000001,`1600000002,`,`4200001,`pay_w1,`o1,`JSAPI,`REFUND,`OTHERS,`CNY,"
    "`0.00,`0.00,`500001,`rfd_1,`9.90,`0.00,`ORIGINAL,`{state},`Lily,`,`-0.05940,`0.60%,`0.00,`9.90,`"
)
SUMMARY = (
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
)
FUND = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),资金变更提交申请人,备注,业务凭证号\n"
    "`2018-02-01 04:21:23,`50000305742018020103387128253,`1900009231201802015884652186,`退款,`退款,`支出,`0.02,`0.17,"
    "`system,`缺货,下架,`REF4200000068201801293084726067\n"
    "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额\n"
    "`1.0,`0.0,`0.00,`1.0,`0.02\n"
)


def bill(*lines: str, count: int | None = None) -> str:
    totals = f"`{len(lines) if count is None else count},`9.90,`9.90,`0.00,`0.00000,`9.90,`9.90"
    return "\r\n".join((TRADE, *lines, SUMMARY, totals, ""))


def test_payments_and_refunds_are_read() -> None:
    paid, back = lines_of(bill(PAID.format(title="梯子"), BACK.format(state="SUCCESS")), "trade")
    assert paid == TradeLine(
        at_ms=1_790_215_200_000,  # date -d '2026-09-24 10:00:00 +0800' +%s
        sub_mchid="1600000002",
        transaction_id="4200001",
        out_trade_no="pay_w1",
        amount_fen=990,
        fee_yuan=Decimal("0.0594"),
    )
    assert isinstance(back, TradeLine)
    assert (back.refund_id, back.out_refund_no, back.refund_state, back.amount_fen) == (
        "500001",
        "rfd_1",
        "SUCCESS",
        990,
    )
    assert back.fee_yuan == Decimal("-0.0594")


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("SUCCESS", "SUCCESS"),
        ("PROCESSING", "PROCESSING"),
        ("FAIL", "CLOSED"),
        ("CHANGE", "ABNORMAL"),
    ],
)
def test_a_bill_has_its_own_words_for_a_refunds_state(word: str, state: str) -> None:
    (back,) = lines_of(bill(BACK.format(state=word)), "trade")
    assert isinstance(back, TradeLine)
    assert back.refund_state == state


@given(st.text("`,梯子1.\"'", max_size=20))
def test_no_title_is_misread(title: str) -> None:
    (paid,) = lines_of(bill(PAID.format(title=title)), "trade")
    assert (paid.amount_fen, paid.at_ms) == (990, 1_790_215_200_000)


def test_columns_are_found_by_their_names() -> None:
    header, line, *rest = bill(PAID.format(title="梯子")).splitlines()
    names, fields = header.split(","), line.split(",")
    swapped = "\n".join(
        (
            ",".join((names[1], names[0], *names[2:])),
            ",".join((fields[1], fields[0], *fields[2:])),
            *rest,
        )
    )
    (paid,) = lines_of(swapped, "trade")
    assert paid.at_ms == 1_790_215_200_000


def test_the_fund_bill_is_read() -> None:
    assert lines_of(FUND, "fundflow") == (
        FundLine(
            at_ms=1_517_430_083_000,
            flow_no="1900009231201802015884652186",
            business_no="50000305742018020103387128253",
            name="退款",
            amount_fen=-2,
            balance_fen=17,
            voucher="REF4200000068201801293084726067",
        ),
    )


def test_a_day_of_nothing_is_read() -> None:
    assert lines_of(bill(), "trade") == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html>",
        TRADE,
        bill(PAID.format(title="x"), count=2),
        bill("`2026-09-24 10:00:00,`wx123"),
        bill(PAID.format(title="x").replace("`9.90,`0.00,`", "`9.905,`0.00,`")),
        bill(PAID.format(title="x").replace("`9.90,`0.00,`", "`nine,`0.00,`")),
        bill(PAID.format(title="x").replace("10:00:00", "25:00:00")),
        bill(PAID.format(title="x")).replace("商户订单号", "订单号"),
        "\n".join(bill(PAID.format(title="x")).splitlines()[:-2]),
    ],
)
def test_what_is_no_bill_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        lines_of(text, "trade")


@given(st.integers(-(10**12), 10**12))
def test_yuan_are_fen_exactly(amount_fen: int) -> None:
    sign, whole = "-" if amount_fen < 0 else "", abs(amount_fen)
    assert fen(f"{sign}{whole // 100}.{whole % 100:02d}") == amount_fen


@pytest.mark.parametrize(
    ("yuan", "amount_fen"), [("0.1", 10), ("1", 100), ("0.29000", 29), ("1.15", 115), ("-0.01", -1)]
)
def test_yuan_as_bills_spell_them(yuan: str, amount_fen: int) -> None:
    assert fen(yuan) == amount_fen


@pytest.mark.parametrize(
    "yuan", ["", "1e2", "0.001", "1,000.00", "NaN", "Infinity", "¥1", " 1", "１"]
)
def test_what_is_no_amount(yuan: str) -> None:
    with pytest.raises(Malformed):
        fen(yuan)


def test_a_file_is_proved_by_the_digest_of_what_is_inside() -> None:
    plain = "\ufeff" + bill(PAID.format(title="梯子"))
    digest = hashlib.sha1(plain.encode()).hexdigest()
    link = BillLink(target="/v3/billdownload/file?token=x", sha1=digest.upper())
    assert plain_bill(link, gzip.compress(plain.encode())) == plain.removeprefix("\ufeff")
    for spoilt in (
        gzip.compress(plain.encode() + b" "),
        gzip.compress(plain.encode())[:-9],
        b"",
        b"<html>",
    ):
        with pytest.raises(Malformed):
            plain_bill(link, spoilt)


def test_a_link_leads_nowhere_else() -> None:
    answer = {"hash_type": "SHA1", "hash_value": "79bb0f45fc4c42234a918000b2668d689e2bde04"}
    good = answer | {"download_url": "https://evil.example/v3/billdownload/file?token=a%2Fb"}
    assert link_from(good).target == "/v3/billdownload/file?token=a%2Fb"
    wrongs: list[object] = [
        answer,
        good | {"hash_type": "MD5"},
        good | {"download_url": "https://api.mch.weixin.qq.com/v3/pay/transactions/jsapi?x=1"},
        [],
        None,
    ]
    for wrong in wrongs:
        with pytest.raises(Malformed):
            link_from(wrong)
