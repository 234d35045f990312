"""Which processes there are, and that each can be started, asked, killed and read alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from devkit.child import ChildError
from devkit.ports import free_port, is_free
from devkit.settings import base_environment
from devkit.stack import Layout, ServingProcess, plan

# As a room of the product serves: it becomes ready a little after it listens.
ROOM = """
import argparse, http.server, os, time
parser = argparse.ArgumentParser()
parser.add_argument("names", nargs="*")
parser.add_argument("--port", type=int)
options = parser.parse_args()
born = time.monotonic()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        ready = self.path != "/readyz" or time.monotonic() - born > 0.2
        self.send_response(200 if ready else 503)
        self.end_headers()
        self.wfile.write(f"{os.environ['SHAREHUB_NODE']} {options.names}".encode())
print("room opens", flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", options.port), Handler).serve_forever()
"""


def test_the_usual_plan_is_one_api_two_hubs_one_workers() -> None:
    places = plan(Layout(), {})
    assert list(places) == ["sandbox", "api", "hub-1", "hub-2", "workers"]
    assert len({place.port for place in places.values()}) == 5


def test_every_service_may_be_a_process_of_its_own() -> None:
    layout = Layout(
        hubs=1, api=(("users", "orders"), ("payments",), ()), workers=(("relay",), ("relay",))
    )
    places = plan(layout, {})
    assert list(places) == [
        "sandbox",
        "api-users+orders",
        "api-payments",
        "api",
        "hub-1",
        "workers-relay",
        "workers-relay-2",
    ]
    assert places["api-users+orders"].names == ("users", "orders")


def test_a_preferred_port_is_taken_if_it_is_free() -> None:
    port = free_port()
    while not is_free(port + 1):
        port = free_port()
    assert plan(Layout(), {"api": port + 1})["api"].port == port + 1
    assert plan(Layout(), {"api": port + 1})["api"].port != port + 1  # given out already


@pytest.fixture
def room(tmp_path: Path) -> ServingProcess:
    (tmp_path / "room.py").write_text(ROOM)
    return ServingProcess(
        "room-1",
        "room",
        free_port(),
        names=("a", "b"),
        log_file=tmp_path / "logs" / "room-1.log",
        env={**base_environment(), "PYTHONPATH": str(tmp_path)},
    )


def test_a_process_is_ready_when_it_says_so(room: ServingProcess) -> None:
    with room:
        assert room.get("/readyz") == (200, b"room-1 ['a', 'b']")
        assert "room opens" in room.log_tail()
        first = room.pid
        room.kill()
        with pytest.raises(OSError, match="refused"):
            room.get("/healthz")
        room.start()
        assert room.pid != first
        assert room.get("/healthz")[0] == 200
    assert not room.alive


def test_a_port_that_is_taken_is_reported(room: ServingProcess, tmp_path: Path) -> None:
    with room:
        rival = ServingProcess(
            "room-2", "room", room.port, log_file=tmp_path / "rival.log", env=room.env or {}
        )
        with pytest.raises(ChildError, match="room-2 cannot start: port"):
            rival.start()
