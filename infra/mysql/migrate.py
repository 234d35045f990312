"""Forward-only migrations and grants: `python -m infra.mysql.migrate [wing ...]`.

For each wing: its schema, the shared tables (infra/mysql/schema), its own (market/<wing>/schema), in the order of their
names; then its user, who may read and write its own tables and nothing else, the relay's user, and, where the wing has a
replica, the user who may only read. A table whose COMMENT starts with "append-only" gets no UPDATE and no DELETE. Safe to run
again, and at once from several places.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiomysql

from infra.config import WINGS, Config, ConfigError, Dsn

ROOT = Path(__file__).resolve().parents[2]
HOSTS = ("%", "localhost")
NOBODY_LOOKS_AT = ("outbox", "inbox", "idempotency")
"""What only a primary is ever asked for."""
_NAME = re.compile(r"^[a-z][a-z0-9_]{0,31}$")


def migrations(wing: str) -> list[tuple[str, str]]:
    """(name, SQL) in the order in which they apply."""
    folders = (("shared", ROOT / "infra/mysql/schema"), (wing, ROOT / "market" / wing / "schema"))
    return [
        (f"{owner}/{path.name}", path.read_text(encoding="utf-8"))
        for owner, folder in folders
        for path in sorted(folder.glob("*.sql"))
    ]


def statements(sql: str) -> list[str]:
    """A file's statements: each ends with a semicolon at the end of a line."""
    bare = "\n".join(line for line in sql.splitlines() if not line.lstrip().startswith("--"))
    return [part.strip() for part in re.split(r";\s*(?:\n|$)", bare) if part.strip()]


async def migrate(config: Config, wings: Sequence[str] = WINGS) -> list[str]:
    """The names of the migrations that were applied now."""
    applied = []
    for wing in wings:
        dsn = config.dsn(wing)
        connection = await _admin(config.admin_dsn(wing))
        try:
            async with connection.cursor() as cursor:
                await cursor.execute("SELECT GET_LOCK('sharehub_migrate', 60)")
                if (await cursor.fetchone())[0] != 1:
                    raise ConfigError("another migration has been running for a minute")
                applied += await _migrate_wing(cursor, wing, dsn.schema)
                await _grant(cursor, dsn, config.relay_dsn(wing), config.replica_dsn(wing))
        finally:
            connection.close()
    return applied


async def _admin(dsn: Dsn) -> aiomysql.Connection:
    where: dict[str, Any] = (
        {"unix_socket": dsn.unix_socket}
        if dsn.unix_socket
        else {"host": dsn.host, "port": dsn.port}
    )
    return await aiomysql.connect(
        user=dsn.user,
        password=dsn.password,
        autocommit=True,
        charset="utf8mb4",
        connect_timeout=10,
        **where,
    )


async def _migrate_wing(cursor: aiomysql.Cursor, wing: str, schema: str) -> list[str]:
    if not _NAME.match(schema):
        raise ConfigError(f"{schema!r} is not a schema name")
    await cursor.execute(
        "SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %s", (schema,)
    )
    if (await cursor.fetchone())[0] == 0:
        await cursor.execute(
            f"CREATE DATABASE {schema} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci"
        )
    await cursor.execute(f"USE {schema}")
    await cursor.execute("SHOW TABLES LIKE 'migrations'")
    if not await cursor.fetchall():
        await cursor.execute(
            "CREATE TABLE migrations (name VARCHAR(128) NOT NULL PRIMARY KEY, digest CHAR(64) NOT NULL,"
            " applied_ms BIGINT NOT NULL) ENGINE=InnoDB"
        )
    await cursor.execute("SELECT name, digest FROM migrations")
    known = dict(await cursor.fetchall())
    applied = []
    for name, sql in migrations(wing):
        digest = hashlib.sha256(sql.encode()).hexdigest()
        if name in known:
            if known[name] != digest:
                raise ConfigError(
                    f"migration {name} was changed after it had been applied; add a new one"
                )
            continue
        for statement in statements(sql):
            await cursor.execute(statement)
        await cursor.execute(
            "INSERT INTO migrations VALUES (%s, %s, %s)",
            (name, digest, time.time_ns() // 1_000_000),
        )
        applied.append(f"{schema}: {name}")
    return applied


async def _grant(cursor: aiomysql.Cursor, wing: Dsn, relay: Dsn, reader: Dsn | None) -> None:
    await cursor.execute(
        "SELECT TABLE_NAME, TABLE_COMMENT FROM information_schema.TABLES "
        "WHERE TABLE_SCHEMA = %s AND TABLE_TYPE = 'BASE TABLE'",
        (wing.schema,),
    )
    tables = await cursor.fetchall()
    for dsn in filter(None, (wing, relay, reader)):
        if not _NAME.match(dsn.user):
            raise ConfigError(f"{dsn.user!r} is not a user name")
        for host in HOSTS:
            await cursor.execute(
                "CREATE USER IF NOT EXISTS %s@%s IDENTIFIED BY %s", (dsn.user, host, dsn.password)
            )
            await cursor.execute(
                "ALTER USER %s@%s IDENTIFIED BY %s", (dsn.user, host, dsn.password)
            )
    for host in HOSTS:
        for table, comment in tables:
            if table == "migrations":
                continue
            rights = "SELECT, INSERT"
            if not comment.startswith("append-only"):
                rights += ", UPDATE, DELETE"
            await cursor.execute(
                f"GRANT {rights} ON {wing.schema}.{table} TO '{wing.user}'@'{host}'"
            )
            if reader is not None and table not in NOBODY_LOOKS_AT:
                await cursor.execute(
                    f"GRANT SELECT ON {wing.schema}.{table} TO '{reader.user}'@'{host}'"
                )
        await cursor.execute(
            f"GRANT SELECT, UPDATE, DELETE ON {wing.schema}.outbox TO '{relay.user}'@'{host}'"
        )
        await cursor.execute(f"GRANT INSERT ON {wing.schema}.inbox TO '{relay.user}'@'{host}'")


def main() -> int:
    wings = sys.argv[1:] or list(WINGS)
    unknown = set(wings) - set(WINGS)
    if unknown:
        print(f"unknown wing: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    warnings.filterwarnings(
        "ignore", category=aiomysql.Warning
    )  # "user already exists" is what we want
    try:
        applied = asyncio.run(migrate(Config.from_environment(), wings))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(applied)} migrations applied" if applied else "schemas are up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main())
