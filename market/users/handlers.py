"""Facts of other wings that matter to users: none so far."""

from __future__ import annotations

from infra.handlers import Handler
from market.users.wing import Users

HANDLERS: dict[str, Handler[Users]] = {}
