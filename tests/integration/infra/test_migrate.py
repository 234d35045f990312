"""Migrations and grants on a real server: run again, run at once, and nobody reads another wing's tables."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiomysql
import pymysql.err
import pytest

from devkit.servers import PrivateServers
from infra.config import WINGS, Config, ConfigError, Dsn
from infra.mysql import migrate as migrations
from infra.mysql.migrate import migrate, statements
from tests.integration.conftest import new_id

pytestmark = [
    pytest.mark.allow_blocking,  # reading migrations is what this program is for
    pytest.mark.filterwarnings("ignore:Can't create user"),  # as its main() does
]

DENIED = {1044, 1142, 1143, 1370}
"""No access to the schema, no right to the command on the table or its columns."""


async def connect(dsn: Dsn) -> aiomysql.Connection:
    return await aiomysql.connect(
        unix_socket=dsn.unix_socket,
        user=dsn.user,
        password=dsn.password,
        db=dsn.schema,
        autocommit=True,
    )


async def run(connection: aiomysql.Connection, sql: str) -> list[tuple[Any, ...]]:
    async with connection.cursor() as cursor:
        await cursor.execute(sql)
        return list(await cursor.fetchall())


async def denied(connection: aiomysql.Connection, sql: str) -> bool:
    """Whether the server refuses for want of a right. Anything else that goes wrong is an error."""
    try:
        await run(connection, sql)
    except pymysql.err.MySQLError as error:
        if error.args[0] not in DENIED:
            raise
        return True
    return False


@pytest.fixture(scope="module")
def tables(environment: Mapping[str, str], servers: PrivateServers) -> dict[str, dict[str, str]]:
    """wing -> table -> comment."""
    found: dict[str, dict[str, str]] = {wing: {} for wing in WINGS}
    with servers.mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_COMMENT FROM information_schema.TABLES "
            "WHERE TABLE_SCHEMA IN %s AND TABLE_TYPE = 'BASE TABLE'", (WINGS,),
        )  # fmt: skip
        for schema, table, comment in cursor.fetchall():
            found[schema][table] = comment
    return found


@pytest.fixture
async def as_wing(
    request: pytest.FixtureRequest, environment: Mapping[str, str]
) -> AsyncIterator[aiomysql.Connection]:
    connection = await connect(Config.from_environment(environment).dsn(request.param))
    yield connection
    connection.close()


@pytest.mark.parametrize(("as_wing", "wing"), [(w, w) for w in WINGS], indirect=["as_wing"])
async def test_a_wing_reads_its_own_tables_and_no_others(
    as_wing: aiomysql.Connection, wing: str, tables: dict[str, dict[str, str]]
) -> None:
    for owner, names in tables.items():
        assert {"outbox", "inbox", "idempotency", "migrations"} < names.keys()
        for table in names:
            may = owner == wing and table != "migrations"
            assert await denied(as_wing, f"SELECT 1 FROM {owner}.{table} LIMIT 1") != may, (
                f"{wing} on {owner}.{table}"
            )
            if owner != wing:
                assert await denied(as_wing, f"DELETE FROM {owner}.{table} WHERE 1 = 0")
                assert await denied(
                    as_wing,
                    f"INSERT INTO {owner}.{table} SELECT * FROM {owner}.{table} WHERE 1 = 0",
                )
    assert {row[0] for row in await run(as_wing, "SHOW DATABASES")} == {wing, "information_schema"}


@pytest.mark.parametrize(("as_wing", "wing"), [(w, w) for w in WINGS], indirect=["as_wing"])
async def test_a_wing_changes_rows_and_never_tables(
    as_wing: aiomysql.Connection, wing: str, tables: dict[str, dict[str, str]]
) -> None:
    for table, comment in tables[wing].items():
        if table == "migrations":
            continue
        kept = comment.startswith("append-only")
        (column, *_), *_ = await run(as_wing, f"SHOW COLUMNS FROM {table}")
        assert not await denied(as_wing, f"INSERT INTO {table} SELECT * FROM {table} WHERE 1 = 0")
        assert await denied(as_wing, f"UPDATE {table} SET {column} = {column} WHERE 1 = 0") == kept
        assert await denied(as_wing, f"DELETE FROM {table} WHERE 1 = 0") == kept
        for ddl in (
            f"DROP TABLE {table}",
            f"TRUNCATE {table}",
            f"ALTER TABLE {table} COMMENT = ''",
        ):
            assert await denied(as_wing, ddl)
    for ddl in ("CREATE TABLE mine (id INT)", "DROP DATABASE " + wing):
        assert await denied(as_wing, ddl)


def test_some_tables_are_append_only(tables: dict[str, dict[str, str]]) -> None:
    kept = {
        f"{w}.{t}"
        for w, names in tables.items()
        for t, comment in names.items()
        if comment.startswith("append-only")
    }
    assert {"chat.messages", "payments.entries"} <= kept


@pytest.mark.parametrize("wing", WINGS)
async def test_the_relay_carries_facts_and_does_nothing_else(
    wing: str, environment: Mapping[str, str], tables: dict[str, dict[str, str]]
) -> None:
    relay = await connect(Config.from_environment(environment).relay_dsn(wing))
    entity = new_id()
    row = f"({entity}, 'k', {entity}, 1, 1, '')"
    assert not await denied(
        relay, f"INSERT INTO inbox (fact_id, kind, entity, version, occurred_us, data) VALUES {row}"
    )
    for sql in (
        "SELECT * FROM outbox",
        "UPDATE outbox SET kind = kind WHERE 1 = 0",
        "DELETE FROM outbox WHERE 1 = 0",
    ):
        assert not await denied(relay, sql)
    for sql in (
        "SELECT 1 FROM inbox", "UPDATE inbox SET done = 1", "DELETE FROM inbox",
        "INSERT INTO outbox (fact_id, kind, entity, version, occurred_us, data, pushes) VALUES (1, '', 1, 1, 1, '', '')",
    ):  # fmt: skip
        assert await denied(relay, sql)
    for table in tables[wing].keys() - {"outbox", "inbox"}:
        for sql in (
            f"SELECT 1 FROM {table}",
            f"DELETE FROM {table} WHERE 1 = 0",
            f"INSERT INTO {table} SELECT * FROM {table}",
        ):
            assert await denied(relay, sql), f"relay: {sql}"
    relay.close()
    me = await connect(Config.from_environment(environment).dsn(wing))
    await run(me, f"DELETE FROM inbox WHERE fact_id = {entity}")
    me.close()


async def test_not_even_the_administrator_changes_evidence(admin_config: Config) -> None:
    """The triggers refuse whoever has more rights than the wing."""
    admin = await connect(replace(admin_config.admin_dsn("payments")))
    for schema, table in (("payments", "entries"), ("chat", "messages")):
        triggers = await run(admin, f"SELECT EVENT_MANIPULATION FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = '{schema}' AND EVENT_OBJECT_TABLE = '{table}' AND ACTION_TIMING = 'BEFORE'")  # fmt: skip
        assert {row[0] for row in triggers} == {"UPDATE", "DELETE"}
        columns = await run(
            admin,
            "SELECT COLUMN_NAME, DATA_TYPE FROM information_schema.COLUMNS WHERE EXTRA NOT LIKE '%auto_increment%' "
            f"AND TABLE_SCHEMA = '{schema}' AND TABLE_NAME = '{table}'",
        )
        number = new_id()
        values = {
            name: str(number) if type_ == "bigint" else "1" if type_.endswith("int") else "'x'"
            for name, type_ in columns
        }
        await run(admin, "SET SESSION sql_mode = ''")
        await run(admin, "START TRANSACTION")  # what nobody can delete must not stay either
        await run(
            admin,
            f"INSERT INTO {schema}.{table} ({', '.join(values)}) VALUES ({', '.join(values.values())})",
        )
        big = next(name for name, type_ in columns if type_ == "bigint")
        for sql in (
            f"UPDATE {schema}.{table} SET {big} = {big} WHERE {big} = {number}",
            f"DELETE FROM {schema}.{table} WHERE {big} = {number}",
        ):
            with pytest.raises(pymysql.err.MySQLError, match="append-only"):
                await run(admin, sql)
        await run(admin, "ROLLBACK")
    admin.close()


async def test_a_second_run_changes_nothing(admin_config: Config) -> None:
    assert await migrate(admin_config) == []


@pytest.fixture
def fresh(admin_config: Config, servers: PrivateServers) -> Iterator[Config]:
    """Insights in a schema and with a user that do not exist yet."""
    name = f"t{new_id() % 10**9}"
    dsn = (
        admin_config.text("DSN_INSIGHTS")
        .replace("//insights:", f"//{name}:")
        .replace("/insights?", f"/{name}?")
    )
    yield Config({**admin_config.environment, "SHAREHUB_DSN_INSIGHTS": dsn})
    with servers.mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name}")
        for host in migrations.HOSTS:
            cursor.execute(f"DROP USER IF EXISTS {name}@'{host}'")


async def test_many_runs_at_once_apply_each_migration_once(fresh: Config) -> None:
    applied = await asyncio.gather(*(migrate(fresh, ["insights"]) for _ in range(4)))
    assert sorted(len(names) for names in applied) == [
        0,
        0,
        0,
        len(migrations.migrations("insights")),
    ]
    wing = await connect(fresh.dsn("insights"))
    assert await run(wing, "SELECT COUNT(*) FROM outbox") == [(0,)]
    wing.close()


async def test_a_migration_that_was_changed_is_refused_and_a_new_one_applied(
    fresh: Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    known = migrations.migrations("insights")
    await migrate(fresh, ["insights"])
    monkeypatch.setattr(
        migrations,
        "migrations",
        lambda wing: [*known, ("insights/0009_more.sql", "CREATE TABLE more (id INT);\n")],
    )
    assert [name.partition(": ")[2] for name in await migrate(fresh, ["insights"])] == [
        "insights/0009_more.sql"
    ]
    wing = await connect(fresh.dsn("insights"))
    assert not await denied(wing, "INSERT INTO more VALUES (1)")
    wing.close()
    name, sql = known[0]
    monkeypatch.setattr(
        migrations, "migrations", lambda wing: [(name, sql + "-- changed\n"), *known[1:]]
    )
    with pytest.raises(ConfigError, match=name):
        await migrate(fresh, ["insights"])


async def test_a_new_password_is_taken_over(fresh: Config) -> None:
    await migrate(fresh, ["insights"])
    old = fresh.dsn("insights")
    changed = fresh.text("DSN_INSIGHTS").replace(f"//{old.user}:", f"//{old.user}:new-")
    config = Config({**fresh.environment, "SHAREHUB_DSN_INSIGHTS": changed})
    await migrate(config, ["insights"])
    (await connect(config.dsn("insights"))).close()
    with pytest.raises(pymysql.err.OperationalError):
        await connect(old)


@pytest.mark.parametrize("schema", ["Insights", "in-sights", "a b", "x" * 33, "1a", "a;b"])
async def test_a_schema_with_a_strange_name_is_refused(admin_config: Config, schema: str) -> None:
    dsn = admin_config.text("DSN_INSIGHTS").replace("/insights?", f"/{schema}?")
    with pytest.raises(ConfigError, match="not a schema name"):
        await migrate(
            Config({**admin_config.environment, "SHAREHUB_DSN_INSIGHTS": dsn}), ["insights"]
        )


def test_a_file_is_cut_at_semicolons_that_end_a_line() -> None:
    sql = "-- a comment; with\nCREATE TABLE a (x CHAR(1) DEFAULT ';'\n);\n  -- more\nINSERT INTO a VALUES ('a;b');  \nSELECT 1"
    assert statements(sql) == [
        "CREATE TABLE a (x CHAR(1) DEFAULT ';'\n)",
        "INSERT INTO a VALUES ('a;b')",
        "SELECT 1",
    ]
    assert statements("-- nothing\n\n") == []
