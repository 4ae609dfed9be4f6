"""What the bare drivers read for lists is what the statements of all others say."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from ostiary.core.client import seen
from ostiary.core.policy import PRESETS
from ostiary.errors import StoreUnavailable
from ostiary.settings import Settings
from ostiary.storage import accounts, sessions
from ostiary.storage.database import Database
from ostiary.storage.postgres_reader import PostgresReader
from ostiary.storage.reader import open_reader
from tests.support.people import FIREFOX, add_user

AGES = (0, 1, 29, 31, 59, 61, 89, 91)  # days, beside every limit of every preset


@pytest.fixture
async def aged(authority, clock, operator):
    """Sessions of two users, begun on many days; some ended, some used since. The first user's id."""
    ada, eve = await add_user(authority), await add_user(authority, "eve")
    for days in sorted(AGES, reverse=True):
        for user in (ada, eve):
            kept = await authority.sessions.start(user.id, client=seen("203.0.113.7", FIREFOX), label=f"{days} days")
            gone = await authority.sessions.start(user.id, client=seen(None, None))
            await authority.administration.revoke(gone.session.id, by=operator)
            await authority.verify(kept.token, seen("203.0.113.8", FIREFOX))
        clock.advance(hours=7)
    clock.advance(days=45)
    return ada.id


async def lists(reader, user_ids, policy, now, limit=1000):
    found = reader.lists(user_ids, policy, now, limit)
    rows = found if isinstance(found, dict) else await found
    return {user_id: shown(of_user) for user_id, of_user in rows.items() if of_user}


def shown(found):
    return [one.session for one in found]


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("later", [0, 14, 30, 44.9])
async def test_the_live_sessions_of_a_user_are_those_of_the_rule_in_the_order_of_their_use(
    authority, clock, aged, preset, later
):
    clock.advance(days=later)
    policy, now = PRESETS[preset], clock()
    reader = open_reader(authority.database)
    try:
        found = (await lists(reader, [aged], policy, now)).get(aged, [])
        async with authority.database.reading() as db:
            assert found == await sessions.list_of_user(db, aged, policy, now)
            everything = await sessions.list_of_user(db, aged, policy, now, ended=True)
        assert {one.id for one in found} == {one.id for one in everything if one.refusal(policy, now) is None}
        assert (await lists(reader, [aged], policy, now, 2)).get(aged, []) == found[:2]
        assert not (await lists(reader, ["' OR 1=1 --", '"], []'], policy, now)).keys() - {aged}
        async with authority.database.reading() as db:
            account = await accounts.find(db, "eve")
            assert account is not None
            eve = account.user.id
            of_both = {one: await sessions.list_of_user(db, one, policy, now) for one in (eve, aged)}
        assert await lists(reader, [eve, "nobody", aged], policy, now) == {k: v for k, v in of_both.items() if v}
    finally:
        await reader.close()


async def test_a_list_without_a_store_is_no_empty_list(tmp_path, clock):
    reader = open_reader(Database(Settings(database_url=f"sqlite:///{tmp_path}/nothing.db").database_url))
    with pytest.raises(StoreUnavailable):
        await lists(reader, ["user"], PRESETS["default"], clock(), 10)


OF_READERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%secret_hash%ANY%'"
)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_connection_is_opened_when_it_is_needed_and_no_more_than_there_are_lanes(authority):
    started = [await authority.sessions.start(f"user-{number}", client=seen(None, None)) for number in range(20)]
    ids = [one.session.id for one in started]
    reader = PostgresReader(authority.database.postgres, authority.database.naming)
    try:
        for id_ in ids:  # one after the other
            assert list(await reader.sessions([id_])) == [id_]
        assert await opened(authority) == 1
        answers = await asyncio.gather(*(reader.sessions([id_, "sess_nobody"]) for id_ in ids))
        assert [list(answer) for answer in answers] == [[id_] for id_ in ids]
        assert await opened(authority) == PostgresReader.lanes
    finally:
        await reader.close()


async def opened(authority) -> int:
    async with authority.database.reading() as db:
        counted: int = (await db.execute(text(OF_READERS))).scalar_one()
    return counted - 1  # the question itself
