"""What is learnt: counts for operators."""

from __future__ import annotations

from api.routing import Routes, route
from market.insights import views

ROUTES: Routes = (route("GET", "/v1/insights/facts-per-hour", views.facts_per_hour),)
