"""REST, as little as a virtual user needs: one request, one fresh connection (each user makes a handful in its life)."""

from __future__ import annotations

import http.client
import json
import random
import secrets
import time
from typing import Any
from urllib.parse import urlsplit

import gevent

from loadtest.users.meter import Meter
from loadtest.users.trouble import Missing, Refused

PATIENCE_S = 20.0
TIMEOUT_S = 15.0


def post(
    meter: Meter, base: str, path: str, body: dict[str, Any],
    *, token: str | None = None, key: str | None = None, expected: tuple[str, ...] = (),
) -> Any:  # fmt: skip
    """The answer's JSON. Lost answers and retryable refusals are repeated under the same key. Raise Refused or Missing."""
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": key or secrets.token_hex(8),
    }
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    name, began, pause_s = f"rest:POST {path}", time.monotonic(), 0.1
    while True:
        trouble: Refused | Missing
        try:
            status, content = _request(base, path, json.dumps(body), headers)
            if status < 400:
                meter.ok(name, (time.monotonic() - began) * 1000)
                return content
            trouble = Refused(content.get("error") or content)
            if trouble.code in expected:
                meter.ok(f"{name} {trouble.code}", (time.monotonic() - began) * 1000)
                raise trouble
            again = trouble.retryable
        except (OSError, http.client.HTTPException, ValueError) as error:
            trouble, again = Missing(f"no answer: {error!r}"), True
        if not again or time.monotonic() - began > PATIENCE_S:
            meter.fail(name, trouble, (time.monotonic() - began) * 1000)
            raise trouble
        gevent.sleep(random.uniform(pause_s, 3 * pause_s))
        pause_s = min(2.0, pause_s * 2)


def _request(base: str, path: str, body: str, headers: dict[str, str]) -> tuple[int, Any]:
    url = urlsplit(base)
    make = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = make(url.hostname or "", url.port, timeout=TIMEOUT_S)
    try:
        connection.request("POST", url.path.rstrip("/") + path, body.encode(), headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read() or b"null")
    finally:
        connection.close()
