"""What a server does by itself."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy.exc import OperationalError

from ostiary.authority import upkeep
from tests.support.people import add_user, sign_in

PATIENCE = 20.0  # seconds


async def count(authority, table):
    async with authority.database.reading() as db:
        try:
            return (await db.exec_driver_sql(f"SELECT count(*) FROM {table}")).scalar_one()
        except OperationalError:  # SQLite makes this one when it is needed
            return 0


@pytest.fixture
def at_once(monkeypatch):
    monkeypatch.setattr(upkeep, "OFTEN", 0.01)
    monkeypatch.setattr(upkeep, "FIRST", 0.0)


async def test_it_seals_writes_lags_down_publishes_and_looks_at_what_is_there(authority, at_once):
    await add_user(authority)
    await sign_in(authority)
    authority.lags.note(0.2)
    authority.upkeep.begin()
    tables = ["lags", "policy_in_force", *(["event_chain", "sqlite_stat1"] if authority.database.is_sqlite else [])]
    async with asyncio.timeout(PATIENCE):
        while not all([await count(authority, table) for table in tables]):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)
    await authority.upkeep.stop()


@pytest.mark.parametrize("purges", [True, False])
async def test_it_purges_only_if_it_may(make_authority, at_once, purges, clock):
    async with make_authority(purge_automatically=purges) as authority:
        await add_user(authority)
        await sign_in(authority)
        clock.advance(days=1000)
        authority.upkeep.begin()
        async with asyncio.timeout(PATIENCE):
            while await count(authority, "policy_in_force") == 0 or (purges and await count(authority, "sessions")):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        await authority.upkeep.stop()
        assert await count(authority, "sessions") == (0 if purges else 1)
