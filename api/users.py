"""Who: login, tokens, profiles."""

from __future__ import annotations

from api.routing import Routes, route
from market.users import actions, views

ROUTES: Routes = (
    route("POST", "/v1/login", actions.login),
    route("POST", "/v1/token/refresh", actions.refresh),
    route("POST", "/v1/logout", actions.logout),
    route("GET", "/v1/me", views.me),
    route("PATCH", "/v1/me", actions.edit_profile),
    route("POST", "/v1/me/forget", actions.forget),
    route("GET", "/v1/users/{user_id}", views.profile),
    route("POST", "/v1/users/{user_id}/ban", actions.ban),
)
