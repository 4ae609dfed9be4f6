"""The one migration: a new database is what the code names, and one of 0010 or 0011 is brought along."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from ostiary.core.account import User
from ostiary.errors import ConfigurationError
from ostiary.storage import inspection, migrate, sessions
from ostiary.storage.database import Database
from ostiary.storage.migrations.tables_0012 import TABLES
from ostiary.storage.schema import metadata
from tests.support import databases

MOMENT = "2026-01-15 12:00:00.000000"
LATER = "2026-01-15 13:00:00.000000"
OLD_VIEW = "CREATE VIEW web_sessions AS SELECT id AS username FROM sessions"
PLAN = (
    "INSERT INTO plans (id, complete, filters, created_at, created_by, expires_at, count, users, looked_at, ended,"
    f" restored, undo_until) VALUES ('plan_x', true, '{{}}', '{MOMENT}', 'op', '{LATER}', 1, 1, 1, 1, 0, '{LATER}')"
)
SESSION = (
    "INSERT INTO sessions (id, secret_hash, user_id, kind, created_at, auth_time, last_used_at, expires_at, tenant,"
    " amr, revoked_at, revoked_reason, revoked_by, undo_plan_id)"
    f" VALUES ('sess_a', '', 'u1', 'browser', '{MOMENT}', '{MOMENT}', '{MOMENT}', '{MOMENT}', 'default', 'pwd',"
    f" '{MOMENT}', 'bulk', 'op', 'plan_x')"
)


@pytest.fixture(params=["", "acme"])
def names(request):
    """The settings of a place: by default, and another one."""
    return {"prefix": f"{request.param}_", "schema": request.param} if request.param else {}


@pytest.fixture
async def new(database_url, tmp_path, names):
    """A database that no version has seen yet."""
    is_sqlite = database_url.startswith("sqlite")
    database = Database(f"sqlite:///{tmp_path}/new.db" if is_sqlite else database_url, **names)
    if not is_sqlite:
        databases.spoil(database_url)
        connection = await asyncpg.connect(database_url)
        await connection.execute("DROP SCHEMA ostiary CASCADE")
        await connection.execute(f'ALTER DATABASE "{database_url.rsplit("/", 1)[1]}" RESET search_path')
        await connection.close()
    yield database
    await database.close()


@pytest.fixture
async def former(new, revision):
    """The same, as 0010 or 0011 had left it; with a session that a plan has suspended."""
    async with new.transaction() as db:
        await db.run_sync(TABLES.create_all)
        for statement in (PLAN, SESSION):
            await db.exec_driver_sql(statement)
        if revision == "0011":
            await db.exec_driver_sql(f"UPDATE sessions SET suspended_until = '{LATER}'")
        else:
            await db.exec_driver_sql("ALTER TABLE sessions DROP COLUMN suspended_until")
            for column in ("final_at", "settled", "settled_at"):
                await db.exec_driver_sql(f"ALTER TABLE plans DROP COLUMN {column}")
        await db.exec_driver_sql(OLD_VIEW if revision == "0010" else VIEW_OF_0011)
        await db.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
        await db.exec_driver_sql(f"INSERT INTO alembic_version VALUES ('{revision}')")
    return new


VIEW_OF_0011 = (
    "CREATE VIEW web_sessions AS SELECT user_id AS username, id AS session_id, created_at, expires_at, revoked_at,"
    " last_used_at, ip, user_agent, tenant AS status, user_id, suspended_until FROM sessions"
)


BEGAN = "2026-01-15 11:00:00.000000"
FAR, FARTHER = "2030-01-15 12:00:00.000000", "2030-02-15 12:00:00.000000"


def session_row(session_id, kind, began, used, ends, client_id=None):
    holder = "NULL" if client_id is None else f"'{client_id}'"
    return (
        "INSERT INTO sessions (id, secret_hash, user_id, kind, created_at, auth_time, last_used_at, expires_at, tenant,"
        f" amr, client_id) VALUES ('{session_id}', '', 'u1', '{kind}', '{began}', '{began}', '{used}', '{ends}',"
        f" 'default', 'pwd', {holder})"
    )


def client_row(client_id, third_party):
    return (
        "INSERT INTO clients (id, name, application_id, application_type, tenant, redirect_uris,"
        " post_logout_redirect_uris, grants, scopes, third_party, created_at) VALUES"
        f" ('{client_id}', 'x', 'x', 'web', 'default', '', '', '', '', {third_party}, '{MOMENT}')"
    )


def code_row(code_id, client_id, granted):
    return (
        "INSERT INTO authorization_codes (id, secret_hash, client_id, user_id, session_id, redirect_uri, scopes,"
        " code_challenge, auth_time, amr, expires_at, granted_session_id) VALUES"
        f" ('{code_id}', '', '{client_id}', 'u1', 'sess_r', 'x', '', 'x', '{MOMENT}', '', '{MOMENT}', '{granted}')"
    )


async def differences(database):
    wanted = database.naming.placed(metadata)
    place = {"version_table": database.naming.version_table, "version_table_schema": database.naming.schema}

    def is_ours(name, kind, parents):
        if kind == "schema":
            return name == database.naming.schema
        return kind != "table" or not database.is_sqlite or name.startswith(database.naming.prefix)

    def compare(connection):
        options = {"compare_type": True, "include_schemas": True, **place}
        context = MigrationContext.configure(connection, opts={**options, "include_name": is_ours})
        return compare_metadata(context, wanted)

    async with database.transaction() as db:
        return await db.run_sync(compare)


async def tables(database, schema=None):
    async with database.reading() as db:
        return set(await db.run_sync(lambda connection: inspect(connection).get_table_names(schema=schema)))


def test_the_newest_revision_is_the_one_that_alembic_ends_at():
    scripts = ScriptDirectory(str(Path(migrate.__file__).parent / "migrations"))
    assert migrate.newest() == scripts.get_current_head()


async def test_a_new_database_is_what_the_code_names(new):
    assert await migrate.upgrade(new) == (None, migrate.newest())
    assert await differences(new) == []
    assert await inspection.missing_indexes(new) == []
    assert await migrate.upgrade(new) == (migrate.newest(), migrate.newest())


async def test_an_applications_own_tables_stay_as_they_are(new, names):
    async with new.transaction() as db:
        for name in ("sessions", "users", "events", "alembic_version"):
            await db.exec_driver_sql(f"CREATE TABLE {name} (version_num TEXT)")
        await db.exec_driver_sql("INSERT INTO alembic_version VALUES ('0010')")
    if new.is_sqlite and not names:
        with pytest.raises(ConfigurationError, match=r"events, sessions, users already.*database_prefix"):
            await migrate.upgrade(new)
        return
    await migrate.upgrade(new)
    assert await differences(new) == []
    async with new.reading() as db:
        assert (await db.exec_driver_sql("SELECT version_num FROM alembic_version")).scalar_one() == "0010"
        assert await sessions.find(db, "sess_a") is None


@pytest.mark.parametrize("revision", ["0010", "0011"])
async def test_a_database_of_before_is_brought_along(former, revision):
    assert await migrate.current(former) == revision
    assert await migrate.upgrade(former) == (revision, migrate.newest())
    assert await differences(former) == []
    assert await inspection.missing_indexes(former) == []
    assert "alembic_version" not in await tables(former)
    assert former.is_sqlite or not await tables(former, "public")
    async with former.reading() as db:
        session = await sessions.find(db, "sess_a")
        assert session is not None and session.revoked is not None
        assert (session.user_id, session.revoked.suspended_until is not None) == (User("u1").id, True)


@pytest.mark.parametrize("revision", ["0011"])
async def test_an_older_one_is_refused_by_name(former, revision):
    async with former.transaction() as db:
        await db.exec_driver_sql("UPDATE alembic_version SET version_num = '0009'")
    with pytest.raises(ConfigurationError, match=r"schema 0009.*only 0010 and 0011"):
        await migrate.upgrade(former)
    assert await migrate.current(former) == "0009"


@pytest.mark.parametrize("revision", ["0011"])
async def test_grants_of_before_hang_under_the_sign_in_that_let_them_in(former):
    async with former.transaction() as db:
        for statement in (
            session_row("sess_r", "browser", BEGAN, BEGAN, FAR),
            session_row("sess_house", "oauth", MOMENT, LATER, FARTHER, "client_house"),
            session_row("sess_else", "oauth", MOMENT, LATER, FARTHER, "client_else"),
            session_row("sess_lost", "oauth", MOMENT, LATER, FARTHER, "client_house"),
            client_row("client_house", "false"),
            client_row("client_else", "true"),
            code_row("code_1", "client_house", "sess_house"),
            code_row("code_2", "client_else", "sess_else"),
        ):
            await db.exec_driver_sql(statement)
    await migrate.upgrade(former)
    async with former.reading() as db:
        root, house, other, lost = [
            await sessions.find(db, session_id) for session_id in ("sess_r", "sess_house", "sess_else", "sess_lost")
        ]
    assert root is not None and house is not None and other is not None and lost is not None
    assert (root.parent_id, root.path, root.hold, root.last_used_at) == (None, (), None, house.last_used_at)
    assert (house.parent_id, house.path, house.hold) == ("sess_r", ("sess_r",), "bound")
    assert (house.device_since, house.expires_at) == (root.created_at, root.expires_at)
    assert (other.parent_id, other.path, other.hold, other.device_id) == ("sess_r", (), "standing", "sess_r")
    assert other.expires_at > root.expires_at
    assert (lost.parent_id, lost.hold, lost.device_id) == (None, "standing", "sess_lost")
