"""python -m workers [name ...] --port N"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator

from aiohttp import web

from infra import metrics
from infra.config import Config
from infra.process import arguments, open_process
from infra.serving import serve
from workers.jobs import choose, names, open_jobs, wake_channels
from workers.loop import forever
from workers.wakes import listen

NICENESS = 5
"""Where processors are shared, what happens unasked gives way to what somebody waits for."""


async def make_app(chosen: list[str], config: Config) -> web.Application:
    app = web.Application()

    async def lifetime(app: web.Application) -> AsyncIterator[None]:
        async with open_process(config, pool_size=4) as process, open_jobs(process, chosen) as jobs:
            channels = wake_channels(jobs)
            if channels:
                process.background(listen(config.redis_url, channels), "wakes")
            for job in jobs:
                process.background(forever(job), job.name)
            yield

    app.cleanup_ctx.append(lifetime)
    app.router.add_routes(metrics.routes({}))
    return app


def main() -> None:
    args = arguments(
        "workers", "Relay, inboxes, timers.", f"workers to run (default all): {', '.join(names())}"
    )
    os.nice(NICENESS)
    try:
        chosen = choose(args.names)
    except ValueError as error:
        sys.exit(str(error))
    serve("workers", make_app(chosen, Config.from_environment()), args.host, args.port)


main()
