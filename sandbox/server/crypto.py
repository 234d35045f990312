"""Signatures and seals as WeChat makes and checks them (RSA-2048 PKCS#1 v1.5 with SHA-256,
AES-256-GCM).
"""

from __future__ import annotations

import base64
import re
import secrets

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SCHEME = "WECHATPAY2-SHA256-RSA2048"
_PART = re.compile(r'(\w+)="([^"]*)"')


def sign(key: rsa.RSAPrivateKey, message: bytes) -> str:
    return base64.b64encode(key.sign(message, padding.PKCS1v15(), hashes.SHA256())).decode()


def matches(key: rsa.RSAPublicKey, signature: str, message: bytes) -> bool:
    try:
        raw = base64.b64decode(signature, validate=True)
        key.verify(raw, message, padding.PKCS1v15(), hashes.SHA256())
    except (ValueError, InvalidSignature):
        return False
    return True


def seal(apiv3_key: str, plain: bytes, associated_data: str) -> tuple[str, str]:
    """(nonce, ciphertext): 12 ASCII characters, and base64 with the tag behind."""
    nonce = secrets.token_hex(6)
    sealed = AESGCM(apiv3_key.encode()).encrypt(nonce.encode(), plain, associated_data.encode())
    return nonce, base64.b64encode(sealed).decode()


def platform_headers(
    key: rsa.RSAPrivateKey, key_id: str, body: bytes, timestamp_s: int
) -> dict[str, str]:
    """The Wechatpay-* headers that prove `body`."""
    nonce = secrets.token_hex(16)
    message = f"{timestamp_s}\n{nonce}\n".encode() + body + b"\n"
    return {
        "Wechatpay-Serial": key_id,
        "Wechatpay-Signature-Type": SCHEME,
        "Wechatpay-Timestamp": str(timestamp_s),
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Signature": sign(key, message),
    }


def authorization_fault(
    header: str,
    *,
    key: rsa.RSAPublicKey,
    mchid: str,
    serial: str,
    method: str,
    target: str,
    body: bytes,
    now_s: int,
) -> str | None:
    """Why the merchant's Authorization header is refused, or None when it is right."""
    scheme, _, rest = header.partition(" ")
    if scheme != SCHEME:
        return "Authorization scheme must be " + SCHEME
    part = dict(_PART.findall(rest))
    missing = {"mchid", "nonce_str", "timestamp", "serial_no", "signature"} - set(part)
    if missing:
        return f"Authorization lacks {sorted(missing)}"
    if part["mchid"] != mchid or part["serial_no"] != serial:
        return "unknown mchid or serial_no"
    if not part["timestamp"].isdigit() or abs(int(part["timestamp"]) - now_s) > 300:
        return "timestamp is more than 5 minutes away"
    message = f"{method}\n{target}\n{part['timestamp']}\n{part['nonce_str']}\n".encode()
    if not matches(key, part["signature"], message + body + b"\n"):
        return "signature does not match"
    return None
