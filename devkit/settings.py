"""The environment of the product's processes, as infra/config.py reads it, and the secrets in it."""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from devkit import ROOT
from devkit.replica import ReplicatedServers
from devkit.servers import MariaDb, PrivateServers
from infra.config import WINGS

# What a program needs of the developer's own environment, and nothing that could reach the product unseen.
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "SSL_CERT_FILE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """Made once per run directory and kept, so that a second run can read the first one's data."""

    root_password: str
    relay_password: str
    wing_passwords: Mapping[str, str]
    token_keys: str
    chat_key: str
    objects_key: str

    @classmethod
    def of(cls, directory: Path) -> Secrets:
        """Read `secrets.json` in `directory`, or make it first, readable by its owner alone."""
        file = directory / "secrets.json"
        if file.exists():
            return cls(**json.loads(file.read_text()))
        made = cls(
            root_password=secrets.token_urlsafe(18),
            relay_password=secrets.token_urlsafe(18),
            wing_passwords={wing: secrets.token_urlsafe(18) for wing in WINGS},
            token_keys=f"k1:{_key()}",
            chat_key=_key(),
            objects_key=_key(),
        )
        directory.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f"{file.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as output:
            json.dump(asdict(made), output, indent=2)
        draft.replace(file)
        return made


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def base_environment() -> dict[str, str]:
    """For any child of ours: a few of our own variables, and none that starts with SHAREHUB_."""
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {**inherited, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


def server_environment(
    servers: PrivateServers, known: Secrets, objects_dir: Path
) -> dict[str, str]:
    """MySQL, Redis, the object store and the keys. Without the administrator's account."""
    replicas = (
        {
            f"SHAREHUB_REPLICA_DSN_{wing.upper()}": _dsn(
                servers.replica, f"{wing}_reader", f"reading-{known.wing_passwords[wing]}", wing
            )
            for wing in WINGS
        }
        if isinstance(servers, ReplicatedServers)
        else {}
    )
    return {
        **{
            f"SHAREHUB_DSN_{wing.upper()}": _dsn(
                servers.mariadb, wing, known.wing_passwords[wing], wing
            )
            for wing in WINGS
        },
        **replicas,
        "SHAREHUB_RELAY_USER": "relay",
        "SHAREHUB_RELAY_PASSWORD": known.relay_password,
        "SHAREHUB_REDIS_URL": servers.redis.url,
        "SHAREHUB_TOKEN_KEYS": known.token_keys,
        "SHAREHUB_CHAT_KEY": known.chat_key,
        "SHAREHUB_OBJECTS_DIR": str(objects_dir),
        "SHAREHUB_OBJECTS_KEY": known.objects_key,
        "SHAREHUB_OPERATORS": "operator",
        "SHAREHUB_PAYMENT_QUERY_S": "2",
        "SHAREHUB_PAYMENT_SHARE_AFTER_S": "1.5",  # the sandbox hurries too
        "SHAREHUB_UNPAID_ORDERS": "0",
    }


def _dsn(server: MariaDb, user: str, password: str, schema: str) -> str:
    return (
        f"mysql://{user}:{quote(password, safe='')}@{server.host}:{server.port}/{schema}"
        f"?unix_socket={quote(str(server.socket))}"
    )


def admin_environment(servers: PrivateServers) -> dict[str, str]:
    """What migrations get besides, and no other process does."""
    return {
        "SHAREHUB_ADMIN_USER": "root",
        "SHAREHUB_ADMIN_PASSWORD": servers.mariadb.root_password,
    }


def wechat_environment(
    sandbox_dir: Path, *, sandbox_url: str, public_url: str, payments_url: str
) -> dict[str, str]:
    """The sandbox in WeChat's place. `sandbox_dir` holds sandbox.json and the key files; URLs have no path."""
    account = json.loads((sandbox_dir / "sandbox.json").read_text())
    return {
        "SHAREHUB_PUBLIC_URL": public_url,
        "SHAREHUB_WECHAT_API_URL": sandbox_url,
        "SHAREHUB_WECHAT_APPID": account["appid"],
        "SHAREHUB_WECHAT_SECRET": account["secret"],
        "SHAREHUB_WECHAT_PUSH_TOKEN": account["push_token"],
        "SHAREHUB_WECHAT_PUSH_KEY": account["push_key"],
        "SHAREHUB_WECHAT_TEMPLATES": templates_of(account),
        "SHAREHUB_WECHATPAY_URL": sandbox_url,
        "SHAREHUB_WECHATPAY_MCHID": account["mchid"],
        "SHAREHUB_WECHATPAY_SERIAL": account["merchant_serial"],
        "SHAREHUB_WECHATPAY_KEY_FILE": str(sandbox_dir / "merchant_key.pem"),
        "SHAREHUB_WECHATPAY_APIV3_KEY": account["apiv3_key"],
        "SHAREHUB_WECHATPAY_PLATFORM_KEY_ID": account["platform_key_id"],
        "SHAREHUB_WECHATPAY_PLATFORM_KEY_FILE": str(sandbox_dir / "platform_pub.pem"),
        "SHAREHUB_WECHATPAY_PLATFORM_KEYS_DIR": str(sandbox_dir / "platform_keys"),
        "SHAREHUB_WECHATPAY_NOTIFY_URL": f"{payments_url}/v1/payments/notify",
    }


def templates_of(account: Mapping[str, Any]) -> str:
    """The sandbox's templates, as the product is told of them."""
    return ",".join(
        f"{name}:{template['id']}:{'.'.join(template['fields'])}"
        for name, template in account["templates"].items()
    )
