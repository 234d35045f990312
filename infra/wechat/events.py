"""Events that WeChat pushes to us, in its "security mode" with JSON.

    POST ?timestamp=&nonce=&msg_signature=...   {"ToUserName": "gh_...", "Encrypt": "base64"}
    GET  ?timestamp=&nonce=&signature=...&echostr=...       once, when the address is entered in the console

`msg_signature` is SHA-1 in hexadecimal over the sorted token, timestamp, nonce and ciphertext; the ciphertext is AES-256-CBC of
16 random bytes, the message's length in 4 bytes (network order), the message and our app id, padded to 32 bytes (PKCS#7). The
plain mode signs no body, so that whoever saw one event could say anything: we do not take it.
Source: developers.weixin.qq.com, 消息推送 and 消息加解密说明.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from infra.config import Config, ConfigError
from market.kernel.errors import BadInput, BadSignature

BLOCK = 32
HEAD = 20
TOLERANCE_S = 300
"""How far an event's time may be from ours: an older one is somebody's copy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushKey:
    """What was entered in the console: a token, and an EncodingAESKey of 43 characters. Without a token nothing is believed."""

    appid: str
    token: str = field(repr=False)
    key: bytes = field(repr=False)

    @classmethod
    def of(cls, config: Config) -> PushKey:
        """Raise ConfigError."""
        token, text = config.text("WECHAT_PUSH_TOKEN", ""), config.text("WECHAT_PUSH_KEY", "")
        try:
            key = base64.b64decode(f"{text}=", validate=True) if text else b""
        except ValueError:
            key = b"?"
        if len(key) != (32 if token else 0):
            raise ConfigError("SHAREHUB_WECHAT_PUSH_KEY has 43 characters, and goes with a token")
        return cls(appid=config.wechat.appid, token=token, key=key)

    def signature(self, *parts: str) -> str:
        text = "".join(sorted((self.token, *parts)))
        return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def open_event(
    push: PushKey, query: Mapping[str, str], body: bytes, now_s: float
) -> dict[str, Any]:
    """The event in a push. Raise BadSignature when it is not WeChat's, or not for us, or old; BadInput when it is no event."""
    try:
        sealed = json.loads(body)["Encrypt"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise BadInput("not an encrypted event") from None
    if not isinstance(sealed, str):
        raise BadInput("not an encrypted event")
    _check(push, query, query.get("msg_signature", ""), sealed, now_s)
    try:
        message, appid = _opened(push.key, base64.b64decode(sealed, validate=True))
        event = json.loads(message)
    except (ValueError, struct.error, RecursionError):
        raise BadSignature("the event cannot be opened") from None
    if appid != push.appid.encode() or not isinstance(event, dict):
        raise BadSignature("the event is not for us")
    return event


def echo(push: PushKey, query: Mapping[str, str], now_s: float) -> str:
    """What the console wants to hear when the address is entered. Raise BadSignature."""
    _check(push, query, query.get("signature", ""), None, now_s)
    return query.get("echostr", "")


def _check(
    push: PushKey, query: Mapping[str, str], given: str, sealed: str | None, now_s: float
) -> None:
    timestamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
    parts = (timestamp, nonce) if sealed is None else (timestamp, nonce, sealed)
    if not push.token or not hmac.compare_digest(
        push.signature(*parts).encode(), given.encode(errors="replace")
    ):
        raise BadSignature("the signature does not match")
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        raise BadSignature("the event has no time")
    if abs(now_s - int(timestamp)) > TOLERANCE_S:
        raise BadSignature("the event is too old")


def _opened(key: bytes, sealed: bytes) -> tuple[bytes, bytes]:
    """(message, app id). Raise ValueError, struct.error."""
    decryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
    padded = decryptor.update(sealed) + decryptor.finalize()
    pad = padded[-1]
    if not 1 <= pad <= BLOCK:
        raise ValueError("badly padded")
    plain = padded[:-pad]
    (length,) = struct.unpack(">I", plain[HEAD - 4 : HEAD])
    if HEAD + length > len(plain):
        raise ValueError("cut short")
    return plain[HEAD : HEAD + length], plain[HEAD + length :]
