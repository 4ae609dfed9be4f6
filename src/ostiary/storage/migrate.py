"""Bring a database to the newest schema, or tell how far it is."""

from __future__ import annotations

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from ostiary.storage import former
from ostiary.storage.database import Database
from ostiary.storage.naming import Naming

_MIGRATIONS = Path(__file__).parent / "migrations"


def newest() -> str:
    """The revision that this version of Ostiary needs."""
    return str(ScriptDirectory(str(_MIGRATIONS)).get_current_head())


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
    config = Config()
    config.set_main_option("path_separator", "os")
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"], config.attributes["naming"] = connection, naming
    command.upgrade(config, "head")
    return before, newest()


def _revision(connection: Connection, naming: Naming) -> str | None:
    place = {"version_table": naming.version_table, "version_table_schema": naming.schema}
    own = MigrationContext.configure(connection, opts=place).get_current_revision()
    found = former.find(connection) if own is None else None
    return found.revision if found is not None else own
