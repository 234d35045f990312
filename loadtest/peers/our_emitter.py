"""Emits as the product does after a commit: through its publish script, one push a round trip."""

from __future__ import annotations

from typing import Any

import uvloop

from infra.mysql.outbox import Published
from infra.redis.client import connect
from infra.redis.publish import PushScript
from loadtest.peers.pace import Plan, plan_from_arguments, run
from market.kernel.ids import Id
from market.kernel.topics import Push


async def main(plan: Plan) -> None:
    redis = connect(plan["redis"])
    script = PushScript(redis)

    async def emit(push: dict[str, Any]) -> None:
        fact = Id(push["version"])
        committed_us = push.pop("committed_us")
        change = Push(**push)
        await script.send(
            [Published(fact, "", fact, change.version, committed_us, b"", (change,), b"")]
        )

    await run(plan, emit)
    await redis.aclose()


uvloop.run(main(plan_from_arguments()))
