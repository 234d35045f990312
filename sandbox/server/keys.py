"""Who the merchant and the platform are: four PEM files and sandbox.json, made once and kept.

sandbox.json also names the templates of subscribe messages, as WeChat's console would: {NAME: {"id", "title", "fields": {"thing1": LABEL}}}.

The platform may get further keys: platform_private/ID.pem is the sandbox's, platform_keys/ID.pem what the
merchant would download.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

LIBRARY: dict[str, tuple[str, dict[str, str]]] = {
    "booking": ("新预订提醒", {"thing1": "物品名称", "time2": "开始时间", "phrase3": "订单状态", "thing4": "温馨提示"}),
    "progress": ("订单进度提醒", {"thing1": "物品名称", "phrase2": "订单状态", "thing3": "温馨提示"}),
    "reminder": ("租期提醒", {"thing1": "物品名称", "time2": "时间", "thing3": "温馨提示"}),
    "money": ("到账提醒", {"amount1": "金额", "phrase2": "状态", "thing3": "备注"}),
    "chat": ("新消息提醒", {"thing1": "发送人", "thing2": "消息内容", "time3": "发送时间"}),
}  # fmt: skip
"""The templates that were chosen out of WeChat's: name -> (title, {field: its label})."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """sandbox.json, field by field. `apiv3_key` is 32 ASCII characters, `push_key` 43 of base64."""

    appid: str
    secret: str
    mchid: str
    merchant_serial: str
    platform_key_id: str
    apiv3_key: str
    push_token: str
    push_key: str
    templates: dict[str, dict[str, Any]]


class Ring:
    """The platform's keys by id, in the order they were made. Notifications are signed by the newest,
    an answer by the one that its request names.
    """

    def __init__(self, run_dir: Path, first_id: str, first: rsa.RSAPrivateKey) -> None:
        self._run_dir = run_dir
        self._keys = {first_id: first}
        made = sorted((run_dir / "platform_private").glob("*.pem"), key=_made_ns)
        self._keys |= {file.stem: _load(file) for file in made}

    @property
    def newest_id(self) -> str:
        return next(reversed(self._keys))

    def key(self, key_id: str) -> rsa.RSAPrivateKey | None:
        return self._keys.get(key_id)

    def renew(self, *, certificate: bool) -> str:
        """Makes one more key, and returns its id; the public part may be withheld by deleting it."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        serial = secrets.randbits(159)
        key_id = f"{serial:X}" if certificate else _new_key_id()
        private, public = self._run_dir / "platform_private", self._run_dir / "platform_keys"
        private.mkdir(exist_ok=True)
        public.mkdir(exist_ok=True)
        _write(private / f"{key_id}.pem", _private_pem(key))
        shown = _certificate_pem(key, serial) if certificate else _public_pem(key)
        _write(public / f"{key_id}.pem", shown)
        self._keys[key_id] = key
        return key_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    account: Account
    merchant_pub: rsa.RSAPublicKey
    platform_key: rsa.RSAPrivateKey
    ring: Ring


def ensure(run_dir: Path) -> Identity:
    """Reads the files under `run_dir`, and makes first what is not there."""
    run_dir.mkdir(parents=True, exist_ok=True)
    merchant_key = _pair(run_dir, "merchant")
    platform_key = _pair(run_dir, "platform")
    path = run_dir / "sandbox.json"
    if not path.exists():
        _write(
            path, json.dumps(asdict(_new_account()), indent=2, ensure_ascii=False).encode() + b"\n"
        )
    known = json.loads(path.read_text())
    lacking: dict[str, Any] = {} if "push_key" in known else _new_push()
    if known.get("templates", {}).keys() != LIBRARY.keys():
        lacking |= {"templates": _new_templates()}
    if lacking:
        known |= lacking
        _write(path, json.dumps(known, indent=2, ensure_ascii=False).encode() + b"\n")
    account = Account(**known)
    return Identity(
        account=account,
        merchant_pub=merchant_key.public_key(),
        platform_key=platform_key,
        ring=Ring(run_dir, account.platform_key_id, platform_key),
    )


def _new_account() -> Account:
    return Account(
        appid="wx" + secrets.token_hex(8),
        secret=secrets.token_hex(16),
        mchid="19" + f"{secrets.randbelow(10**8):08d}",
        merchant_serial=secrets.token_hex(20).upper(),
        platform_key_id=_new_key_id(),
        apiv3_key=secrets.token_hex(16),
        templates=_new_templates(),
        **_new_push(),
    )


def _new_templates() -> dict[str, dict[str, Any]]:
    return {
        name: {"id": secrets.token_urlsafe(32), "title": title, "fields": dict(fields)}
        for name, (title, fields) in LIBRARY.items()
    }


def _new_push() -> dict[str, str]:
    key = base64.b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    return {"push_token": secrets.token_hex(16), "push_key": key}


def _pair(run_dir: Path, name: str) -> rsa.RSAPrivateKey:
    path = run_dir / f"{name}_key.pem"
    if not path.exists():
        _write(path, _private_pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)))
    key = _load(path)
    _write(run_dir / f"{name}_pub.pem", _public_pem(key))
    return key


def _new_key_id() -> str:
    return f"PUB_KEY_ID_01{secrets.randbelow(10**30):030d}"


def _made_ns(file: Path) -> int:
    return file.stat().st_mtime_ns


def _load(file: Path) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(file.read_bytes(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def _private_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _public_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _certificate_pem(key: rsa.RSAPrivateKey, serial: int) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tenpay.com sandbox")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=5 * 365))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def _write(path: Path, content: bytes) -> None:
    """All of it or nothing, readable by the owner alone."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    draft.replace(path)
