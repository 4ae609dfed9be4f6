"""The view `web_sessions`, for those who watch the database: it says of each session what a server would say now."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from itertools import product
from pathlib import Path

import asyncpg
import pytest

from ostiary.authority.authority import utc_now
from ostiary.core.session import Revocation, Session
from ostiary.core.token import mint
from ostiary.settings import Settings
from ostiary.storage import sessions
from tests.support.people import add_user

DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "sql.md"
COLUMNS = (
    "username", "session_id", "created_at", "expires_at", "revoked_at", "last_used_at", "ip", "user_agent", "status",
    "user_id", "suspended_until",
)  # fmt: skip
DAY = timedelta(days=1)


async def rows(authority, statement="SELECT * FROM web_sessions"):
    async with authority.database.reading() as db:
        found = await db.exec_driver_sql(statement)
        return [dict(row._mapping) for row in found]


async def add(authority, user_id: str, **changes) -> Session:
    now = utc_now()
    values = {"created_at": now - 2 * DAY, "last_used_at": now - DAY, "expires_at": now + 80 * DAY, **changes}
    made = mint("sess")
    session = Session(made.id, user_id, "browser", auth_time=values["created_at"], **values)
    async with authority.database.transaction() as db:
        await sessions.add(db, session, made.digest)
    return session


async def test_the_columns_are_the_documented_ones_in_their_order(authority):
    await add(authority, "user_x")
    assert tuple((await rows(authority))[0]) == COLUMNS
    table = [line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert tuple(name for line in table for name in re.findall(r"`(\w+)`", line.split("|")[1])) == COLUMNS


@pytest.mark.parametrize("idle", [None, timedelta(days=10), timedelta(days=60)])
@pytest.mark.parametrize("lifetime", [timedelta(days=20), timedelta(days=200)])
async def test_the_status_is_the_one_a_server_would_give_now(make_authority, settings, lifetime, idle):
    """Every combination of ages, under limits that were set before and after the sessions began."""
    assert isinstance(settings, Settings)
    changes = {"lifetime": lifetime, "idle_timeout": idle} if idle else {"lifetime": lifetime}
    async with make_authority(**changes) as authority:
        await authority.publish_policy()
        now = utc_now()
        ages = (timedelta(minutes=5), 15 * DAY, 29 * DAY, 31 * DAY, 100 * DAY)
        ends = (now + 300 * DAY, now + timedelta(minutes=1), now - timedelta(minutes=1))
        ended = (None, Revocation(now - timedelta(minutes=2), "user", "user_x"))
        made = [
            await add(
                authority, "user_x", created_at=now - age, last_used_at=now - use, expires_at=end, revoked=revoked
            )
            for age, use, end, revoked in product(ages, ages, ends, ended)
            if use <= age
        ]
        for age, use, since, stays in product(ages, ages, (None, *ages), (False, True)):
            if use <= age <= (since or age):
                root = {"device_since": now - since if since else None, "stays": stays}
                made.append(await add(authority, "user_x", created_at=now - age, last_used_at=now - use, **root))
        said = {row["session_id"]: row["status"] for row in await rows(authority)}
        assert said == {session.id: session.status(authority.policy, now) for session in made}
        assert set(said.values()) >= {"active", "expired", "revoked"}


async def test_a_server_that_never_started_leaves_what_the_rows_say(authority):
    live, over = await add(authority, "user_x"), await add(authority, "user_x", expires_at=utc_now() - DAY)
    said = {row["session_id"]: row["status"] for row in await rows(authority)}
    assert said == {live.id: "active", over.id: "expired"}


async def test_names_come_from_the_directory_and_ids_stand_in_where_there_are_none(authority):
    ada = await add_user(authority)
    await add(authority, ada.id)
    await add(authority, "elsewhere-7")
    assert {(row["username"], row["user_id"]) for row in await rows(authority)} == {
        ("ada", ada.id), ("elsewhere-7", "elsewhere-7"),
    }  # fmt: skip


async def test_every_query_of_the_document_runs_and_finds_what_it_says(authority):
    web_user = await add_user(authority, "web_user")
    now = utc_now()
    revoked = Revocation(now - timedelta(hours=1), "admin", "database:root")
    short = await add(authority, web_user.id, ip="203.0.113.9", expires_at=now + DAY)
    long = await add(authority, web_user.id, ip="198.51.100.1")
    gone = await add(authority, web_user.id, ip="203.0.113.9", expires_at=now + DAY, revoked=revoked)
    other = "SQLite" if not authority.database.is_sqlite else "PostgreSQL"
    blocks = re.findall(r"```sql\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    queries = [block for block in blocks if f"-- {other}" not in block and "CREATE ROLE" not in block]
    assert len(queries) == 7
    found = [{row.get("session_id", row.get("sessions")) for row in await rows(authority, query)} for query in queries]
    everything = {short.id, long.id, gone.id}
    assert found == [everything, {2}, everything, everything, {long.id}, {gone.id}, {short.id}]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_who_may_read_the_view_cannot_read_hashes_of_secrets(authority, database_url):
    """The document's grant: a role that has the view has nothing else."""
    await add(authority, "user_x")
    role = f"monitoring_{uuid.uuid4().hex[:8]}"
    blocks = re.findall(r"```sql\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    grant = next(block for block in blocks if "CREATE ROLE" in block).replace("monitoring", role)
    owner = await asyncpg.connect(database_url, timeout=5)
    try:
        await owner.execute(grant)
        assert await owner.fetchval("SELECT rolconfig FROM pg_roles WHERE rolname = $1", role) == [
            "search_path=ostiary"
        ]
        await owner.execute(f"SET ROLE {role}; SET search_path = ostiary")
        assert await owner.fetchval("SELECT count(*) FROM web_sessions") == 1
        for table in ("sessions", "users", "events", "cli_tokens"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await owner.fetch(f"SELECT * FROM {table}")
        with pytest.raises(asyncpg.PostgresError):
            await owner.execute("UPDATE web_sessions SET revoked_at = NULL")
    finally:
        await owner.execute(f"RESET ROLE; DROP OWNED BY {role}; DROP ROLE {role}")
        await owner.close()
