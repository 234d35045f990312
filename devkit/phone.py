"""The phones: sandbox/phone serves the mini-program in a browser, against a running stack."""

from __future__ import annotations

import http.client
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from devkit import ROOT
from devkit.child import Child
from devkit.node import NodeError, find_node
from devkit.ports import free_port
from devkit.settings import base_environment
from devkit.stack import Stack

MINIPROGRAM = ROOT / "miniprogram"
PHONE = ROOT / "sandbox" / "phone"


class Phones(Child):
    """`directory` gets the built mini-program, the configuration and the log. `src`: the mini-program."""

    def __init__(
        self,
        directory: Path,
        *,
        config: dict[str, Any],
        port: int | None = None,
        src: Path = MINIPROGRAM,
        options: Sequence[str] = (),
    ) -> None:
        node = find_node()
        if node is None:
            raise NodeError("there is no node 20.10 or newer with npm")
        self._node = node
        self._config = config
        self._config_file = directory / "phone.json"
        self.port = free_port(port)
        self.url = f"http://127.0.0.1:{self.port}"
        super().__init__(
            "phone",
            [
                node.program, PHONE / "server.mjs", "--src", src, "--out", directory / "phone", "--port", str(self.port),
                "--config", self._config_file, *options,
            ],
            log_file=directory / "logs" / "phone.log",
            env=base_environment(),
            cwd=ROOT,
            ready=self._says_ready,
            ready_timeout_s=90,
        )  # fmt: skip

    def start(self, *, wait: bool = True) -> None:
        for package in (PHONE, MINIPROGRAM):
            self._node.install(package)
        self._config_file.parent.mkdir(parents=True, exist_ok=True)
        self._config_file.write_text(json.dumps(self._config, ensure_ascii=False))
        super().start(wait=wait)

    def _says_ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def config_of(stack: Stack, people: Sequence[dict[str, str]] = ()) -> dict[str, Any]:
    """What the phones are told of a running stack."""
    return {
        "ext": {"sharehub": {"api": stack.api_url, "hubs": stack.hub_urls}},
        "allow": [process.url for process in stack.product],
        "wechat": stack.sandbox_url,
        **({"people": list(people)} if people else {}),
    }
