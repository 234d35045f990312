"""What a wing does with facts of other wings: one function per kind, run inside the consuming transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from infra.mysql.database import Tx
from market.kernel.facts import Heard

W = TypeVar("W")

Handler = Callable[[W, Tx, Heard], Awaitable[None]]
"""(wing, transaction, fact). Whatever it raises rolls the fact's effect back, to be tried again later."""
