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

OLDER = (
    "UPDATE orders.orders SET created_ms = created_ms - %(ms)s, entered_ms = entered_ms - %(ms)s, start_ms = start_ms - %(ms)s, "
    "end_ms = end_ms - %(ms)s, until_ms = until_ms - %(ms)s, due_ms = due_ms - %(ms)s, "
    "pay_by_ms = IF(pay_by_ms = 0, 0, pay_by_ms - %(ms)s) WHERE id = %(order)s",
    "UPDATE ratings.windows SET closes_ms = closes_ms - %(ms)s, due_ms = due_ms - %(ms)s WHERE order_id = %(order)s",
)


def let_pass(stack: Stack, order_id: int, ms: int) -> None:
    """All that is written of an order's times lies so much further back, as if one had waited."""
    with stack.servers.mariadb.connect() as connection, connection.cursor() as cursor:
        for statement in OLDER:
            cursor.execute(statement, {"ms": ms, "order": order_id})


@contextmanager
def house_of(stack: Stack) -> Iterator[dict[str, Any]]:
    """Addresses; at `control` POST /kill/hub-1, /stop/hub-1 and /start/hub-1 do just that, and /pass/MINUTES/ORDER lets an order
    be so much older."""
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
            _, act, *names = self.path.split("/")
            try:
                if act == "pass":
                    let_pass(stack, int(names[1]), int(names[0]) * 60_000)
                else:
                    process = stack[names[0]]
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
