"""What is owed: paying, WeChat's notifications, statements."""

from __future__ import annotations

from aiohttp import web

from api.routing import Routes, raw, route
from infra.process import now_ms
from market.kernel.errors import BadSignature, MarketError, NotFound
from market.payments import actions, onboarding, reconciliation, views
from market.payments.wing import Payments


async def notify(payments: Payments, request: web.Request) -> web.Response:
    """Answers 200 once the notification is durable; anything else makes WeChat tell it again, for a day."""
    try:
        await actions.notified(payments, request.headers, await request.read(), now_ms())
    except MarketError as refusal:
        return web.json_response(
            {"code": "FAIL", "message": refusal.message}, status=_status(refusal)
        )
    return web.json_response({"code": "SUCCESS"})


def _status(refusal: MarketError) -> int:
    if refusal.retryable:
        return 503
    if isinstance(refusal, BadSignature):
        return 401
    return 404 if isinstance(refusal, NotFound) else 409


ROUTES: Routes = (
    route("POST", "/v1/payments/prepay", actions.prepay),
    route("POST", "/v1/payments/onboard", onboarding.onboard),
    route("GET", "/v1/payments/onboarding", views.onboarding),
    route("GET", "/v1/payments/orders/{order_id}", views.of_order),
    route("GET", "/v1/payments/orders/{order_id}/statement", views.statement),
    route("GET", "/v1/payments/balance", views.balance),
    route("GET", "/v1/payments/ledger", views.ledger_check),
    route("GET", "/v1/payments/differences", views.differences),
    route("POST", "/v1/payments/differences/{difference_id}/resolve", reconciliation.resolve),
    raw(
        "POST",
        "/v1/payments/notify",
        "payments",
        notify,
        "WeChat Pay tells of payments and refunds",
    ),
)
