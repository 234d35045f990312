"""What is learnt, for operators: counts, and what experiments have shown."""

from __future__ import annotations

from api.routing import Routes, route
from market.insights import views

ROUTES: Routes = (
    route("GET", "/v1/insights/facts-per-hour", views.facts_per_hour),
    route("GET", "/v1/experiments/{experiment_id}/results", views.results),
)
