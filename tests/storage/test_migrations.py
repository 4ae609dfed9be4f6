"""What an older version left behind is carried on by this one."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from ostiary.core.account import User
from ostiary.storage import migrate, plans
from ostiary.storage.database import Database
from ostiary.storage.reader import open_reader
from tests.support import databases


@pytest.fixture
async def old(database_url, tmp_path):
    """A database that no version has seen yet."""
    is_sqlite = database_url.startswith("sqlite")
    database = Database(f"sqlite:///{tmp_path}/old.db" if is_sqlite else database_url)
    if not is_sqlite:
        databases.spoil(database_url)  # a schema that was made anew lacks the grants of the one that was there
        async with database.transaction() as db:
            await db.exec_driver_sql("DROP SCHEMA public CASCADE")
            await db.exec_driver_sql("CREATE SCHEMA public")
    yield database
    await database.close()


async def bring_to(database, revision):
    def upgrade(connection):
        config = Config()
        config.set_main_option("path_separator", "os")
        config.set_main_option("script_location", str(migrate._MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    async with database.transaction() as db:
        await db.run_sync(upgrade)


async def test_a_plan_that_was_half_applied_goes_on_behind_what_it_ended(old):
    await bring_to(old, "0007")
    async with old.transaction() as db:
        for one in "badc":
            row = {"one": f"sess_{one}"}
            await db.execute(text("INSERT INTO plan_sessions (plan_id, session_id) VALUES ('plan_x', :one)"), row)
        await db.exec_driver_sql(
            "INSERT INTO plans (id, complete, filters, created_at, created_by, expires_at, count, users, cursor, ended,"
            " restored) VALUES ('plan_x', true, '{}', '2026-01-15 12:00:00', 'op', '2026-01-15 12:15:00', 4, 1,"
            " 'sess_b', 2, 0)"
        )
    assert (await migrate.upgrade(old))[0] == "0007"
    async with old.reading() as db:
        plan = await plans.find(db, "plan_x")
        assert plan is not None
        assert (plan.looked_at, plan.ended, plan.count) == (2, 2, 4)
        assert await plans.pinned(db, "plan_x", plan.looked_at, 10) == ["sess_c", "sess_d"]


async def test_sessions_say_whose_they_are(old):
    await bring_to(old, "0009")
    moment = "2026-01-15 12:00:00"
    async with old.transaction() as db:
        await db.exec_driver_sql(
            "INSERT INTO users (id, username, username_key, email, password_hash, roles, created_at,"
            f" password_changed_at) VALUES ('u1', 'Ada', 'ada', 'ada@example.org', '!', 'admin member', '{moment}',"
            f" '{moment}')"
        )
        for session, user in (("sess_a", "u1"), ("sess_b", "theirs")):
            await db.exec_driver_sql(
                "INSERT INTO sessions (id, secret_hash, user_id, kind, created_at, auth_time, last_used_at, expires_at,"
                f" tenant, amr) VALUES ('{session}', '', '{user}', 'browser', '{moment}', '{moment}', '{moment}',"
                f" '{moment}', 'default', 'pwd')"
            )
    await migrate.upgrade(old)
    reader = open_reader(old)
    asked = reader.sessions(["sess_a", "sess_b"])
    found = asked if isinstance(asked, Mapping) else await asked
    users = {id_: row.user for id_, row in found.items()}
    await reader.close()
    assert users == {
        "sess_a": User("u1", "Ada", "ada@example.org", ("admin", "member")),
        "sess_b": User("theirs"),
    }
