"""GET /: what the sandbox offers, for whoever opens it in a browser."""

from __future__ import annotations

from dataclasses import asdict
from html import escape

from aiohttp import web

from sandbox.server.faults import DEMANDS, KINDS
from sandbox.server.phone import MODES
from sandbox.server.wire import FAULTS, IDENTITY, RULEBOOK, TIME_FACTOR

PAGE = """<!doctype html><html lang="zh"><meta charset="utf-8"><title>ShareHub 微信沙箱</title>
<style>
body{{max-width:52rem;margin:2rem auto;padding:0 1rem;font:16px/1.6 system-ui,sans-serif}}
code{{background:#8882;padding:.1em .3em;border-radius:4px}}
td{{padding:.2rem 1rem .2rem 0;vertical-align:top}}
</style>
<h1>微信沙箱 <small>WeChat sandbox</small></h1>
<p>模拟微信登录、消息与支付(API v3)。签名与加密都是真的，钱不是。<br>
WeChat's login, messages and payment (API v3).
Signatures and encryption are real; the money is not.</p>
<p>appid <code>{appid}</code>, mchid <code>{mchid}</code>,
故障率 fault rate <code>{rate}</code>,
时间系数 time factor <code>{factor}</code> (15 s = {fifteen:g} s)</p>
<h2>微信接口 <small>WeChat's addresses</small></h2>
<table>{wechat}</table>
<h2>手机与测试 <small>The phone and the tester</small></h2>
<table>{phone}</table>
<p>故障 faults: {kinds}<br>仅按需 on demand only: {demands}<br>通知 notification modes: {modes}<br>
规则 rules: {rules}</p>
"""
WECHAT = (
    (
        "GET /sns/jscode2session",
        "登录凭证换 openid，一次有效，5 分钟 / login code, once, 5 minutes",
    ),
    ("POST /cgi-bin/stable_token", "接口调用凭据 / access token"),
    ("POST /cgi-bin/message/subscribe/send", "订阅消息 / subscribe message"),
    ("POST /wxa/msg_sec_check", "文本安全 / text check"),
    ("POST /v3/merchant/media/upload", "图片上传 / a picture for an application"),
    (
        "POST /v3/ecommerce/applyments/",
        "二级商户进件 / apply; GET .../out-request-no/{no} 查询 query",
    ),
    ("POST /v3/pay/partner/transactions/jsapi", "平台下单 / order for a sub-merchant"),
    (
        "GET /v3/pay/partner/transactions/out-trade-no/{no}",
        "查单 / query; POST .../close 关单 close",
    ),
    (
        "POST /v3/ecommerce/refunds/apply",
        "平台退款 / refund; GET /v3/ecommerce/refunds/out-refund-no/{no} 查询 query",
    ),
    (
        "POST /v3/ecommerce/profitsharing/orders",
        "请求分账 / share; GET 查询 query; .../finish-order 完结 release; .../receivers/add 接收方 receivers",
    ),
    ("GET /v3/bill/tradebill, /v3/bill/fundflowbill", "账单 / bills of a Beijing day"),
)
PHONE = (
    ("POST /sandbox/login-code", '{"openid": "alice"} → wx.login'),
    ("GET /sandbox/prepay?prepay_id=...", "付款单上的说明与金额"),
    ("POST /sandbox/pay", '{"prepay_id": "...", "delay_ms": 0, "after_expiry": false} → 确认付款'),
    ("POST /sandbox/notify", '{"out_trade_no": "...", "mode": "duplicate"}'),
    ("GET, PUT /sandbox/faults", '{"rate": 0.05, "kinds": [...], "next": [...]}'),
    ("GET, PUT /sandbox/rules", '{"onboarding": "hold", "refund_gap_s": 0, "fee_bp": 60}'),
    ("POST /sandbox/onboarding", '{"out_request_no": "...", "decision": "accept"}'),
    ("POST /sandbox/thaw", '{"transaction_id": "..."} → 冻结期满 / the 180 days are over'),
    ("POST /sandbox/platform-keys", '{"kind": "certificate"} → 换平台密钥 / a new platform key'),
    ("GET /sandbox/balances", "各商户冻结与可用余额 / frozen and available, of every merchant"),
    (
        "POST /sandbox/subscriptions",
        '{"openid": "alice", "answers": {"TEMPLATE_ID": "accept"}} → 同意订阅 / allow a message',
    ),
    ("GET /sandbox/trades, /sandbox/messages", "所有订单，已发消息 / all trades, messages sent"),
)


async def index(request: web.Request) -> web.Response:
    account, factor = request.app[IDENTITY].account, request.app[TIME_FACTOR]
    text = PAGE.format(
        appid=escape(account.appid),
        mchid=escape(account.mchid),
        rate=request.app[FAULTS].rate,
        factor=factor,
        fifteen=15 * factor,
        wechat=_rows(WECHAT),
        phone=_rows(PHONE),
        kinds=", ".join(KINDS),
        demands=", ".join(DEMANDS),
        rules=escape(", ".join(f"{k}={v}" for k, v in asdict(request.app[RULEBOOK].rules).items())),
        modes=", ".join(MODES),
    )
    return web.Response(text=text, content_type="text/html")


async def healthz(_: web.Request) -> web.Response:
    return web.Response(text="ok\n")


def _rows(rows: tuple[tuple[str, str], ...]) -> str:
    return "".join(f"<tr><td><code>{escape(a)}</code><td>{escape(b)}" for a, b in rows)
