"""Sealed bytes: AES-256-GCM under keys that are themselves stored wrapped by a master key.

A sealed value is `nonce (12 bytes) || ciphertext || tag (16 bytes)` (NIST SP 800-38D, random nonces: good for 2^32 values per
key). It opens only together with the bytes it was bound to, so that it cannot be moved to another place. Whoever erases a
wrapped key has erased all that it sealed.
"""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12
KEY_BYTES = 32


class Unsealable(Exception):
    """The value was not sealed by this key, or not in this place, or was changed since."""


class Key:
    """Seals and opens. `bound` is authenticated and not stored: give the same bytes to open."""

    def __init__(self, secret: bytes) -> None:
        self._gcm = AESGCM(secret)

    def seal(self, plain: bytes, bound: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._gcm.encrypt(nonce, plain, bound)

    def open(self, sealed: bytes, bound: bytes) -> bytes:
        """Raise Unsealable."""
        try:
            return self._gcm.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound)
        except (InvalidTag, ValueError):
            raise Unsealable("the value does not open") from None


class Vault:
    """Makes and unwraps keys under a master key of 32 bytes."""

    def __init__(self, master: bytes) -> None:
        self._master = Key(master)

    def new_wrapped_key(self, bound: bytes) -> bytes:
        """A fresh random key, wrapped: 60 bytes to store."""
        return self._master.seal(AESGCM.generate_key(KEY_BYTES * 8), bound)

    def unwrap(self, wrapped: bytes, bound: bytes) -> Key:
        """Raise Unsealable."""
        return Key(self._master.open(wrapped, bound))
