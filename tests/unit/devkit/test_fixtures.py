"""What tests/conftest.py hands out: migrated schemas under accounts of their own, and a sandbox that answers."""

from __future__ import annotations

from collections.abc import Mapping

import pymysql
import pytest

from devkit.servers import PrivateServers
from devkit.stack import ServingProcess
from infra.config import WINGS, Config


def test_every_wing_reaches_its_own_schema_and_no_other(
    environment: Mapping[str, str], servers: PrivateServers
) -> None:
    config = Config.from_environment(environment)
    for wing in WINGS:
        dsn = config.dsn(wing)
        with servers.mariadb.connect(
            user=dsn.user, password=dsn.password, schema=dsn.schema
        ) as connection:
            with connection.cursor() as cursor:
                cursor.execute("SELECT COUNT(*) FROM outbox")
            other = "users" if wing != "users" else "orders"
            with (
                connection.cursor() as cursor,
                pytest.raises(pymysql.err.OperationalError, match="denied"),
            ):
                cursor.execute(f"SELECT COUNT(*) FROM {other}.outbox")


def test_the_sandbox_answers_where_the_environment_says(
    environment: Mapping[str, str], sandbox: ServingProcess
) -> None:
    assert Config.from_environment(environment).wechat.api_url == sandbox.url
    assert sandbox.get("/healthz")[0] == 200
