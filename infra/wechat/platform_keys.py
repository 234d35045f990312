"""WeChat's keys, several at once, by the serial that its answers and notifications name.

One is named by the configuration; sensitive fields are sealed to it. The others lie in a directory,
each in a file named after its id: PUB_KEY_ID_....pem (a public key) or SERIAL.pem (a certificate).
The directory is read again within a second of changing, so that a key which WeChat moves to is laid
there beforehand, an old one is taken away after, and nobody restarts.

Source: pay.weixin.qq.com, 平台证书切换微信支付公钥: during a change both kinds of callbacks come.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from infra.config import ConfigError
from infra.wechat.signing import load_platform_key

log = structlog.get_logger()

FOLLOW_S = 1.0

Stamp = tuple[int, int]


class PlatformKeys(Mapping[str, RSAPublicKey]):
    """The named keys, and those that `refresh` last found in the directory."""

    def __init__(self, named: Mapping[str, RSAPublicKey], directory: Path | None) -> None:
        self._named = dict(named)
        self._directory = directory
        self._seen: Mapping[Path, Stamp] = {}
        self._all: Mapping[str, RSAPublicKey] = self._named
        self.refresh()

    def __getitem__(self, serial: str) -> RSAPublicKey:
        return self._all[serial]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def refresh(self) -> None:
        """Reads the files if one has come, changed or gone (blocking). One that cannot be read is
        logged and left out; a directory that is not there is empty.
        """
        if self._directory is None:
            return
        # Taken before the reading: a file that is still being written is read again the next time.
        seen = _stamps(self._directory)
        if seen != self._seen:
            self._all = _read(seen) | self._named
            self._seen = seen

    async def follow(self) -> None:
        """Refreshes for ever, without holding the loop up."""
        while self._directory is not None:
            await asyncio.sleep(FOLLOW_S)
            await asyncio.to_thread(self.refresh)


def _stamps(directory: Path) -> dict[Path, Stamp]:
    """The files that are there, and what tells a change of each."""
    stamps = {}
    for file in sorted(directory.glob("*.pem")):
        with contextlib.suppress(OSError):  # gone since
            state = file.stat()
            stamps[file] = (state.st_mtime_ns, state.st_size)
    return stamps


def _read(files: Iterable[Path]) -> dict[str, RSAPublicKey]:
    keys = {}
    for file in files:
        try:
            keys[file.stem] = load_platform_key(file, file.stem)
        except ConfigError as problem:
            log.error("a platform key is left out", reason=str(problem))
    return keys
