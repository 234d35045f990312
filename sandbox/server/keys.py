"""Who the merchant and the platform are: four PEM files and sandbox.json, made once and kept."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """sandbox.json, field by field. `apiv3_key` is 32 ASCII characters."""

    appid: str
    secret: str
    mchid: str
    merchant_serial: str
    platform_key_id: str
    apiv3_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    account: Account
    merchant_pub: rsa.RSAPublicKey
    platform_key: rsa.RSAPrivateKey


def ensure(run_dir: Path) -> Identity:
    """Reads the files under `run_dir`, and makes first what is not there."""
    run_dir.mkdir(parents=True, exist_ok=True)
    merchant_key = _pair(run_dir, "merchant")
    platform_key = _pair(run_dir, "platform")
    path = run_dir / "sandbox.json"
    if not path.exists():
        _write(path, json.dumps(asdict(_new_account()), indent=2).encode() + b"\n")
    account = Account(**json.loads(path.read_text()))
    return Identity(
        account=account, merchant_pub=merchant_key.public_key(), platform_key=platform_key
    )


def _new_account() -> Account:
    return Account(
        appid="wx" + secrets.token_hex(8),
        secret=secrets.token_hex(16),
        mchid="19" + f"{secrets.randbelow(10**8):08d}",
        merchant_serial=secrets.token_hex(20).upper(),
        platform_key_id="PUB_KEY_ID_01" + f"{secrets.randbelow(10**30):030d}",
        apiv3_key=secrets.token_hex(16),
    )


def _pair(run_dir: Path, name: str) -> rsa.RSAPrivateKey:
    path = run_dir / f"{name}_key.pem"
    if not path.exists():
        new = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        _write(
            path,
            new.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
        )
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    _write(
        run_dir / f"{name}_pub.pem",
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ),
    )
    return key


def _write(path: Path, content: bytes) -> None:
    """All of it or nothing, readable by the owner alone."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    draft.replace(path)
