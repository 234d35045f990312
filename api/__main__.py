"""python -m api [service ...] --port N"""

from __future__ import annotations

import sys

from api.app import SERVICES, check_services, make_app
from api.errors import malformed
from infra.config import Config
from infra.process import arguments
from infra.serving import serve


def main() -> None:
    args = arguments(
        "api", "REST services.", f"services to serve (default all): {', '.join(SERVICES)}"
    )
    try:
        services = check_services(args.names)
    except ValueError as error:
        sys.exit(str(error))
    serve("api", make_app(services, Config.from_environment()), args.host, args.port, malformed)


main()
