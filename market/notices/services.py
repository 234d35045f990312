"""Other systems that may publish notices: which key is whose. Only digests of keys are configured, so that no secret is."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass

from infra.config import ConfigError
from market.kernel.actor import Actor
from market.kernel.ids import Id

_PAIR = re.compile(r"([a-z0-9-]{1,32}):([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Services:
    """(name, SHA-256 of a key of 32 random bytes or more) pairs. Two keys may have one name, so that keys can rotate."""

    keys: tuple[tuple[str, bytes], ...] = ()

    @classmethod
    def parse(cls, text: str) -> Services:
        """`name:sha256,name:sha256` in hexadecimal. Raise ConfigError."""
        pairs = [_PAIR.fullmatch(part.strip()) for part in text.split(",") if part.strip()]
        if None in pairs:
            raise ConfigError("SHAREHUB_SERVICES must be name:sha256,... in small letters")
        return cls(tuple((pair[1], bytes.fromhex(pair[2])) for pair in pairs if pair))

    def find(self, key: str) -> Actor | None:
        """Whose key it is. Takes as long for a wrong one as for a right one."""
        given = hashlib.sha256(key.encode(errors="surrogateescape")).digest()
        names = [name for name, known in self.keys if hmac.compare_digest(given, known)]
        return Actor(user_id=_id_of(names[0]), role="service") if names else None


def _id_of(name: str) -> Id:
    """Under which a service's idempotency keys are kept: below zero, where no user is, and the same for all its keys."""
    return Id(~(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) >> 1))
