"""The pages about the whole API, for a gateway in front of services that know only their own part of it.

python -m deploy.pages DIRECTORY
"""

from __future__ import annotations

import sys
from pathlib import Path

from api import openapi
from api.app import SERVICES, routes_of
from infra import wire


def write(directory: Path) -> None:
    """`openapi.json` of all services, and `index.html` to read it."""
    routes = [route for service in SERVICES for route in routes_of(service)]
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "openapi.json").write_bytes(wire.json(openapi.document(routes)))
    (directory / "index.html").write_bytes(openapi.PAGE.read_bytes())


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    write(Path(sys.argv[1]))
