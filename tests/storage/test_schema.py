"""A database is migrated once, is set up for durability, and what cannot be used is said in words."""

from __future__ import annotations

import asyncio
import threading

import pytest

from ostiary.errors import ConfigurationError, StoreUnavailable
from ostiary.storage import migrate
from ostiary.storage.database import Connection, Database, in_transaction
from ostiary.storage.database_url import read


async def test_a_database_is_migrated_once_and_says_where_it_is(authority):
    assert await migrate.current(authority.database) == migrate.newest()
    assert await migrate.upgrade(authority.database) == (migrate.newest(), migrate.newest())
    await authority.ensure_migrated()


async def test_two_processes_that_migrate_at_once_take_turns(tmp_path):
    nodes = [Database(f"sqlite:///{tmp_path}/new/ostiary.db") for _ in range(3)]
    done = await asyncio.gather(*(migrate.upgrade(node) for node in nodes))
    assert sorted(before or "" for before, _ in done) == ["", migrate.newest(), migrate.newest()]
    for node in nodes:
        await node.close()


async def test_sqlite_is_set_up_for_durability(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/a.db")
    async with database.transaction() as db:
        for pragma, value in (("journal_mode", "wal"), ("foreign_keys", 1), ("synchronous", 2), ("busy_timeout", 5000)):
            assert (await db.exec_driver_sql(f"PRAGMA {pragma}")).scalar_one() == value
    await database.close()


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://root@localhost/x", "sqlite://", "sqlite:///:memory:"])
def test_a_url_that_cannot_be_used_is_refused_in_words(url):
    with pytest.raises(ConfigurationError, match="database_url"):
        read(url)


def test_a_refused_url_does_not_repeat_its_password():
    with pytest.raises(ConfigurationError) as refused:
        read("mysql://root:hunter2@localhost/x")
    assert "hunter2" not in str(refused.value)


async def test_a_store_that_is_not_there_is_unavailable_not_broken(tmp_path):
    nowhere = Database("postgresql://postgres@127.0.0.1:1/none")
    with pytest.raises(StoreUnavailable):
        async with nowhere.transaction():
            pass
    (tmp_path / "directory.db").mkdir()
    no_file = Database(f"sqlite:///{tmp_path}/directory.db")
    with pytest.raises(StoreUnavailable):
        async with no_file.reading() as db:
            await db.exec_driver_sql("SELECT 1")
    for database in (nowhere, no_file):
        await database.close()
    # A connection that failed has a thread that ends in its own time: not after the loop that it reports to.
    for thread in threading.enumerate():
        if "_connection_worker_thread" in thread.name:
            await asyncio.to_thread(thread.join, 10)


# SQLite has one writer at a time: it cannot happen there.
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_the_whole_transaction_is_repeated_on_a_serialization_failure(authority):
    """Two transactions update two rows in opposite order: PostgreSQL ends one as a deadlock, which is run again."""
    async with authority.database.transaction() as db:
        await db.exec_driver_sql("INSERT INTO subjects (user_id) VALUES ('a'), ('b')")
    together = asyncio.Barrier(2)
    runs: list[str] = []

    class Verbs:
        database = authority.database

        @in_transaction
        async def cross(self, db: Connection, first: str, second: str) -> str:
            runs.append(first)
            await db.exec_driver_sql(f"UPDATE subjects SET cut_off = now() WHERE user_id = '{first}'")
            if len(runs) <= 2:
                await together.wait()
            await db.exec_driver_sql(f"UPDATE subjects SET cut_off = now() WHERE user_id = '{second}'")
            return first

    both = await asyncio.gather(Verbs().cross("a", "b"), Verbs().cross("b", "a"))
    assert sorted(both) == ["a", "b"]
    assert len(runs) == 3
