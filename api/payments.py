"""What is owed: paying, WeChat's notifications, statements."""

from __future__ import annotations

import asyncio

from aiohttp import ClientPayloadError, web

from api.middleware import actor_of
from api.routing import Routes, raw, route
from infra.process import now_ms
from infra.wechat.ecommerce import LARGEST_PICTURE_BYTES
from market.kernel.actor import require_user
from market.kernel.errors import BadInput, BadSignature, MarketError, NotFound, TooLarge
from market.payments import actions, by_hand, onboarding, reconciliation, views
from market.payments.wing import Payments

PICTURE_S = 60
"""2 MB within it is 280 kbit/s."""


async def notify(payments: Payments, request: web.Request) -> web.Response:
    """Answers 200 once the notification is durable; anything else makes WeChat tell it again, for a day."""
    try:
        await actions.notified(payments, request.headers, await request.read(), now_ms())
    except MarketError as refusal:
        return web.json_response(
            {"code": "FAIL", "message": refusal.message}, status=_status(refusal)
        )
    return web.json_response({"code": "SUCCESS"})


async def picture(payments: Payments, request: web.Request) -> web.Response:
    """201 and {"media_id"}: a picture of the caller's for payments.onboard, which went on to WeChat and stayed nowhere.

    Raise Unauthenticated (401), TooLarge (413), BadInput (400) when it is no JPEG or PNG, or breaks off.
    """
    require_user(actor_of(request))
    content = bytearray()
    try:
        async with asyncio.timeout(PICTURE_S):
            async for chunk in request.content.iter_any():
                content += chunk
                if len(content) > LARGEST_PICTURE_BYTES:
                    raise TooLarge(limit_bytes=LARGEST_PICTURE_BYTES)
    except (ConnectionError, ClientPayloadError, web.RequestPayloadError, TimeoutError):
        raise BadInput("the upload broke off") from None
    return web.json_response(
        {"media_id": await onboarding.send_picture(payments, bytes(content))}, status=201
    )


def _status(refusal: MarketError) -> int:
    if refusal.retryable:
        return 503
    if isinstance(refusal, BadSignature):
        return 401
    return 404 if isinstance(refusal, NotFound) else 409


ROUTES: Routes = (
    route("POST", "/v1/payments/prepay", actions.prepay),
    route("POST", "/v1/payments/onboard", onboarding.onboard),
    raw(
        "POST",
        "/v1/payments/pictures",
        "payments",
        picture,
        "A picture for an application, passed on to WeChat",
        LARGEST_PICTURE_BYTES,
    ),
    route("GET", "/v1/payments/onboarding", views.onboarding),
    route("GET", "/v1/payments/orders/{order_id}", views.of_order),
    route("GET", "/v1/payments/orders/{order_id}/statement", views.statement),
    route("GET", "/v1/payments/balance", views.balance),
    route("GET", "/v1/payments/ledger", views.ledger_check),
    route("GET", "/v1/payments/differences", views.differences),
    route("POST", "/v1/payments/differences/{difference_id}/resolve", reconciliation.resolve),
    route("GET", "/v1/payments/refunds", by_hand.stuck_refunds),
    route("POST", "/v1/payments/refunds/{refund_id}/settle", by_hand.settle_refund),
    raw(
        "POST",
        "/v1/payments/notify",
        "payments",
        notify,
        "WeChat Pay tells of payments and refunds",
    ),
)
