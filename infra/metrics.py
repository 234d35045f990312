"""/healthz, /readyz and /metrics, the same on every process.

`/healthz`: the process's loop turns. `/readyz`: 503 with the reasons while it should not be given work.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from infra import wire

Check = Callable[[], Awaitable[str | None]]
"""None when all is well, else one short reason."""

CHECK_TIMEOUT_S = 2.0


def routes(checks: dict[str, Check]) -> list[web.RouteDef]:
    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_: web.Request) -> web.Response:
        answers = await asyncio.gather(*(_ask(check) for check in checks.values()))
        reasons = {name: reason for name, reason in zip(checks, answers, strict=True) if reason}
        body = {"status": "not ready" if reasons else "ready", "reasons": reasons}
        return web.Response(
            status=503 if reasons else 200, body=wire.json(body), content_type="application/json"
        )

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return [web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics)]


async def _ask(check: Check) -> str | None:
    try:
        return await asyncio.wait_for(check(), CHECK_TIMEOUT_S)
    except TimeoutError:
        return "no answer"
    except Exception as error:
        return str(error) or type(error).__name__
