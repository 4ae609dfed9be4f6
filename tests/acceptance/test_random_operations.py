"""Random acts on two nodes at once, and an oracle: nothing that ended is accepted, nothing that lives is refused."""

from __future__ import annotations

import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update

from ostiary.authority import Authority
from ostiary.authority.races import Races
from ostiary.core.caller import Caller
from ostiary.storage import accounts
from ostiary.storage.schema import users

OPERATIONS = 800
HOURS = 3600  # seconds
ROOT = Path(__file__).parents[2]
OPERATOR = Caller.operator("tests")


@pytest.fixture
async def nodes(settings):
    """Two nodes by the real clock."""
    settings = replace(settings, sign_in_failures=10_000)
    async with Authority(settings) as one, Authority(settings) as two:
        yield [one, two]


async def test_nothing_that_ended_is_accepted_and_nothing_that_lives_is_refused(nodes):
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    outcome = await Races(nodes, seed, OPERATOR).run(OPERATIONS)
    assert outcome.violations == []
    assert outcome.operations == OPERATIONS
    assert outcome.accepted > OPERATIONS // 10 and outcome.refused > OPERATIONS // 10, outcome


@pytest.mark.long
@pytest.mark.timeout(4 * HOURS)
@pytest.mark.parametrize("store", [["--operations=300000"], ["--sqlite", "--operations=30000"]], ids=str)
def test_nor_is_it_in_a_long_run_of_several_processes(store):
    bench = [sys.executable, "-m", "bench.operations", "--processes=2", *store]
    assert subprocess.run(bench, cwd=ROOT, check=False).returncode == 0


async def test_nothing_is_left_of_it_but_the_trail(nodes):
    await Races(nodes, 7, OPERATOR).run(100)
    async with nodes[0].database.reading() as db:
        for table in ("users", "sessions", "cli_tokens", "subjects"):
            count = await db.exec_driver_sql(f"SELECT count(*) FROM {table}")
            assert count.scalar_one() == 0, table


async def test_a_node_that_remembers_is_found_out(nodes):
    """The oracle can see: one node keeps what it once accepted, as a cache would."""
    remembered = {}
    asked = nodes[1].verify

    async def from_memory(credential, client=None):
        if credential not in remembered:
            remembered[credential] = await asked(credential, client)
        return remembered[credential]

    nodes[1].verify = from_memory
    outcome = await Races(nodes, 7, OPERATOR).run(400)
    assert any("was accepted after its ending" in violation for violation in outcome.violations)


async def test_a_store_that_ends_too_much_is_found_out(nodes):
    by_accident = nodes[0].administration.revoke

    async def one_more(session_id, *, by):
        async with nodes[0].database.transaction() as db:
            await db.exec_driver_sql(
                "UPDATE sessions SET revoked_at = created_at, revoked_reason = 'admin', revoked_by = 'x' WHERE id = "
                "(SELECT max(id) FROM sessions WHERE revoked_at IS NULL)"
            )
        return await by_accident(session_id, by=by)

    nodes[0].administration.revoke = one_more
    outcome = await Races(nodes, 7, OPERATOR).run(400)
    assert any("nobody had ended it" in violation for violation in outcome.violations)


async def test_roles_that_live_on_in_sessions_are_found_out(nodes, monkeypatch):
    """The account is changed, and what its sessions say of it is forgotten."""

    async def only_the_account(db, user_id, roles, _now):
        await db.execute(update(users).where(users.c.id == user_id).values(roles=roles))

    monkeypatch.setattr(accounts, "set_roles", only_the_account)
    outcome = await Races(nodes, 7, OPERATOR).run(1200)
    assert any("with roles that had been taken" in violation for violation in outcome.violations)
