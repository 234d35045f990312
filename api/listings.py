"""What is offered: publishing, browsing, searching."""

from __future__ import annotations

from api.routing import Routes, route
from market.listings import actions, experiments, flags, views

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
    route("GET", "/v1/experiments", experiments.listed),
    route("POST", "/v1/experiments", experiments.create, status=201),
    route("POST", "/v1/experiments/{experiment_id}/start", experiments.start),
    route("POST", "/v1/experiments/{experiment_id}/stop", experiments.stop),
    route("POST", "/v1/settings/weights", experiments.set_weights),
    route("GET", "/v1/settings/changes", experiments.changes),
    route("GET", "/v1/flags", flags.listed),
    route("POST", "/v1/flags", flags.set_flag),
    route("GET", "/v1/flags/mine", flags.mine),
)
