"""The stores that contenders keep their sessions in: made for the run, gone after it."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import asyncpg

from bench.running import CORES, Failed

_made: list[tuple[str, str]] = []  # where, and under which name


@contextlib.contextmanager
def postgres_database(at: str) -> Iterator[str]:
    """A new database on a PostgreSQL that is there; its settings are its own, the same for all."""
    if not at:
        raise Failed("no PostgreSQL was named")
    name = f"ostiary_bench_{uuid.uuid4().hex[:8]}"
    try:
        asyncio.run(execute(at, f'CREATE DATABASE "{name}"'))
    except (OSError, asyncpg.PostgresError) as why:
        raise Failed(f"PostgreSQL at {at}: {why}") from None
    _made.append((at, name))
    try:
        yield f"{at}/{name}"
    finally:
        _made.remove((at, name))
        asyncio.run(execute(at, f'DROP DATABASE "{name}" WITH (FORCE)'))


def tidy() -> None:
    """Vacuum every database of the run where PostgreSQL does not do so by itself, as it would."""
    for at, name in _made:
        asyncio.run(_vacuum(at, name))


async def _vacuum(at: str, name: str) -> None:
    connection = await asyncpg.connect(f"{at}/{name}")
    if await connection.fetchval("SHOW autovacuum") == "off":
        await connection.execute("VACUUM (ANALYZE)")
    await connection.close()


async def execute(url: str, statement: str, database: str = "postgres") -> None:
    connection = await asyncpg.connect(f"{url}/{database}")
    await connection.execute(statement)
    await connection.close()


@contextlib.contextmanager
def redis(directory: Path) -> Iterator[str]:
    """A Redis of the run's own, that writes every change to its log within a second, as its documentation advises."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        raise Failed("no redis-server here (Debian: apt-get install redis-server)")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # On any core: this process, and what it starts, may be held to the load's.
    anywhere = ["taskset", "-c", ",".join(map(str, CORES))]
    process = subprocess.Popen(
        [*anywhere, program, "--port", str(port), "--bind", "127.0.0.1", "--dir", directory, "--appendonly", "yes"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)
