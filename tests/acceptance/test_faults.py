"""Two nodes, verifiers in processes of their own, and faults while sessions are being revoked. `bench.lag`, made small.

In every run: no node accepts a session after its revocation was acknowledged, no verifier does so for longer than its
bound, and none remembers a session that has ended.
"""

from __future__ import annotations

import asyncio
import gc
import time

import asyncpg
import pytest

from bench.lag import Plan, Result, measure
from ostiary.errors import Unauthenticated
from ostiary.sdk import Ostiary
from ostiary.sdk.verifier import CannotProve, Verifier
from tests.acceptance.conftest import add_people
from tests.support import databases
from tests.support.databases import PrivatePostgres
from tests.support.people import PASSWORD
from tests.support.processes import CommandLine, serving

STALENESS = 2.0  # seconds

# A connection that is cut while it opens is left to the collector by the HTTP client.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")


@pytest.fixture
def postgres() -> None:
    if not databases.postgres_answers():
        databases.skip(f"no PostgreSQL at {databases.POSTGRES}")


async def run(**changes: object) -> Result:
    plan = Plan(verifiers=2, revocations=60, workers=3, load=1, max_staleness=STALENESS, **changes)  # type: ignore[arg-type]
    print(f"seed {plan.seed}")
    result = await measure(plan)
    gc.collect()  # connections that the fault has cut half-way are collected here, not in somebody else's test
    assert len(result.lags) == plan.revocations
    assert result.accepted_by_nodes == 0
    assert result.asked_of_nodes >= plan.revocations  # at least one node answered each time
    assert result.ghosts == 0
    assert max(result.lags) <= STALENESS
    return result


@pytest.mark.parametrize(("fault", "with_notify"), [("pause", True), ("kill", False), ("disconnect", True)])
async def test_no_fault_makes_anybody_accept_too_long(postgres, fault, with_notify):
    await run(fault=fault, with_notify=with_notify)


# SQLite has one writer at a time: nothing can commit before a transaction that has written.
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_an_ending_that_commits_late_arrives(database_url, home, people):
    """An ending whose transaction is open across many polls, with later ones committed before it."""
    with serving(database_url, home) as server, Ostiary(server.url) as ostiary:
        root = ostiary.for_token(ostiary.auth.sign_in("root", PASSWORD).token or "")
        credential = root.tokens.create("verifier", scopes=["feed:read"]).token
        late, early = (ostiary.auth.sign_in("ada", PASSWORD) for _ in range(2))
        async with Verifier(server.url, token=credential) as verifier:
            await verifier.wait_until_fresh()
            await verifier.verify(late.token or "")
            await verifier.verify(early.token or "")
            connection = await asyncpg.connect(database_url)
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute(
                "UPDATE sessions SET revoked_at = now(), revoked_reason = 'admin', revoked_by = 'late' WHERE id = $1",
                late.session.id,
            )
            await connection.execute(
                "INSERT INTO events (at, kind, user_id, session_id, reason, detail) "
                "SELECT now(), 'session.revoked', user_id, id, 'admin', '{}' FROM sessions WHERE id = $1",
                late.session.id,
            )
            await asyncio.to_thread(root.admin.sessions.revoke, early.session.id)
            await _until_refused(verifier, early.token or "")
            await asyncio.sleep(1.5)  # several polls
            await verifier.verify(late.token or "")  # not committed, so it lives
            await transaction.commit()
            await connection.close()
            await _until_refused(verifier, late.token or "")


async def _until_refused(verifier: Verifier, token: str) -> None:
    ends_at = time.monotonic() + 5
    with pytest.raises(Unauthenticated):
        while time.monotonic() < ends_at:
            await verifier.verify(token)
            await asyncio.sleep(0.01)


async def test_while_the_store_is_away_nothing_is_accepted_beyond_the_bound(tmp_path_factory, home):
    with PrivatePostgres(tmp_path_factory.mktemp("pg")) as postgres:
        CommandLine(home, OSTIARY_DATABASE_URL=postgres.url).ok("migrate")
        await asyncio.to_thread(add_people, postgres.url, root="admin member", ada="member")
        with serving(postgres.url, home) as server, Ostiary(server.url) as ostiary:
            root = ostiary.for_token(ostiary.auth.sign_in("root", PASSWORD).token or "")
            credential = root.tokens.create("verifier", scopes=["feed:read"]).token
            ada = ostiary.auth.sign_in("ada", PASSWORD)
            async with Verifier(server.url, token=credential, max_staleness=STALENESS) as verifier:
                await verifier.wait_until_fresh()
                await verifier.verify(ada.token or "")
                await asyncio.to_thread(postgres.stop)
                stopped = last = time.monotonic()
                with pytest.raises(CannotProve):
                    while time.monotonic() < stopped + 3 * STALENESS:
                        await verifier.verify(ada.token or "")
                        last = time.monotonic()
                        await asyncio.sleep(0.01)
                assert last - stopped <= STALENESS
                await asyncio.to_thread(postgres.start)
                await verifier.wait_until_fresh(30)
                await verifier.verify(ada.token or "")  # nobody was signed out by it
                await asyncio.to_thread(root.admin.sessions.revoke, ada.session.id)
                await _until_refused(verifier, ada.token or "")
