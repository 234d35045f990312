"""Emits as python-socketio documents it for processes that are no server: a write-only AsyncRedisManager."""

from __future__ import annotations

from typing import Any

import socketio  # type: ignore[import-untyped]
import uvloop

from loadtest.peers.pace import Plan, plan_from_arguments, run


async def main(plan: Plan) -> None:
    manager = socketio.AsyncRedisManager(plan["redis"], write_only=True)

    async def emit(push: dict[str, Any]) -> None:
        await manager.emit("push", push, room=push["topic"])

    await run(plan, emit)


uvloop.run(main(plan_from_arguments()))
