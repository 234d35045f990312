"""The load generator: thousands of WebSocket clients per process, as cheap as they can be, driven from one asyncio program.

    async with Swarm(ShareHub, generators=2) as swarm:
        await swarm.dial(plans, per_s=500)
        await swarm.all_live(timeout_s=60)
        await swarm.begin()
        ...
        window = await swarm.end()

Which protocol the clients speak is a dialect (`dialect.py`): ShareHub's own is in `sharehub.py`.
"""

from loadtest.swarm.crowd import Plan, Status, Window
from loadtest.swarm.dialect import Dialect, Speaker
from loadtest.swarm.driver import Swarm
from loadtest.swarm.receipts import Receipts, percentile
from loadtest.swarm.requests import Answers, Requests, request
from loadtest.swarm.sharehub import ShareHub

__all__ = [
    "Answers", "Dialect", "Plan", "Receipts", "Requests", "ShareHub", "Speaker", "Status", "Swarm", "Window",
    "percentile", "request",
]  # fmt: skip
