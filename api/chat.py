"""What is said: conversations of orders and enquiries."""

from __future__ import annotations

from api.routing import Routes, route
from market.chat import actions, views

ROUTES: Routes = (
    route("POST", "/v1/enquiries", actions.open_enquiry),
    route("GET", "/v1/chat/presets", views.presets),
    route("GET", "/v1/conversations", views.conversations),
    route("GET", "/v1/conversations/{conversation_id}/messages", views.messages),
    route("POST", "/v1/conversations/{conversation_id}/messages", actions.send),
    route("POST", "/v1/conversations/{conversation_id}/read", actions.mark_read),
    route("GET", "/v1/conversations/{conversation_id}/verify", views.verify),
    route("POST", "/v1/conversations/{conversation_id}/erase", actions.erase),
)
