"""What one is told: the inbox."""

from __future__ import annotations

from api.routing import Routes, route
from market.notices import actions, views

ROUTES: Routes = (
    route("GET", "/v1/notices", views.inbox),
    route("POST", "/v1/notices/read", actions.mark_read),
)
