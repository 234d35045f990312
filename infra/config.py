"""What a process is told by its environment, read once into a frozen object.

Every variable starts with SHAREHUB_. `docs/operations.md` lists them all with their units.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

WINGS = ("users", "listings", "orders", "payments", "ratings", "chat", "notices", "insights")


LONGEST_NOTIFY_URL = 255


class ConfigError(Exception):
    """A setting is missing or malformed; the message is one sentence for an operator."""


@dataclass(frozen=True, slots=True)
class Dsn:
    """mysql://user:password@host:port/schema?unix_socket=/path"""

    user: str
    password: str = field(repr=False)
    host: str
    port: int
    schema: str
    unix_socket: str | None

    @classmethod
    def parse(cls, text: str) -> Dsn:
        url = urlsplit(text)
        if url.scheme != "mysql" or not url.hostname:
            raise ConfigError("a DSN looks like mysql://user:password@host:port/schema")
        socket = parse_qs(url.query).get("unix_socket", [None])[0]
        return cls(
            user=unquote(url.username or ""),
            password=unquote(url.password or ""),
            host=url.hostname,
            port=url.port or 3306,
            schema=url.path.lstrip("/"),
            unix_socket=socket,
        )

    def with_user(self, user: str, password: str) -> Dsn:
        return Dsn(user, password, self.host, self.port, self.schema, self.unix_socket)


@dataclass(frozen=True, slots=True)
class Wechat:
    """Mini-program server API. `api_url` is https://api.weixin.qq.com in production."""

    api_url: str
    appid: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class WechatPayConfig:
    """Merchant side of WeChat Pay v3. Key files are PEM; `apiv3_key` is 32 ASCII bytes.

    The platform's key may be a public key (PUB_KEY_ID_...) or a certificate (its serial number); further ones lie in
    `platform_keys_dir`, by their ids.
    """

    url: str
    appid: str
    mchid: str
    merchant_serial: str
    merchant_key_file: Path
    apiv3_key: str = field(repr=False)
    platform_key_id: str
    platform_key_file: Path
    notify_url: str
    platform_keys_dir: Path | None = None


@dataclass(frozen=True, slots=True)
class Config:
    environment: Mapping[str, str] = field(repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Config:
        return cls(dict(os.environ if environment is None else environment))

    def text(self, name: str, default: str | None = None) -> str:
        value = self.environment.get(f"SHAREHUB_{name}", default)
        if value is None:
            raise ConfigError(f"SHAREHUB_{name} is not set")
        return value

    def integer(self, name: str, default: int) -> int:
        raw = self.text(name, str(default))
        try:
            return int(raw)
        except ValueError:
            raise ConfigError(f"SHAREHUB_{name} must be a whole number, not {raw!r}") from None

    def number(self, name: str, default: float) -> float:
        raw = self.text(name, str(default))
        try:
            return float(raw)
        except ValueError:
            raise ConfigError(f"SHAREHUB_{name} must be a number, not {raw!r}") from None

    def key(self, name: str) -> bytes:
        """A secret of 32 bytes, in base64."""
        try:
            raw = base64.b64decode(self.text(name), validate=True)
        except ValueError:
            raise ConfigError(f"SHAREHUB_{name} must be base64") from None
        if len(raw) != 32:
            raise ConfigError(f"SHAREHUB_{name} must hold 32 bytes")
        return raw

    def dsn(self, wing: str) -> Dsn:
        return Dsn.parse(self.text(f"DSN_{wing.upper()}"))

    def replica_dsn(self, wing: str) -> Dsn | None:
        """A copy of the wing's database, as a user who may only read; None: there is none."""
        text = self.text(f"REPLICA_DSN_{wing.upper()}", "")
        return Dsn.parse(text) if text else None

    def relay_dsn(self, wing: str) -> Dsn:
        """The same server and schema, as the relay's user."""
        return self.dsn(wing).with_user(
            self.text("RELAY_USER", "relay"), self.text("RELAY_PASSWORD")
        )

    def admin_dsn(self, wing: str) -> Dsn:
        """Migrations only: the account that creates schemas, users and grants on the wing's server."""
        wing_dsn = self.dsn(wing)
        return wing_dsn.with_user(self.text("ADMIN_USER", "root"), self.text("ADMIN_PASSWORD", ""))

    @property
    def redis_url(self) -> str:
        return self.text("REDIS_URL")

    @property
    def token_keys(self) -> tuple[tuple[str, bytes], ...]:
        """(key id, secret of 32 bytes or more) pairs as `kid:base64,kid:base64`; the first one signs, all verify."""
        pairs = []
        for part in self.text("TOKEN_KEYS").split(","):
            kid, _, secret = part.partition(":")
            try:
                key = base64.b64decode(secret, validate=True)
            except ValueError:
                raise ConfigError("SHAREHUB_TOKEN_KEYS must be kid:base64,...") from None
            if not kid or len(key) < 32:
                raise ConfigError(
                    "SHAREHUB_TOKEN_KEYS must name each key and give it 32 bytes or more"
                )
            pairs.append((kid, key))
        return tuple(pairs)

    @property
    def wechat(self) -> Wechat:
        return Wechat(
            self.text("WECHAT_API_URL"), self.text("WECHAT_APPID"), self.text("WECHAT_SECRET")
        )

    @property
    def wechatpay(self) -> WechatPayConfig:
        """ConfigError for what WeChat would refuse anyway, only later and with less to go by."""
        keys_dir, notify_url = self.text("WECHATPAY_PLATFORM_KEYS_DIR", ""), self._notify_url()
        mchid, serial = self.text("WECHATPAY_MCHID"), self.text("WECHATPAY_SERIAL")
        if not (mchid.isascii() and mchid.isdigit()):
            raise ConfigError("SHAREHUB_WECHATPAY_MCHID must be a number")
        if not serial or set(serial) - set("0123456789ABCDEFabcdef"):
            raise ConfigError("SHAREHUB_WECHATPAY_SERIAL must be hexadecimal")
        return WechatPayConfig(
            url=self.text("WECHATPAY_URL"),
            appid=self.text("WECHAT_APPID"),
            mchid=mchid,
            merchant_serial=serial,
            merchant_key_file=Path(self.text("WECHATPAY_KEY_FILE")),
            apiv3_key=self.text("WECHATPAY_APIV3_KEY"),
            platform_key_id=self.text("WECHATPAY_PLATFORM_KEY_ID"),
            platform_key_file=Path(self.text("WECHATPAY_PLATFORM_KEY_FILE")),
            notify_url=notify_url,
            platform_keys_dir=Path(keys_dir) if keys_dir else None,
        )

    def _notify_url(self) -> str:
        url = self.text("WECHATPAY_NOTIFY_URL")
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
            raise ConfigError("SHAREHUB_WECHATPAY_NOTIFY_URL must be a URL without a query")
        if len(url) > LONGEST_NOTIFY_URL:
            raise ConfigError("SHAREHUB_WECHATPAY_NOTIFY_URL must be 255 characters at most")
        return url
