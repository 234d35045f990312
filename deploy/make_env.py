"""Makes `.env` and the key files that docker-compose.yml needs, with new secrets, for the sandbox in WeChat's place.

.venv/bin/python -m deploy.make_env [--out DIRECTORY]

Writes `.env` (readable by its owner alone) and `deploy/.secrets/` under DIRECTORY, the repository when none is given. It never
replaces a `.env` that is there: MySQL keeps the passwords that it was given first.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from devkit.settings import templates_of

ROOT = Path(__file__).resolve().parents[1]
WINGS = ("users", "listings", "orders", "payments", "ratings", "chat", "notices", "insights")
KEY_FILES = ("merchant_key.pem", "platform_key.pem", "platform_pub.pem", "sandbox.json")


def values(account: Mapping[str, Any]) -> dict[str, str]:
    """Name -> value, in the order of `.env.example`. `account` is the sandbox's sandbox.json.

    No value needs quoting in a URL, in YAML or in a shell.
    """
    return {
        "COMPOSE_PROFILES": "sandbox",
        "HTTP_PORT": "8080",
        "SANDBOX_PORT": "9100",
        "PROMETHEUS_PORT": "9090",
        "GRAFANA_PORT": "3000",
        "LOG_LEVEL": "info",
        "PUBLIC_URL": "http://localhost:8080",
        "MYSQL_ROOT_PASSWORD": _password(),
        **{f"MYSQL_PASSWORD_{wing.upper()}": _password() for wing in WINGS},
        **{f"REPLICA_DSN_{wing.upper()}": "" for wing in WINGS},
        "MYSQL_PASSWORD_RELAY": _password(),
        "REDIS_PASSWORD": _password(),
        "GRAFANA_PASSWORD": _password(),
        "TOKEN_KEYS": f"k1:{_key()}",
        "CHAT_KEY": _key(),
        "OBJECTS_KEY": _key(),
        "OPERATORS": "",
        "SERVICES": "",
        "WECHAT_API_URL": "http://sandbox:9100",
        "WECHAT_APPID": account["appid"],
        "WECHAT_SECRET": account["secret"],
        "WECHAT_PUSH_TOKEN": account["push_token"],
        "WECHAT_PUSH_KEY": account["push_key"],
        "WECHAT_TEMPLATES": templates_of(account),
        "WECHATPAY_URL": "http://sandbox:9100",
        "WECHATPAY_NOTIFY_URL": "http://api-payments:8080/v1/payments/notify",
        "WECHATPAY_MCHID": account["mchid"],
        "WECHATPAY_SERIAL": account["merchant_serial"],
        "WECHATPAY_APIV3_KEY": account["apiv3_key"],
        "WECHATPAY_PLATFORM_KEY_ID": account["platform_key_id"],
        "KEYS_DIR": "./deploy/.secrets",
    }


def make(out: Path) -> Path:
    """The `.env` that was written. Raise FileExistsError when there is one already."""
    env, keys = out / ".env", out / "deploy" / ".secrets"
    # Taken first: if it is there already, nothing else may change either.
    descriptor = os.open(env, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        keys.mkdir(parents=True, exist_ok=True)
        keys.chmod(0o700)
        subprocess.run(
            [sys.executable, "-m", "sandbox.server", "--run-dir", str(keys), "--keys-only"],
            cwd=ROOT,
            check=True,
        )
        for name in KEY_FILES:
            # A bind-mounted file keeps its mode, and the containers run as nobody in particular: on this machine the
            # directory keeps others out, in a container only those have a file who are given it.
            (keys / name).chmod(0o444)
        (keys / "platform_keys").mkdir(exist_ok=True)  # WeChat's next keys, when it announces them
        account = json.loads((keys / "sandbox.json").read_text())
    except BaseException:
        os.close(descriptor)
        env.unlink()
        raise
    with os.fdopen(descriptor, "w") as file:
        file.writelines(f"{name}={value}\n" for name, value in values(account).items())
    return env


def _password() -> str:
    return secrets.token_hex(16)


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.make_env", description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT)
    try:
        env = make(parser.parse_args().out)
    except FileExistsError as error:
        print(f"{error.filename} is there already; it was left as it is", file=sys.stderr)
        return 1
    print(f"{env} and {env.parent / 'deploy' / '.secrets'} are made: docker compose up -d --build")
    return 0


if __name__ == "__main__":
    sys.exit(main())
