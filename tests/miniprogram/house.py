"""What a test in node is told of a running product, and how it may kill, stop and start its parts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from devkit.child import ChildError
from devkit.client.person import APPLICATION
from devkit.stack import Stack


@contextmanager
def house_of(stack: Stack) -> Iterator[dict[str, Any]]:
    """Addresses; at `control` POST /kill/hub-1, /stop/hub-1 and /start/hub-1 do just that."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(stack))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield {
            "api": stack.api_url,
            "hubs": stack.hub_urls,
            "sandbox": stack.sandbox_url,
            "control": f"http://127.0.0.1:{server.server_port}",
            "application": APPLICATION,
        }
    finally:
        server.shutdown()
        server.server_close()


def _handler(stack: Stack) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            _, act, name = self.path.split("/")
            process = stack[name]
            try:
                {"kill": process.kill, "stop": process.stop, "start": process.start}[act]()
                status, body = 200, b"done"
            except (ChildError, OSError) as error:
                status, body = 500, str(error).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
