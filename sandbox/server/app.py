"""The routes, and what lives as long as the server."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

from sandbox.server import content, gate, keys, login, messages, page, phone
from sandbox.server.ecommerce import bills, media, onboarding, refunds, sharing, trades
from sandbox.server.errands import ERRANDS, Errands
from sandbox.server.faults import Faults
from sandbox.server.notify import NOTIFIER, Notifier
from sandbox.server.rules import Rulebook, Rules
from sandbox.server.store import Store
from sandbox.server.wire import FAULTS, IDENTITY, RULEBOOK, STORE, TIME_FACTOR

LARGEST_REQUEST_BYTES = 4 << 20


def make_app(
    run_dir: Path,
    *,
    fault_rate: float,
    seed: int,
    time_factor: float,
    rules: Rules,
    push_url: str = "",
) -> web.Application:
    app = web.Application(
        client_max_size=LARGEST_REQUEST_BYTES,
        middlewares=[
            gate.open_to_browsers,
            gate.prove,
            gate.inject,
            gate.refuse,
            gate.demand,
        ],
    )
    app[IDENTITY] = keys.ensure(run_dir)
    app[STORE] = Store(run_dir / "sandbox.sqlite3")
    app[FAULTS] = Faults(fault_rate, seed)
    app[RULEBOOK] = Rulebook(rules)
    app[TIME_FACTOR] = time_factor
    app[content.PUSH_URL] = push_url
    app[messages.MESSAGES] = messages.Outbox()
    app[bills.FILES] = OrderedDict()
    app[ERRANDS] = Errands()
    app.cleanup_ctx.append(_background)
    transactions = "/v3/pay/partner/transactions"
    ecommerce = "/v3/ecommerce"
    app.add_routes(
        [
            web.get("/", page.index),
            web.get("/healthz", page.healthz),
            web.get("/sns/jscode2session", login.jscode2session),
            web.post("/cgi-bin/stable_token", messages.stable_token),
            web.post("/cgi-bin/message/subscribe/send", messages.send_message),
            web.post("/wxa/msg_sec_check", content.check_text),
            web.post("/wxa/media_check_async", content.check_image),
            web.post(f"{transactions}/jsapi", trades.prepay),
            web.get(f"{transactions}/out-trade-no/{{out_trade_no}}", trades.query_by_out_trade_no),
            web.get(f"{transactions}/id/{{transaction_id}}", trades.query_by_id),
            web.post(f"{transactions}/out-trade-no/{{out_trade_no}}/close", trades.close),
            web.post(media.UPLOAD, media.upload),
            web.post(f"{ecommerce}/applyments/", onboarding.apply),
            web.get(f"{ecommerce}/applyments/out-request-no/{{out_request_no}}", onboarding.query),
            web.post(f"{ecommerce}/refunds/apply", refunds.apply),
            web.get(f"{ecommerce}/refunds/out-refund-no/{{out_refund_no}}", refunds.query),
            web.post(f"{ecommerce}/profitsharing/receivers/add", sharing.add_receiver),
            web.post(f"{ecommerce}/profitsharing/orders", sharing.share),
            web.get(f"{ecommerce}/profitsharing/orders", sharing.query),
            web.get(f"{ecommerce}/profitsharing/orders/{{transaction_id}}/amounts", sharing.left),
            web.post(f"{ecommerce}/profitsharing/finish-order", sharing.finish),
            web.get("/v3/bill/tradebill", bills.trade_bill),
            web.get("/v3/bill/fundflowbill", bills.fund_bill),
            web.get(gate.BILL, bills.download),
            web.post("/sandbox/login-code", phone.make_login_code),
            web.get("/sandbox/prepay", phone.show_prepay),
            web.post("/sandbox/pay", phone.pay),
            web.post("/sandbox/notify", phone.notify),
            web.get("/sandbox/faults", phone.show_faults),
            web.put("/sandbox/faults", phone.plan_faults),
            web.get("/sandbox/rules", phone.show_rules),
            web.put("/sandbox/rules", phone.bend_rules),
            web.post("/sandbox/onboarding", onboarding.decide),
            web.post("/sandbox/thaw", sharing.thaw),
            web.post("/sandbox/platform-keys", phone.renew_key),
            web.get("/sandbox/balances", phone.show_balances),
            web.get("/sandbox/trades", phone.list_trades),
            web.get("/sandbox/messages", messages.list_messages),
            web.get("/sandbox/templates", messages.list_templates),
            web.get("/sandbox/subscriptions", messages.list_answers),
            web.post("/sandbox/subscriptions", messages.answer_asking),
        ]
    )
    return app


async def _background(app: web.Application) -> AsyncIterator[None]:
    """What was under way when the sandbox last stopped goes on: notifications, and refunds yet to
    settle.
    """
    notifier = Notifier(app[IDENTITY], app[STORE], app[FAULTS], app[ERRANDS], app[TIME_FACTOR])
    app[NOTIFIER] = notifier
    notifier.resume()
    for refund in app[STORE].refunds_under_way():
        app[ERRANDS].run(refunds.settle(app, refund))
    for share in app[STORE].shares_under_way():
        app[ERRANDS].run(sharing.settle(app, share))
    yield
    await app[ERRANDS].close()
    await notifier.close()
    app[STORE].close()
