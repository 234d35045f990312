"""What is offered: publishing, browsing, searching."""

from __future__ import annotations

from api.routing import Routes, route
from market.listings import actions, views

ROUTES: Routes = (
    route("GET", "/v1/listings", views.search),
    route("POST", "/v1/listings", actions.publish, status=201),
    route("GET", "/v1/listings/categories", views.categories),
    route("GET", "/v1/listings/mine", views.mine),
    route("GET", "/v1/listings/{listing_id}", views.get),
    route("PATCH", "/v1/listings/{listing_id}", actions.edit),
    route("POST", "/v1/listings/{listing_id}/pause", actions.pause),
    route("POST", "/v1/listings/{listing_id}/resume", actions.resume),
    route("POST", "/v1/listings/{listing_id}/close", actions.close),
)
