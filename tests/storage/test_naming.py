"""Every statement names where its table is: none is found by a search path, and none is an application's own."""

from __future__ import annotations

import sqlite3

import asyncpg
import pytest

from ostiary.authority import Authority
from ostiary.core.selector import Selector
from ostiary.settings import Settings
from ostiary.storage import migrate
from ostiary.storage.naming import PLACEHOLDER, Naming
from tests.support import databases, people
from tests.support.people import add_user, caller, sign_in


@pytest.fixture
async def beside(database_url, tmp_path):
    """Settings for a database in which an application has tables by our names."""
    theirs = [f"CREATE TABLE {name} (theirs INTEGER)" for name in ("sessions", "users", "events", "cli_tokens")]
    url = f"sqlite:///{tmp_path}/app.db" if database_url.startswith("sqlite") else database_url
    if url.startswith("sqlite"):
        with sqlite3.connect(tmp_path / "app.db") as file:
            for statement in theirs:
                file.execute(statement)
    else:
        databases.spoil(url)
        connection = await asyncpg.connect(url)
        await connection.execute("DROP SCHEMA ostiary CASCADE; SET search_path = public; " + "; ".join(theirs))
        name = url.rsplit("/", 1)[1]
        await connection.execute(f'ALTER DATABASE "{name}" SET search_path = public')
        await connection.close()
    return Settings(database_url=url, database_schema="acme", database_prefix="acme_", **people.CHEAP_PASSWORDS)


async def test_an_authority_lives_beside_an_application(beside, clock, operator):
    async with Authority(beside, clock=clock) as authority:
        await migrate.upgrade(authority.database)
        await authority.ensure_ready()
        await authority.publish_policy()
        ada = await add_user(authority)
        started, other = await sign_in(authority), await sign_in(authority)
        me = await caller(authority, started)
        assert [one.id for one in await authority.sessions.list(by=me)]
        token = await authority.tokens.create(by=me, name="ci")
        assert (await authority.verify(token.secret)).user.id == ada.id
        clock.advance(minutes=5)
        await authority.verify(started.token, me.client)
        await authority.presence.flush()
        made = await authority.plans.make(Selector(user="ada"), by=operator)
        await authority.plans.apply(made.plan.id, by=operator)
        assert (await authority.administration.search(by=operator)).count == 2
        await authority.retention.purge(by=operator)
        async with authority.database.reading() as db:
            view = "web_sessions" if authority.database.is_sqlite else "acme.web_sessions"
            found = await db.exec_driver_sql(f"SELECT session_id FROM {view}")
            assert set(found.scalars()) == {started.session.id, other.session.id}
            for name in ("sessions", "users", "events", "cli_tokens"):
                assert (await db.exec_driver_sql(f"SELECT count(*) FROM {name}")).scalar_one() == 0


def test_a_statement_is_named_for_its_database():
    written = f"SELECT {PLACEHOLDER}.sessions.id FROM {PLACEHOLDER}.sessions"
    assert Naming("ostiary").statement(written) == "SELECT ostiary.sessions.id FROM ostiary.sessions"
    assert Naming(None).statement(written) == "SELECT sessions.id FROM sessions"
    assert Naming(None, "acme_").statement(written) == "SELECT acme_sessions.id FROM acme_sessions"
