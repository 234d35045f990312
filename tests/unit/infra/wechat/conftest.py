"""Keys made once per session, and a merchant who owns them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from infra.config import WechatPayConfig
from infra.wechat.notification import Addressee
from infra.wechat.signing import SCHEME, sign

APIV3_KEY = b"0123456789abcdef0123456789abcdef"
KEY_ID = "PUB_KEY_ID_0119"
NOW_MS = 1_782_288_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    private: rsa.RSAPrivateKey
    public: rsa.RSAPublicKey
    private_file: Path
    public_file: Path


def make_pair(folder: Path, name: str) -> Pair:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = private.public_key()
    pair = Pair(
        private=private,
        public=public,
        private_file=folder / f"{name}.pem",
        public_file=folder / f"{name}.pub.pem",
    )
    pair.private_file.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    pair.public_file.write_bytes(
        public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return pair


@pytest.fixture(scope="session")
def merchant(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return make_pair(tmp_path_factory.mktemp("keys"), "merchant")


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return make_pair(tmp_path_factory.mktemp("keys"), "platform")


@pytest.fixture(scope="session")
def addressee(platform: Pair) -> Addressee:
    return Addressee(
        appid="wx1", mchid="190", apiv3_key=APIV3_KEY, platform_keys={KEY_ID: platform.public}
    )


PayConfig = Callable[[str], WechatPayConfig]


@pytest.fixture(scope="session")
def pay_config(merchant: Pair, platform: Pair) -> PayConfig:
    """A configuration whose gateway is at the URL given."""

    def build(url: str) -> WechatPayConfig:
        return WechatPayConfig(
            url=url,
            appid="wx1",
            mchid="190",
            merchant_serial="5F",
            merchant_key_file=merchant.private_file,
            apiv3_key=APIV3_KEY.decode(),
            platform_key_id=KEY_ID,
            platform_key_file=platform.public_file,
            notify_url="https://example.org/notify",
        )

    return build


def signed_headers(key: rsa.RSAPrivateKey, body: bytes, at_ms: int = NOW_MS) -> dict[str, str]:
    """What the platform puts beside `body`."""
    timestamp = str(at_ms // 1000)
    return {
        "Wechatpay-Serial": KEY_ID,
        "Wechatpay-Signature-Type": SCHEME,
        "Wechatpay-Timestamp": timestamp,
        "Wechatpay-Nonce": "n1",
        "Wechatpay-Signature": sign(key, timestamp.encode(), b"n1", body),
    }


def envelope(event_type: str, content: object) -> bytes:
    """A notification's body, its resource sealed under APIV3_KEY."""
    nonce = b"abcdefabcdef"
    sealed = AESGCM(APIV3_KEY).encrypt(nonce, json.dumps(content).encode(), b"transaction")
    return json.dumps(
        {
            "id": "EV-1",
            "event_type": event_type,
            "resource_type": "encrypt-resource",
            "resource": {
                "algorithm": "AEAD_AES_256_GCM",
                "nonce": nonce.decode(),
                "associated_data": "transaction",
                "ciphertext": base64.b64encode(sealed).decode(),
            },
        }
    ).encode()
