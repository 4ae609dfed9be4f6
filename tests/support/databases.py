"""Empty, migrated databases: SQLite in a file, PostgreSQL where one answers."""

from __future__ import annotations

import functools
import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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
# Only what was written to: a table that is truncated gets new files for itself and each index, used or not.
EMPTY = """
DO $$ DECLARE one text; is_used boolean; used text[] := '{}'; BEGIN
  FOR one IN SELECT format('ostiary.%I', tablename) FROM pg_tables
             WHERE schemaname = 'ostiary' AND tablename <> 'ostiary_alembic_version' LOOP
    EXECUTE 'SELECT EXISTS (SELECT FROM ' || one || ')' INTO is_used;
    IF is_used THEN used := used || one; END IF;
  END LOOP;
  IF used <> '{}' THEN EXECUTE 'TRUNCATE ' || array_to_string(used, ', ') || ' CASCADE'; END IF;
  PERFORM setval(format('ostiary.%I', sequencename), start_value, false) FROM pg_sequences
    WHERE schemaname = 'ostiary' AND last_value IS NOT NULL;
END $$
"""
_made: list[str] = []
_spoiled: set[str] = set()  # those among them that a test changed for good
_free: list[str] = []  # databases that a test gave back: emptying one is ten times as fast as making one


def made_any() -> bool:
    """True if this process made databases on PostgreSQL."""
    return bool(_made)


async def new_postgres() -> str:
    """An empty, migrated database: one that was given back, or a copy of a template that is migrated once."""
    if _free:
        return f"{POSTGRES}/{_free.pop()}"
    name = f"ostiary_test_{uuid.uuid4().hex[:12]}"
    admin = await asyncpg.connect(f"{POSTGRES}/postgres", timeout=5)
    try:
        if not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", TEMPLATE):
            await admin.execute(f'CREATE DATABASE "{TEMPLATE}"')
            database = Database(f"{POSTGRES}/{TEMPLATE}")
            await migrate.upgrade(database)
            await database.close()
        await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{TEMPLATE}"')
        # No test takes the power away, and on a slow disk most of their time would go into waiting for it.
        await admin.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
        # For the tests' own statements; ours name the schema (tests/storage/test_naming.py).
        await admin.execute(f'ALTER DATABASE "{name}" SET search_path = ostiary, public')
        _made.append(name)
    finally:
        await admin.close()
    return f"{POSTGRES}/{name}"


async def drop_postgres(url: str) -> None:
    """Give a database back: whoever still holds on to it is cut off, and it is emptied for the next test."""
    name = url.rsplit("/", 1)[1]
    if name not in _made or name in _spoiled:
        await _execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        return
    connection = await asyncpg.connect(url, timeout=5)
    try:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()"
        await connection.fetch(others, name)
        await connection.execute(EMPTY)
    finally:
        await connection.close()
    _free.append(name)


def spoil(url: str) -> None:
    """Say that a database will not be as it was: it is dropped after the test, and no other one gets it."""
    _spoiled.add(url.rsplit("/", 1)[1])


async def drop_template() -> None:
    """Remove every database that was made here."""
    _free.clear()
    while _made:
        await _execute(f'DROP DATABASE IF EXISTS "{_made.pop()}" WITH (FORCE)')
    await _execute(f'DROP DATABASE IF EXISTS "{TEMPLATE}" WITH (FORCE)')


async def _execute(statement: str) -> None:
    admin = await asyncpg.connect(f"{POSTGRES}/postgres", timeout=5)
    try:
        await admin.execute(statement)
    finally:
        await admin.close()


class PrivatePostgres:
    """A PostgreSQL of this test's own, that it may stop and start; and standbys of it."""

    def __init__(self, directory: Path) -> None:
        programs = sorted(Path("/usr/lib/postgresql").glob("*/bin")) + [
            Path(found).resolve().parent for found in [shutil.which("pg_ctl")] if found
        ]
        if not programs or not (programs[-1] / "initdb").exists():
            skip("no PostgreSQL programs to start a cluster with")
        self._programs = programs[-1]
        # PostgreSQL refuses to run as root: there it runs as the user that its package made, in a directory of its own,
        # as pytest closes the ones that it made to everybody else again and again.
        self._as = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        self._home = Path(tempfile.mkdtemp(prefix="ostiary-postgres-")) if self._as else directory
        self._data = self._home / "data"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        # Without TLS: asyncpg leaves an error that nobody reads where a connection is given up while it is asked for.
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        if self._as:
            shutil.chown(self._home, "postgres")

    def __enter__(self) -> PrivatePostgres:
        self._run("initdb", "-D", str(self._data), "-U", "postgres", "-A", "trust", "-N")
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self._home, ignore_errors=True)

    @contextmanager
    def standby(self, directory: Path) -> Iterator[PrivatePostgres]:
        """A standby that follows this one, from now on."""
        standby = PrivatePostgres(directory)
        standby._run(
            "pg_basebackup", "-D", str(standby._data), "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres",
            "-R", "-X", "stream", "-c", "fast", "-N",
        )  # fmt: skip
        standby.start()
        try:
            yield standby
        finally:
            standby.__exit__()

    def follow(self, other: PrivatePostgres) -> None:
        """Be a standby of another one from the next start on; as it began as a copy of it, or the other way round."""
        with (self._data / "postgresql.auto.conf").open("a") as file:
            file.write(f"primary_conninfo = 'host=127.0.0.1 port={other.port} user=postgres'\n")
        signal = self._data / "standby.signal"
        signal.touch()
        if self._as:
            shutil.chown(signal, "postgres")

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
        self._run("pg_ctl", "-D", str(self._data), "-w", "-l", str(self._data / "log"), "-o", options, "start")

    def stop(self, mode: str = "immediate") -> None:
        self._run("pg_ctl", "-D", str(self._data), "-w", "-m", mode, "stop", check=False)

    def restart(self) -> None:
        self.stop("fast")
        self.start()

    async def execute(self, *statements: str, database: str = "postgres") -> Any:
        """Run statements; what the last one says."""
        connection = await asyncpg.connect(f"{self.url.rpartition('/')[0]}/{database}", timeout=5)
        try:
            return [await connection.fetchval(statement) for statement in statements][-1]
        finally:
            await connection.close()

    def _run(self, program: str, *words: str, check: bool = True) -> None:
        done = subprocess.run(
            [*self._as, str(self._programs / program), *words],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, cwd="/", check=False,
        )  # fmt: skip
        if check and done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr.decode()}")
