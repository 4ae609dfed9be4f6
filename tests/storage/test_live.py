"""Where a session stands in its life is one rule: the core's, the statements', and that of the bare drivers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from ostiary.core.policy import Policy
from ostiary.core.selector import WANTED, Selector
from ostiary.core.session import STALE_AFTER_DAYS, Revocation, Session
from ostiary.core.token import mint
from ostiary.storage import live, schema, sessions
from ostiary.storage.database import Database
from ostiary.storage.reader import open_reader

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
STEP = timedelta(microseconds=1)
LONGEST = timedelta(days=400)
USER = "user_x"

spans = st.timedeltas(min_value=timedelta(minutes=2), max_value=LONGEST)
policies = st.builds(Policy, st.just("tests"), st.just("here"), lifetime=spans, idle_timeout=st.none() | spans)
nows = st.timedeltas(min_value=timedelta(0), max_value=LONGEST).map(NOW.__add__)


def near(*moments: datetime) -> st.SearchStrategy[datetime]:
    """At a boundary, one step beside it, or anywhere."""
    beside = st.builds(lambda at, steps: at + steps * STEP, st.sampled_from(moments), st.integers(-1, 1))
    return beside | st.timedeltas(min_value=-LONGEST, max_value=LONGEST).map(moments[0].__add__)


@st.composite
def lives(draw) -> tuple[Policy, datetime, list[Session]]:
    policy, now = draw(policies), draw(nows)
    idle = policy.idle_timeout or timedelta(0)

    endings = st.builds(Revocation, near(now), st.just("user"), st.just(USER), st.none() | near(now))

    def session() -> Session:
        return Session(
            mint("sess").id, USER, "browser",
            created_at=draw(near(now - policy.lifetime)),
            auth_time=now,
            last_used_at=draw(near(now - idle, now - policy.browser_idle, now - timedelta(days=STALE_AFTER_DAYS))),
            expires_at=draw(near(now)),
            device_since=draw(st.none() | near(now - policy.lifetime)),
            stays=draw(st.sampled_from([None, False, True])),
            revoked=draw(st.none() | endings),
        )  # fmt: skip

    return policy, now, [session() for _ in range(draw(st.integers(1, 8)))]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=lives())
async def test_the_statements_and_the_readers_say_what_the_core_says(database_url, drawn):
    policy, now, made = drawn
    database = Database(database_url)
    reader = open_reader(database)
    try:
        async with database.transaction() as db:
            await db.execute(delete(schema.sessions))
            for session in made:
                await sessions.add(db, session, b"")
        async with database.reading() as db:
            for state in WANTED:
                query = select(schema.sessions.c.id).where(live.in_state(state, policy, now))
                found = set((await db.execute(query)).scalars())
                assert found == {one.id for one in made if one.status(policy, now) in Selector(status=state).statuses}
                in_life = {one.id for one in made if one.life(policy, now) == state}
                assert state not in {"live", "suspended", "ended"} or found == in_life
        asked = reader.lists([USER], policy, now, 100)
        listed = asked if isinstance(asked, Mapping) else await asked
        assert {one.session.id for one in listed.get(USER, ())} == {
            one.id for one in made if one.life(policy, now) == "live"
        }
    finally:
        await reader.close()
        await database.close()


@pytest.mark.parametrize("idle", [None, timedelta(hours=1)])
def test_every_question_about_a_life_has_the_same_answer(idle):
    policy = Policy("tests", "here", lifetime=timedelta(days=2), idle_timeout=idle)
    plain = Session("sess_a", USER, "browser", NOW, NOW, NOW, NOW + timedelta(days=1))
    endings = (None, Revocation(NOW, "user", USER), Revocation(NOW, "bulk", USER, NOW + timedelta(hours=2)))
    for session in (replace(plain, revoked=revoked) for revoked in endings):
        for minutes in range(0, 60 * 50, 10):
            now = NOW + timedelta(minutes=minutes)
            is_live = session.life(policy, now) == "live"
            assert is_live is (session.refusal(policy, now) is None) is (session.ended(policy, now) is None)
            assert is_live is (session.status(policy, now) in ("active", "stale"))
            assert is_live is (session.revoked is None and now < session.ends_at(policy))
