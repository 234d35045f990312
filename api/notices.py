"""What one is told: the inbox, and who may put something into another's."""

from __future__ import annotations

from aiohttp import web

from api.middleware import actor_of
from api.routing import Routes, route
from market.kernel.actor import Actor
from market.notices import actions, views
from market.notices.wing import Notices


def publisher(notices: Notices, request: web.Request) -> Actor:
    """A service by its key, which is good here and nowhere else; or the bearer of an access token."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    service = notices.services.find(key.strip()) if scheme.lower() == "bearer" else None
    return service or actor_of(request)


ROUTES: Routes = (
    route("GET", "/v1/notices", views.inbox),
    route("POST", "/v1/notices", actions.publish, status=201, caller=publisher),
    route("POST", "/v1/notices/read", actions.mark_read),
    route("GET", "/v1/notices/subscriptions", views.subscriptions),
    route("POST", "/v1/notices/subscriptions", actions.allow),
    route("POST", "/v1/notices/subscriptions/{kind}", actions.switch),
)
