"""The primary, or nothing: a real primary and a real standby, paused, promoted, demoted, read-only, restarted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from ostiary.application import create_app
from ostiary.authority import Authority
from ostiary.cli.checks.server_side import server_side
from ostiary.errors import ConfigurationError, SessionRevoked, StoreUnavailable
from ostiary.http import serving
from ostiary.http.app import Application
from ostiary.http.openapi import document
from ostiary.integrations.embedded import Embedded
from ostiary.settings import Settings
from ostiary.storage.database import Database
from ostiary.storage.engines import CHECK_AFTER
from tests.http.visitors import API, OPERATOR, add_people, held, script, signed_in, visitor
from tests.support.databases import PrivatePostgres
from tests.support.people import at
from tests.support.primaries import Pair, migrated, pair

KEY = "k" * 43
DATABASE = "postgres"


@pytest.fixture(scope="module")
def both(tmp_path_factory) -> Iterator[Pair]:
    with pair(tmp_path_factory.mktemp("pair")) as both:
        asyncio.run(migrated(both.primary.url))
        yield both


def settings_of(url: str) -> Settings:
    return Settings(database_url=url, password_memory_kib=19456, password_time_cost=2, key=KEY)


@pytest.fixture
async def primary(both) -> AsyncIterator[PrivatePostgres]:
    """The one that is the primary now, empty; the other follows it."""
    for one in (both.primary, both.standby):
        if not await one.execute("SELECT pg_is_in_recovery()"):
            await one.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
                "TRUNCATE ostiary.sessions, ostiary.events, ostiary.users, ostiary.cli_tokens, ostiary.subjects",
            )
            yield one
            return
    raise AssertionError("no primary")


@pytest.fixture
async def app(both, primary) -> AsyncIterator[Application]:
    """The whole server, on a URL of both hosts."""
    async with create_app(settings_of(both.url)) as app:
        await add_people(app.authority)
        yield app


async def refused_everywhere(url: str, word: str) -> None:
    """Each pool refuses to use it, and says why."""
    database = Database(url)
    authority = Authority(settings_of(url))
    assert database.postgres is not None
    embedded = Embedded(settings_of(url))
    await embedded.open()

    async def act() -> None:
        async with database.transaction():
            pass

    async def read() -> None:
        async with database.reading():
            pass

    async def read_through() -> None:
        async with database.reading_through():
            pass

    token = f"{'a' * 26}.{'B' * 43}"
    for ask in (
        act, read, read_through, database.postgres.connect, authority.feed.fresh, authority.ensure_ready,
        authority.ensure_migrated, lambda: authority.verify(f"sess_{token}"), lambda: authority.verify(f"ost_{token}"),
        lambda: embedded.verify(f"sess_{token}", None), lambda: migrated(url),
    ):  # fmt: skip
        with pytest.raises(StoreUnavailable) as refused:
            await ask()
        assert word in (refused.value.cause or ""), ask
        assert word in refused.value.explained
    with pytest.raises(ConfigurationError, match=word):
        await serving._prepare(settings_of(url))
    for one in (authority, database, embedded):
        await one.close()
    findings = await asyncio.to_thread(lambda: list(server_side(url)))
    assert [found.verdict for found in findings if found.check == "database"] == ["broken"]
    assert [found for found in findings if found.check == "database" and word in found.found]


async def test_a_standby_is_refused_by_every_pool_and_by_doctor_which_says_so(both, primary):
    standby = both.standby if primary is both.primary else both.primary
    await refused_everywhere(standby.url, "standby")


async def test_a_server_that_only_reads_is_refused_by_every_pool_and_by_doctor_which_says_so(primary):
    await primary.execute(f"ALTER DATABASE {DATABASE} SET default_transaction_read_only = on")
    try:
        await refused_everywhere(primary.url, "read-only")
    finally:
        await writable(primary)


async def writable(primary: PrivatePostgres) -> None:
    await primary.execute("SET default_transaction_read_only = off", f"ALTER DATABASE {DATABASE} RESET ALL")


async def test_what_was_ended_is_refused_at_once_whatever_a_paused_standby_believes(both, primary, app):
    standby = both.standby if primary is both.primary else both.primary
    authority = app.authority
    tokens = [await authority.sessions.start("user_x", client=at()) for _ in range(20)]
    await both.pause() if primary is both.primary else None
    for one in tokens[:10]:
        await authority.verify(one.token, at())
        await authority.administration.revoke(one.session.id, by=OPERATOR)
        with pytest.raises(SessionRevoked):
            await authority.verify(one.token, at())
    await asyncio.to_thread(primary.restart)
    for one in tokens[10:]:
        async with asyncio.timeout(30):
            while True:
                try:
                    await authority.administration.revoke(one.session.id, by=OPERATOR)
                    break
                except StoreUnavailable:
                    await asyncio.sleep(0.05)
        with pytest.raises(SessionRevoked):
            await authority.verify(one.token, at())
    count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ostiary'"
    assert await standby.execute(count) == 0
    await standby.execute("SELECT pg_wal_replay_resume()")


async def test_readers_ask_again_after_a_restart_so_that_nobody_notices(primary, app):
    """The connection that each had is dead; the question itself is not."""
    async with signed_in(app) as client:
        session, (started,) = held(client), [await app.authority.sessions.start("user_x", client=at())]
        for _ in range(2):
            await app.authority.verify(session, at())
            with pytest.raises(Exception):  # noqa: B017 - a token that nobody has; only the connection counts
                await app.authority.verify(f"ost_{'a' * 26}.{'B' * 43}", at())
            assert (await client.get(f"{API}/auth/sessions")).status_code == 200
            await asyncio.to_thread(primary.restart)
        assert (await app.authority.verify(started.token, at())).session_id == started.session.id


DOORS = [
    ("GET", "/verify", None), ("GET", f"{API}/auth/whoami", None), ("GET", f"{API}/auth/sessions", None),
    ("POST", f"{API}/auth/logout", None), ("POST", f"{API}/auth/sessions/revoke-others", None),
    ("GET", "/settings/sessions", None), ("GET", "/", None),
    ("POST", f"{API}/auth/sessions", {"username": "ada", "password": "x", "transport": "bearer"}),

    ("POST", "/oauth/token", {"grant_type": "client_credentials"}),
    ("GET", f"{API}/feed?max_staleness=5", None), ("GET", "/readyz", None),
]  # fmt: skip


async def all_are_outages(client, word: str) -> None:
    """No door answers anything but 503, with when to come back; and none of the causes comes out but at /readyz."""
    for method, path, body in DOORS:
        form = (
            {"data": body, "auth": (f"client_{'a' * 26}", "B" * 43)} if path.startswith("/oauth/") else {"json": body}
        )
        answer = await client.request(method, path, **form)
        assert answer.status_code == 503, (path, answer.status_code, answer.text)
        assert int(answer.headers["retry-after"]) > 0, path
        assert "set-cookie" not in answer.headers
        assert (word in answer.text) == (path == "/readyz"), path
        assert "127.0.0.1" not in answer.text


async def test_read_only_is_an_outage_at_every_door_and_over_by_itself(primary, app):
    cut = (
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE application_name = 'ostiary' AND backend_type = 'client backend'"
    )
    async with signed_in(app, "root") as client:
        assert (await client.get("/verify")).status_code == 200
        await primary.execute(f"ALTER DATABASE {DATABASE} SET default_transaction_read_only = on", cut)
        try:
            await all_are_outages(client, "read-only")
            await no_answer_but_an_outage(client)
        finally:
            await writable(primary)
        for path in ("/readyz", "/verify", f"{API}/auth/whoami", "/settings/sessions"):
            assert (await client.get(path)).status_code == 200, path
        assert app.authority.tasks.is_running("verifiers")
        assert app.authority.tasks.is_running("lag")
        assert (await client.post(f"{API}/auth/sessions/revoke-others")).status_code == 200


async def test_a_server_that_stops_writing_under_living_connections_is_seen_by_each_question(primary, app):
    """No connection is cut, as behind a pooler or proxy whose other end moves: the answer itself has to tell."""
    async with signed_in(app, "root") as client:
        for method, path, _ in DOORS[:3]:
            assert (await client.request(method, path)).status_code == 200
        await primary.execute("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
        await settled(primary, "on")
        try:
            for path in ("/verify", f"{API}/auth/sessions"):
                assert (await client.get(path)).status_code == 503, path
            assert (await client.post(f"{API}/auth/sessions/revoke-others")).status_code == 503
            await asyncio.sleep(CHECK_AFTER)  # what only reads, and decides of no session, is proven so often
            await all_are_outages(client, "read-only")
        finally:
            await primary.execute(
                "SET default_transaction_read_only = off", "ALTER SYSTEM RESET default_transaction_read_only",
                "SELECT pg_reload_conf()",
            )  # fmt: skip
            await settled(primary, "off")
        for path in ("/readyz", "/verify", f"{API}/auth/sessions", "/settings/sessions"):
            assert (await client.get(path)).status_code == 200, path
        assert (await client.post(f"{API}/auth/sessions/revoke-others")).status_code == 200


async def caught_up(primary: PrivatePostgres) -> None:
    """Wait until the standby has what is written; after a restart it takes up to 5 s to connect again."""
    behind = "SELECT count(*) FROM pg_stat_replication WHERE flush_lsn >= pg_current_wal_lsn()"
    async with asyncio.timeout(30):
        while not await primary.execute(behind):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.05)


async def settled(primary: PrivatePostgres, value: str) -> None:
    while await primary.execute("SHOW default_transaction_read_only") != value:  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)  # each process of the server hears of it in its own time


# Nothing of the store is asked for these; or what they were asked for is wrong in itself.
AT_ONCE = {200, 400, 403, 404, 405, 406, 415, 422}


async def no_answer_but_an_outage(client) -> None:
    """Each operation of the API, so that one that is added later is held, too."""
    answered = set()
    for path, item in document()["paths"].items():
        for method in item:
            url = path.replace("{", "x").replace("}", "x")
            answer = await client.request(method, url, json={} if method in {"post", "put", "patch"} else None)
            answered.add(answer.status_code)
            # At OAuth's doors a cookie is nothing: who brings nothing else is refused before the store is asked. And a
            # person is led on to the page that asks it.
            at_once = AT_ONCE | {303, 401} if path.startswith("/oauth/") else AT_ONCE
            assert answer.status_code in {503} | at_once, (method, path, answer.status_code, answer.text)
            assert answer.status_code != 503 or int(answer.headers["retry-after"]) > 0
    assert 503 in answered


async def test_not_accepting_connections_is_an_outage_and_not_our_fault(primary, app):
    async with signed_in(app) as client, visitor(app) as nobody:
        await primary.execute("CREATE DATABASE elsewhere")
        try:
            await elsewhere(
                primary,
                f"ALTER DATABASE {DATABASE} ALLOW_CONNECTIONS false",
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = 'postgres'",
            )
            # What held a connection hears first that it was lost; who asks for a new one hears why.
            told = [await nobody.get("/readyz") for _ in range(8)]
            assert {ready.status_code for ready in told} == {503}
            assert "not accepting connections" in told[-1].text
            assert (await client.get("/verify")).status_code == 503
        finally:
            await elsewhere(primary, f"ALTER DATABASE {DATABASE} ALLOW_CONNECTIONS true")
            await primary.execute("DROP DATABASE elsewhere")
        assert (await client.get("/verify")).status_code == 200


async def elsewhere(primary: PrivatePostgres, *statements: str) -> None:
    await primary.execute(*statements, database="elsewhere")


CAUSES = {
    "does not exist": "postgresql://postgres@127.0.0.1:{port}/none",
    "role": "postgresql://nobody@127.0.0.1:{port}/postgres",
    "nothing listens": "postgresql://postgres@127.0.0.1:1/postgres",
    "TLS": "postgresql://postgres@127.0.0.1:{port}/postgres?sslmode=require",
    "name cannot be resolved": "postgresql://postgres@none.invalid/postgres",
}


@pytest.mark.parametrize("words", CAUSES)
async def test_an_outage_says_its_cause(primary, words):
    database = Database(CAUSES[words].format(port=primary.port))
    with pytest.raises(StoreUnavailable) as refused:
        async with database.reading():
            pass
    await database.close()
    assert words in (refused.value.cause or "")
    assert words in refused.value.explained
    assert refused.value.message == StoreUnavailable.title  # what clients are told is the same for all


# Of each class, one that only the store can cause (appendix A of PostgreSQL's manual).
STATES = ["08006", "25006", "25P03", "28000", "3D000", "53100", "53300", "55000", "57014", "57P01", "57P02", "57P03", "58030", "F0000", "XX001", "42501"]  # fmt: skip  # noqa: E501


async def test_each_class_of_outage_is_one_and_its_connection_is_thrown_away(primary):
    database = Database(primary.url)
    backend = "SELECT pg_backend_pid()"
    for state in STATES:
        async with database.reading() as db:
            before = (await db.exec_driver_sql(backend)).scalar_one()
        for opened in (database.transaction, database.reading, database.reading_through):
            with pytest.raises(StoreUnavailable):
                async with opened() as db:
                    before = (await db.exec_driver_sql(backend)).scalar_one()
                    await db.exec_driver_sql(f"DO $$ BEGIN RAISE 'said' USING ERRCODE = '{state}'; END $$")
            async with opened() as db:
                assert (await db.exec_driver_sql(backend)).scalar_one() != before, (state, opened)
    await database.close()


async def test_an_error_of_a_statement_of_ours_is_a_fault_and_no_outage(primary):
    database = Database(primary.url)
    for state in ("22012", "23505", "42601"):
        with pytest.raises(Exception) as raised:
            async with database.transaction() as db:
                await db.exec_driver_sql(f"DO $$ BEGIN RAISE 'said' USING ERRCODE = '{state}'; END $$")
        assert not isinstance(raised.value, StoreUnavailable)
    await database.close()


async def test_after_a_promotion_and_a_demotion_every_pool_follows_to_the_new_primary(both, primary, app):
    """The last test here, as the roles of both are changed for good."""
    old, new = (both.primary, both.standby) if primary is both.primary else (both.standby, both.primary)
    async with signed_in(app, "root") as client, script(app, held(client)) as program:
        assert (await program.get("/verify")).status_code == 200
        started = [await app.authority.sessions.start("user_x", client=at()) for _ in range(3)]
        await app.authority.verify(started[0].token, at())
        await caught_up(old)
        await asyncio.to_thread(old.stop, "fast")
        for path in ("/verify", f"{API}/auth/whoami"):
            assert (await program.get(path)).status_code == 503, path
        ready = await program.get("/readyz")
        assert (ready.status_code, "standby" in ready.text) == (503, True)
        await new.execute("SELECT pg_promote()")
        old.follow(new)
        await asyncio.to_thread(old.start)
        assert await old.execute("SELECT pg_is_in_recovery()")
        async with asyncio.timeout(30):
            while (await program.get("/readyz")).status_code != 200:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.05)
        await old.execute("SELECT pg_wal_replay_pause()")
        for one in started:
            await app.authority.verify(one.token, at())
            await app.authority.administration.revoke(one.session.id, by=OPERATOR)
            with pytest.raises(SessionRevoked):
                await app.authority.verify(one.token, at())
        connection = await asyncpg.connect(old.url)
        assert (
            await connection.fetchval("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ostiary'") == 0
        )
        await connection.close()
