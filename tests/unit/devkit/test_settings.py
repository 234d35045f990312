"""The environment made for the product's processes is one that infra/config.py reads."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from devkit.servers import PrivateServers
from devkit.settings import (
    Secrets,
    admin_environment,
    base_environment,
    server_environment,
    wechat_environment,
)
from infra.config import WINGS, Config, ConfigError

ACCOUNT = {
    "appid": "wx1",
    "secret": "s",
    "mchid": "1900000001",
    "merchant_serial": "AB",
    "platform_key_id": "PUB_KEY_ID_01",
    "apiv3_key": "k" * 32,
    "push_token": "token",
    "push_key": "A" * 43,
    "templates": {
        "chat": {"id": "abc", "title": "新消息提醒", "fields": {"thing1": "谁", "time2": "时间"}},
        "money": {"id": "d-_", "title": "到账提醒", "fields": {"amount9": "金额"}},
    },
}


@pytest.fixture
def unstarted(tmp_path: Path) -> PrivateServers:
    return PrivateServers(tmp_path / "servers", root_password="root's")


def test_secrets_are_made_once_and_for_the_owner_alone(tmp_path: Path) -> None:
    first = Secrets.of(tmp_path)
    assert Secrets.of(tmp_path) == first
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600
    assert len({*first.wing_passwords.values(), first.root_password, first.relay_password}) == 10
    assert Secrets.of(tmp_path / "other") != first


def test_every_wing_gets_its_own_account_on_its_own_schema(
    tmp_path: Path, unstarted: PrivateServers
) -> None:
    known = Secrets.of(tmp_path)
    config = Config.from_environment(
        server_environment(unstarted, known, tmp_path / "a directory" / "objects")
    )
    for wing in WINGS:
        dsn = config.dsn(wing)
        assert (dsn.user, dsn.schema, dsn.password) == (wing, wing, known.wing_passwords[wing])
        assert dsn.unix_socket == str(unstarted.mariadb.socket)
        assert dsn.port == unstarted.mariadb.port
    assert config.relay_dsn("orders").user == "relay"
    assert config.redis_url == unstarted.redis.url
    assert len(config.token_keys[0][1]) == 32
    assert len(config.key("CHAT_KEY")) == len(config.key("OBJECTS_KEY")) == 32


def test_only_migrations_get_the_administrator(tmp_path: Path, unstarted: PrivateServers) -> None:
    product = server_environment(unstarted, Secrets.of(tmp_path), tmp_path)
    assert not [name for name in product if "ADMIN" in name]
    assert "root's" not in json.dumps(product)
    admin = Config.from_environment({**product, **admin_environment(unstarted)}).admin_dsn("users")
    assert (admin.user, admin.password) == ("root", "root's")


def test_wechat_is_the_sandbox(tmp_path: Path) -> None:
    (tmp_path / "sandbox.json").write_text(json.dumps(ACCOUNT))
    config = Config.from_environment(
        wechat_environment(
            tmp_path,
            sandbox_url="http://127.0.0.1:8090",
            public_url="http://127.0.0.1:8080",
            payments_url="http://127.0.0.1:8085",
        )
    )
    assert config.wechat.api_url == "http://127.0.0.1:8090"
    assert config.text("WECHAT_TEMPLATES") == "chat:abc:thing1.time2,money:d-_:amount9"
    pay = config.wechatpay
    assert pay.notify_url == "http://127.0.0.1:8085/v1/payments/notify"
    assert pay.merchant_key_file == tmp_path / "merchant_key.pem"
    assert pay.platform_key_file == tmp_path / "platform_pub.pem"
    assert (pay.mchid, pay.platform_key_id) == ("1900000001", "PUB_KEY_ID_01")


def test_nothing_of_the_developers_own_settings_gets_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHAREHUB_REDIS_URL", "redis://production")
    with pytest.raises(ConfigError, match="SHAREHUB_REDIS_URL is not set"):
        _ = Config.from_environment(base_environment()).redis_url
