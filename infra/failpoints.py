"""Named places where a crash is interesting. A process started with SHAREHUB_CRASH_AT=name dies there, as by kill -9.

The names: before_commit, after_commit (before anything is published), after_inbox_insert (before the outbox row goes),
after_letter (WeChat has taken it, and nobody has noted that).
`SHAREHUB_CRASH_AT=name:N` dies the Nth time the place is reached.
"""

from __future__ import annotations

import os
import signal

_name, _, _count = os.environ.get("SHAREHUB_CRASH_AT", "").partition(":")
_left = int(_count or 1)


def reach(name: str) -> None:
    global _left
    if name == _name:
        _left -= 1
        if _left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
