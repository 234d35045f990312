"""The cryptography of WeChat Pay v3: pure functions over bytes, no I/O, no clock, no randomness.

    request      METHOD \\n URL (path and query as sent) \\n timestamp \\n nonce \\n body \\n
    answer       timestamp \\n nonce \\n body \\n           (notifications too)
    client       appId \\n timeStamp \\n nonceStr \\n package \\n

All three are signed by SHA256 with RSA (PKCS#1 v1.5), base64. Resources of notifications are sealed
by AES-256-GCM, sensitive fields of ours by RSA-OAEP. Source: pay.weixin.qq.com, API v3: 如何生成请求签名,
如何验证签名, 如何解密回调报文, 微信支付公钥加密敏感信息.
"""

from __future__ import annotations

import base64
import binascii
from pathlib import Path

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate

from infra.config import ConfigError

SCHEME = "WECHATPAY2-SHA256-RSA2048"
PROBE = "WECHATPAY/SIGNTEST/"  # WeChat sends such signatures to see whether we verify at all


class Unverified(Exception):
    """The bytes are not what their signature or seal says."""


def load_merchant_key(path: Path) -> RSAPrivateKey:
    """PEM, PKCS#8, without a passphrase; ConfigError otherwise."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(f"{path} is no readable private key ({type(error).__name__})") from None
    if not isinstance(key, RSAPrivateKey):
        raise ConfigError(f"{path} must hold an RSA private key")
    return key


def load_platform_key(path: Path, serial: str) -> RSAPublicKey:
    """PEM: a public key, or a certificate, whose serial number has to be `serial` (hex); ConfigError
    otherwise.
    """
    try:
        pem = path.read_bytes()
        if b"BEGIN CERTIFICATE" in pem:
            certificate = load_pem_x509_certificate(pem)
            if f"{certificate.serial_number:X}" != serial.upper().lstrip("0"):
                raise ConfigError(f"{path} is not the certificate {serial}")
            key: object = certificate.public_key()
        else:
            key = load_pem_public_key(pem)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} is no readable public key ({type(error).__name__})") from None
    if not isinstance(key, RSAPublicKey):
        raise ConfigError(f"{path} must hold an RSA public key")
    return key


def sign(key: RSAPrivateKey, *lines: bytes) -> str:
    """Base64 signature over the lines, each ended by a newline. About 1 ms for 2048 bits."""
    return base64.b64encode(key.sign(_joined(lines), PKCS1v15(), SHA256())).decode("ascii")


def verify(key: RSAPublicKey, signature: str, *lines: bytes) -> None:
    """Raises Unverified unless `signature` (base64) is the key's over exactly these lines."""
    if signature.startswith(PROBE):
        raise Unverified("a probe, signed wrongly on purpose")
    try:
        key.verify(base64.b64decode(signature, validate=True), _joined(lines), PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        raise Unverified("the signature does not match") from None


def unseal(apiv3_key: bytes, *, nonce: bytes, associated_data: bytes, ciphertext: str) -> bytes:
    """Opens AEAD_AES_256_GCM. `ciphertext` is base64 with the tag behind; raises Unverified."""
    try:
        sealed = base64.b64decode(ciphertext, validate=True)
        return AESGCM(apiv3_key).decrypt(nonce, sealed, associated_data)
    except (InvalidTag, binascii.Error, ValueError):
        raise Unverified("the seal is broken") from None


def seal(key: RSAPublicKey, text: str) -> str:
    """RSA-OAEP (SHA-1 and MGF1, as WeChat has it) of up to 214 bytes for 2048 bits, base64."""
    padding = OAEP(mgf=MGF1(SHA1()), algorithm=SHA1(), label=None)
    return base64.b64encode(key.encrypt(text.encode(), padding)).decode("ascii")


def payment_params(
    key: RSAPrivateKey, appid: str, prepay_id: str, now_ms: int, nonce: str
) -> dict[str, str]:
    """The arguments of wx.requestPayment."""
    timestamp, package = str(now_ms // 1000), f"prepay_id={prepay_id}"
    lines = (appid, timestamp, nonce, package)
    return {
        "appId": appid,
        "timeStamp": timestamp,
        "nonceStr": nonce,
        "package": package,
        "signType": "RSA",
        "paySign": sign(key, *(line.encode() for line in lines)),
    }


def authorization(
    key: RSAPrivateKey,
    *,
    method: str,
    target: str,
    body: bytes,
    mchid: str,
    serial: str,
    timestamp_s: int,
    nonce: str,
) -> str:
    """The Authorization header of one request. `target` is the path with its query, exactly as
    sent.
    """
    signature = sign(
        key, method.encode(), target.encode(), b"%d" % timestamp_s, nonce.encode(), body
    )
    return (
        f'{SCHEME} mchid="{mchid}",nonce_str="{nonce}",timestamp="{timestamp_s}",'
        f'serial_no="{serial}",signature="{signature}"'
    )


def _joined(lines: tuple[bytes, ...]) -> bytes:
    return b"".join(line + b"\n" for line in lines)
