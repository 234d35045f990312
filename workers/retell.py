"""python -m workers.retell: tell of orders once more, after a release in which a wing has learnt to listen to them. May be stopped,
and goes on where it was; may be run again. Needs the orders' database and Redis.
"""

from __future__ import annotations

import asyncio
import sys

from infra.config import Config, ConfigError
from infra.process import now_ms, open_process
from market.orders.retelling import retell


async def tell(config: Config) -> int:
    """How many orders were told of."""
    told = 0
    async with open_process(config, pool_size=1) as process:
        db = await process.database("orders")
        while (more := await retell(db, now_ms())) is not None:
            told += more
    return told


def main() -> int:
    try:
        told = asyncio.run(tell(Config.from_environment()))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{told} orders told of once more")
    return 0


if __name__ == "__main__":
    sys.exit(main())
