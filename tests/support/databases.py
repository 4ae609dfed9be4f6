"""Empty, migrated databases: SQLite in a file, PostgreSQL where one answers."""

from __future__ import annotations

import functools
import os
import shutil
import socket
import uuid
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from ostiary.storage import migrate
from ostiary.storage.database import Database

POSTGRES = os.environ.get("OSTIARY_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432")


def skip(reason: str) -> None:
    """Skip a test whose part this machine lacks; a failure where everything is required to be there."""
    if os.environ.get("OSTIARY_TEST_REQUIRE") == "all":
        pytest.fail(f"required here: {reason}")
    pytest.skip(reason)


@functools.cache
def postgres_answers() -> bool:
    """True if something listens there; a test that then cannot sign in to it fails, and says why."""
    url = make_url(POSTGRES)
    try:
        socket.create_connection((url.host or "127.0.0.1", url.port or 5432), timeout=2).close()
    except OSError:
        return False
    return True


async def new_sqlite(directory: Path, template: Path) -> str:
    """A migrated file; migrated once, copied afterwards."""
    if not template.exists():
        database = Database(f"sqlite:///{template}")
        await migrate.upgrade(database)
        await database.close()
    path = directory / f"{uuid.uuid4().hex}.db"
    shutil.copy(template, path)
    return f"sqlite:///{path}"


TEMPLATE = f"ostiary_template_{os.getpid()}"


async def new_postgres() -> str:
    """A migrated database of its own, made from a template that is migrated once."""
    name = f"ostiary_test_{uuid.uuid4().hex[:12]}"
    admin = await asyncpg.connect(f"{POSTGRES}/postgres", timeout=5)
    try:
        if not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", TEMPLATE):
            await admin.execute(f'CREATE DATABASE "{TEMPLATE}"')
            database = Database(f"{POSTGRES}/{TEMPLATE}")
            await migrate.upgrade(database)
            await database.close()
        await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{TEMPLATE}"')
    finally:
        await admin.close()
    return f"{POSTGRES}/{name}"


async def drop_postgres(url: str) -> None:
    admin = await asyncpg.connect(f"{POSTGRES}/postgres", timeout=5)
    try:
        await admin.execute(f'DROP DATABASE IF EXISTS "{url.rsplit("/", 1)[1]}" WITH (FORCE)')
    finally:
        await admin.close()


async def drop_template() -> None:
    await drop_postgres(f"{POSTGRES}/{TEMPLATE}")
