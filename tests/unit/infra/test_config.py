"""What the environment tells a process, and one sentence when it is wrong."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from infra.config import Config, ConfigError, Dsn

KEY = base64.b64encode(b"k" * 32).decode()


def config(**values: str) -> Config:
    return Config.from_environment({f"SHAREHUB_{name}": value for name, value in values.items()})


def test_a_dsn() -> None:
    dsn = Dsn.parse("mysql://orders:p%40ss%3A@db.example:3307/orders?unix_socket=/tmp/s.sock")
    assert dsn == Dsn("orders", "p@ss:", "db.example", 3307, "orders", "/tmp/s.sock")
    assert "p@ss" not in repr(dsn)
    assert Dsn.parse("mysql://u:p@h/s").port == 3306


@pytest.mark.parametrize("text", ["", "mysql:///orders", "postgres://u:p@h/s", "orders"])
def test_what_is_no_dsn(text: str) -> None:
    with pytest.raises(ConfigError, match="a DSN looks like"):
        Dsn.parse(text)


def test_the_relay_and_the_administrator_use_the_wings_server() -> None:
    told = config(DSN_ORDERS="mysql://orders:a@h:1/orders", RELAY_PASSWORD="r", ADMIN_PASSWORD="s")
    assert told.relay_dsn("orders") == Dsn("relay", "r", "h", 1, "orders", None)
    assert told.admin_dsn("orders") == Dsn("root", "s", "h", 1, "orders", None)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(ConfigError, match="SHAREHUB_REDIS_URL is not set"):
        _ = config().redis_url


@pytest.mark.parametrize(
    ("name", "value"), [("integer", "many"), ("integer", "1.5"), ("number", "fast"), ("number", "")]
)
def test_what_is_no_number_is_quoted(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"SHAREHUB_X must be .*{value!r}"):
        getattr(config(X=value), name)("X", 1)


@pytest.mark.parametrize("value", ["", "!", "c2hvcnQ=", KEY + "AAAA"])
def test_a_key_has_32_bytes(value: str) -> None:
    assert config(X=KEY).key("X") == b"k" * 32
    with pytest.raises(ConfigError, match="SHAREHUB_X must"):
        config(X=value).key("X")


def test_token_keys_in_the_order_given() -> None:
    assert config(TOKEN_KEYS=f"b:{KEY},a:{KEY}").token_keys == (("b", b"k" * 32), ("a", b"k" * 32))


@pytest.mark.parametrize("value", ["", ":", f":{KEY}", "a:", "a:!", "a:c2hvcnQ=", f"a:{KEY},", KEY])
def test_a_token_key_without_a_name_or_too_short_is_refused(value: str) -> None:
    with pytest.raises(ConfigError, match="SHAREHUB_TOKEN_KEYS"):
        _ = config(TOKEN_KEYS=value).token_keys


def test_secrets_do_not_show() -> None:
    assert KEY not in repr(config(TOKEN_KEYS=f"a:{KEY}"))


PAY = {
    "WECHATPAY_URL": "https://api.mch.weixin.qq.com",
    "WECHAT_APPID": "wx1",
    "WECHATPAY_MCHID": "190",
    "WECHATPAY_SERIAL": "5F",
    "WECHATPAY_KEY_FILE": "/keys/merchant.pem",
    "WECHATPAY_APIV3_KEY": "0123456789abcdef0123456789abcdef",
    "WECHATPAY_PLATFORM_KEY_ID": "PUB_KEY_ID_1",
    "WECHATPAY_PLATFORM_KEY_FILE": "/keys/platform.pem",
    "WECHATPAY_NOTIFY_URL": "https://example.org/v1/payments/notify",
}


def test_further_platform_keys_are_optional() -> None:
    assert config(**PAY).wechatpay.platform_keys_dir is None
    assert config(**PAY, WECHATPAY_PLATFORM_KEYS_DIR="").wechatpay.platform_keys_dir is None
    told = config(**PAY, WECHATPAY_PLATFORM_KEYS_DIR="/keys/more").wechatpay
    assert told.platform_keys_dir == Path("/keys/more")
    assert PAY["WECHATPAY_APIV3_KEY"] not in repr(told)


@pytest.mark.parametrize(
    "url",
    ["", "example.org", "ftp://h/x", "https:///x", "https://h/x?y=1", "https://h/" + "x" * 250],
)
def test_a_notify_url_that_wechat_would_refuse(url: str) -> None:
    with pytest.raises(ConfigError, match="SHAREHUB_WECHATPAY_NOTIFY_URL must be"):
        _ = config(**PAY | {"WECHATPAY_NOTIFY_URL": url}).wechatpay


@pytest.mark.parametrize(
    ("name", "value"),
    [("MCHID", ""), ("MCHID", "19x"), ("MCHID", "١٩"), ("SERIAL", ""), ("SERIAL", "PUB_KEY_ID_1")],
)
def test_a_merchant_that_wechat_would_not_know(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"SHAREHUB_WECHATPAY_{name} must be"):
        _ = config(**PAY | {f"WECHATPAY_{name}": value}).wechatpay
