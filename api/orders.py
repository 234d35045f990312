"""What is agreed: holds, orders, calendars."""

from __future__ import annotations

from api.routing import Routes, route
from market.orders import actions, views

ROUTES: Routes = (
    route("POST", "/v1/listings/{listing_id}/hold", actions.hold),
    route("POST", "/v1/listings/{listing_id}/hold/release", actions.release_hold),
    route("GET", "/v1/listings/{listing_id}/calendar", views.calendar),
    route("GET", "/v1/listings/{listing_id}/free", views.free),
    route("GET", "/v1/listings/{listing_id}/quote", views.quote),
    route("POST", "/v1/orders", actions.create, status=201),
    route("GET", "/v1/orders", views.mine),
    route("GET", "/v1/orders/{order_id}", views.get),
    route("POST", "/v1/orders/{order_id}/approve", actions.approve),
    route("POST", "/v1/orders/{order_id}/decline", actions.decline),
    route("POST", "/v1/orders/{order_id}/cancel", actions.cancel),
    route("POST", "/v1/orders/{order_id}/start", actions.start),
    route("POST", "/v1/orders/{order_id}/return", actions.give_back),
    route("POST", "/v1/orders/{order_id}/accept", actions.accept),
    route("POST", "/v1/orders/{order_id}/claim", actions.claim),
    route("POST", "/v1/orders/{order_id}/concede", actions.concede),
    route("POST", "/v1/orders/{order_id}/contest", actions.contest),
    route("POST", "/v1/orders/{order_id}/dispute", actions.dispute),
    route("GET", "/v1/orders/{order_id}/extension", views.quote_extension),
    route("POST", "/v1/orders/{order_id}/extend", actions.extend),
    route("POST", "/v1/orders/{order_id}/forgo", actions.forgo),
    route("POST", "/v1/orders/{order_id}/evidence", actions.show),
    route("GET", "/v1/orders/{order_id}/evidence", views.evidence_of),
    route("POST", "/v1/orders/{order_id}/decide", actions.decide),
)
