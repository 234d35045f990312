"""python -m hub --port N"""

from __future__ import annotations

from hub.app import make_app
from infra.config import Config
from infra.process import arguments, serve


def main() -> None:
    args = arguments("hub", "The WebSocket hub.")
    serve("hub", make_app(Config.from_environment()), args.host, args.port)


main()
