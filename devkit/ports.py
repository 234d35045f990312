"""TCP ports on 127.0.0.1."""

from __future__ import annotations

import random
import socket

# Below the range that the kernel gives to outgoing connections: a server that is killed and started again must find
# its port free.
_FIRST, _LAST = 12_000, 31_999
_given: set[int] = set()


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port(preferred: int | None = None) -> int:
    """`preferred` if nobody listens there, else any that is free. Never the same port twice in one process."""
    if preferred is not None and preferred not in _given and is_free(preferred):
        _given.add(preferred)
        return preferred
    for _ in range(2_000):
        port = random.randint(_FIRST, _LAST)
        if port not in _given and is_free(port):
            _given.add(port)
            return port
    raise OSError("found no free port on 127.0.0.1")
