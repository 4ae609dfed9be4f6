"""Bring a database to the newest schema, or tell how far it is."""

from __future__ import annotations

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from ostiary.storage.database import Database

_MIGRATIONS = Path(__file__).parent / "migrations"


def newest() -> str:
    """The revision that this version of Ostiary needs."""
    return str(ScriptDirectory(str(_MIGRATIONS)).get_current_head())


async def current(database: Database) -> str | None:
    """The revision that the database is at; None for an empty one.

    Raises:
        StoreUnavailable: it cannot be reached.
    """

    def read(connection: Connection) -> str | None:
        return MigrationContext.configure(connection).get_current_revision()

    async with database.reading() as db:
        return await db.run_sync(read)


async def upgrade(database: Database) -> tuple[str | None, str]:
    """Run what is missing, in one transaction. Returns the revisions before and after.

    Two processes that start at once take turns: SQLite by its write lock, PostgreSQL by an advisory lock.

    Raises:
        StoreUnavailable: it cannot be reached; nothing has changed.
    """
    if database.file is not None:
        await asyncio.to_thread(_make_directory, database.file)
    async with database.transaction(within=None) as db:
        return await db.run_sync(_upgrade)


def _make_directory(file: Path) -> None:
    file.absolute().parent.mkdir(parents=True, exist_ok=True, mode=0o700)


def _upgrade(connection: Connection) -> tuple[str | None, str]:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('ostiary migrate'))")
    before = MigrationContext.configure(connection).get_current_revision()
    config = Config()
    config.set_main_option("path_separator", "os")
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    return before, newest()
