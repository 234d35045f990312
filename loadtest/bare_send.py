"""What the kernel alone takes for one small send to one of many TCP sockets on this machine.

The floor under every figure of a frame out: no server that writes to its sockets one by one can be cheaper here. `dense`: to all
sockets in a row, as a wide topic does. `sparse`: to a few, then a rest, as many narrow topics do; caches are cold and processors asleep.
"""

from __future__ import annotations

import multiprocessing
import random
import select
import socket
import time

SOCKETS = 5000
PAYLOAD = b"x" * 620
ROUNDS = 4
SPARSE_SENDS, BATCH, REST_S = 1800, 6, 0.01


def measure() -> dict[str, float]:
    """Microseconds of CPU for one send: dense and sparse, the latter net of what resting alone takes."""
    with socket.create_server(("127.0.0.1", 0), backlog=SOCKETS) as server:
        reader = multiprocessing.get_context("spawn").Process(
            target=_read, args=(server.getsockname(),), daemon=True
        )
        reader.start()
        ends = [server.accept()[0] for _ in range(SOCKETS)]
        try:
            for end in ends:
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return {"dense": _dense(ends), "sparse": _sparse(ends)}
        finally:
            for end in ends:
                end.close()
            reader.join(10)
            reader.kill()


def _dense(ends: list[socket.socket]) -> float:
    took = []
    for _ in range(ROUNDS):
        time.sleep(0.5)
        began = time.process_time()
        for end in ends:
            end.send(PAYLOAD)
        took.append(time.process_time() - began)
    return round(min(took) / len(ends) * 1e6, 1)


def _sparse(ends: list[socket.socket]) -> float:
    order = random.sample(ends, SPARSE_SENDS)
    began = time.process_time()
    for start in range(0, SPARSE_SENDS, BATCH):
        for end in order[start : start + BATCH]:
            end.send(PAYLOAD)
        time.sleep(REST_S)
    worked = time.process_time() - began
    began = time.process_time()
    for _ in range(0, SPARSE_SENDS, BATCH):
        time.sleep(REST_S)
    rested = time.process_time() - began
    return round((worked - rested) / SPARSE_SENDS * 1e6, 1)


def _read(address: tuple[str, int]) -> None:
    poll, ends = select.epoll(), {}
    for _ in range(SOCKETS):
        end = socket.create_connection(address)
        ends[end.fileno()] = end
        poll.register(end, select.EPOLLIN)
    while True:
        for fd, _ in poll.poll():
            if not ends[fd].recv(65536):
                return
