"""Virtual users that speak the real protocol. They run in locust's own processes (gevent), never beside asyncio."""
