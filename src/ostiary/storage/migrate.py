"""Bring a database to the newest schema, or tell how far it is."""

from __future__ import annotations

import asyncio
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, inspect

from ostiary.storage import former
from ostiary.storage.database import Database
from ostiary.storage.naming import Naming

_MIGRATIONS = Path(__file__).parent / "migrations"


@cache
def newest() -> str:
    """The revision that this version of Ostiary needs: each file is named by its own, and they count upward.

    Alembic reads them all to say the same. A server that starts, or is asked whether it is ready, has no use for it.
    """
    return max(path.name.partition("_")[0] for path in (_MIGRATIONS / "versions").glob("[0-9]*_*.py"))


async def current(database: Database) -> str | None:
    """The revision that the database is at; None for an empty one.

    Raises:
        StoreUnavailable: it cannot be reached.
    """
    async with database.reading() as db:
        return await db.run_sync(_revision, database.naming)


async def upgrade(database: Database) -> tuple[str | None, str]:
    """Run what is missing, in one transaction. Returns the revisions before and after.

    Two processes that start at once take turns: SQLite by its write lock, PostgreSQL by an advisory lock.

    Raises:
        ConfigurationError: it is of an older version, or has tables of somebody else by our names; nothing has changed.
        StoreUnavailable: it cannot be reached; likewise.
    """
    if database.file is not None:
        await asyncio.to_thread(_make_directory, database.file)
    async with database.transaction(within=None) as db:
        return await db.run_sync(_upgrade, database.naming)


def _make_directory(file: Path) -> None:
    file.absolute().parent.mkdir(parents=True, exist_ok=True, mode=0o700)


def _upgrade(connection: Connection, naming: Naming) -> tuple[str | None, str]:
    if naming.schema is not None:
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('ostiary migrate'))")
        if not inspect(connection).has_schema(naming.schema):
            connection.exec_driver_sql(f"CREATE SCHEMA {naming.schema}")
    before = _revision(connection, naming)
    if before != newest():
        _run(connection, naming)
    return before, newest()


def _run(connection: Connection, naming: Naming) -> None:
    # Here, as it takes as long to load as a fifth of all that a server needs, which is seldom migrated at its start.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("path_separator", "os")
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"], config.attributes["naming"] = connection, naming
    command.upgrade(config, "head")


def _revision(connection: Connection, naming: Naming) -> str | None:
    if inspect(connection).has_table(naming.version_table, schema=naming.schema):
        place = f"{naming.schema}." if naming.schema else ""
        own = connection.exec_driver_sql(f"SELECT version_num FROM {place}{naming.version_table}").scalar()  # noqa: S608
        if own is not None:
            return str(own)
    found = former.find(connection)
    return None if found is None else found.revision
