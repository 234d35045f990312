"""What is thought: rating the other side, credit."""

from __future__ import annotations

from api.routing import Routes, route
from market.ratings import actions, views

ROUTES: Routes = (
    route("POST", "/v1/ratings/orders/{order_id}", actions.rate, status=201),
    route("GET", "/v1/ratings/orders/{order_id}", views.of_order),
    route("GET", "/v1/ratings/users/{user_id}", views.of_user),
    route("GET", "/v1/ratings/users/{user_id}/credit", views.credit),
)
