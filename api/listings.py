"""What is offered: publishing, browsing, searching."""

from __future__ import annotations

from aiohttp import web

from api.routing import Routes, raw, route
from infra.process import now_ms
from infra.wechat import events
from market.kernel.errors import BadInput
from market.listings import actions, experiments, flags, pricing, reviewing, views
from market.listings.wing import Listings


async def hear_event(wing: Listings, request: web.Request) -> web.Response:
    """What WeChat found in an image: "success" when it has been recorded, else it is told again."""
    event = events.open_event(wing.push, _query(request), await request.read(), now_ms() / 1000)
    await reviewing.hear(wing, event, now_ms())
    return web.Response(text="success")


async def confirm_address(wing: Listings, request: web.Request) -> web.Response:
    """Asked once by WeChat's console."""
    return web.Response(text=events.echo(wing.push, _query(request), now_ms() / 1000))


def _query(request: web.Request) -> dict[str, str]:
    query = dict(request.query)
    if len(query) != len(request.query):
        raise BadInput("a parameter is given twice")
    return query


ROUTES: Routes = (
    route("GET", "/v1/listings", views.search),
    route("POST", "/v1/listings", actions.publish, status=201),
    route("POST", "/v1/listings/drafts", actions.draft, status=201),
    route("GET", "/v1/listings/categories", views.categories),
    route("GET", "/v1/listings/mine", views.mine),
    route("GET", "/v1/listings/prices", pricing.suggest),
    route("GET", "/v1/listings/reviews", reviewing.queue),
    route("GET", "/v1/listings/{listing_id}", views.get),
    route("PATCH", "/v1/listings/{listing_id}", actions.edit),
    route("POST", "/v1/listings/{listing_id}/submit", actions.submit),
    route("POST", "/v1/listings/{listing_id}/withdraw", actions.withdraw),
    route("POST", "/v1/listings/{listing_id}/review", reviewing.decide),
    route("POST", "/v1/listings/{listing_id}/pause", actions.pause),
    route("POST", "/v1/listings/{listing_id}/resume", actions.resume),
    route("POST", "/v1/listings/{listing_id}/close", actions.close),
    route("POST", "/v1/listings/{listing_id}/open", actions.open_),
    route("GET", "/v1/experiments", experiments.listed),
    route("POST", "/v1/experiments", experiments.create, status=201),
    route("POST", "/v1/experiments/{experiment_id}/start", experiments.start),
    route("POST", "/v1/experiments/{experiment_id}/stop", experiments.stop),
    route("POST", "/v1/settings/weights", experiments.set_weights),
    route("GET", "/v1/settings/changes", experiments.changes),
    route("GET", "/v1/flags", flags.listed),
    route("POST", "/v1/flags", flags.set_flag),
    route("GET", "/v1/flags/mine", flags.mine),
    raw("POST", "/v1/wechat/events", "listings", hear_event, "What WeChat found in an image"),
    raw("GET", "/v1/wechat/events", "listings", confirm_address, "The address is ours"),
)
