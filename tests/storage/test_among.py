"""Lists in conditions may be longer than a database takes parameters."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from ostiary.core.session import Revocation
from ostiary.storage import (
    accounts,
    cli_tokens,
    codes,
    events,
    person,
    refresh_tokens,
    schema,
    sessions,
    suspended,
    trail,
    tree,
)
from ostiary.storage.among import one_of
from tests.support.people import at

# PostgreSQL's protocol takes 32,767 parameters, most builds of SQLite 32,766.
OTHERS = [f"sess_{number:026}" for number in range(40_000)]
NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
END = Revocation(NOW, "admin", "tests")

ASKED = {
    "revoke": lambda db, of, it: sessions.revoke(db, sessions.ids(of), END),
    "revoke but": lambda db, of, it: sessions.revoke(db, sessions.of_user(it.user_id, of), END),
    "revoke among": lambda db, of, it: sessions.revoke(db, sessions.among(of, it.user_id), END),
    "take": lambda db, of, it: tree.take(db, sessions.ids(of)),
    "take below": lambda db, of, it: tree.take_below(db, sessions.ids(of)),
    "children": lambda db, of, it: tree.children_of(db, it.user_id, of),
    "suspend": lambda db, of, it: suspended.suspend(db, of, END, "plan_a"),
    "end": lambda db, of, it: suspended.end(db, of, END),
    "settle": lambda db, of, it: suspended.settle(db, of, "plan_a"),
    "heirs": lambda db, of, it: suspended.heirs(db, of, "plan_a"),
    "hand over": lambda db, of, it: suspended.hand_over(db, of, "plan_b", NOW),
    "restore": lambda db, of, it: suspended.restore(db, of, "plan_a"),
    "orphans": lambda db, of, it: suspended.orphans(db, of, "plan_a"),
    "find": lambda db, of, it: sessions.find_many(db, of, it.user_id),
    "minted": lambda db, of, it: sessions.minted_among(db, of),
    "issued to": lambda db, of, it: sessions.issued_to(db, it.user_id, of),
    "issued by": lambda db, of, it: sessions.issued_by(db, of, spare=it.user_id),
    "tokens": lambda db, of, it: cli_tokens.find_many(db, of, it.user_id),
    "tokens made": lambda db, of, it: cli_tokens.made_with(db, it.user_id, of, of),
    "makers": lambda db, of, it: cli_tokens.makers_among(db, of, of),
    "tokens given": lambda db, of, it: events.tokens_given(db, it.user_id, of, of),
    "refresh tokens": lambda db, of, it: refresh_tokens.of_sessions(db, of),
    "codes": lambda db, of, it: codes.granted_from(db, it.user_id, of),
    "trail": lambda db, of, it: trail.ended_among(db, of),
    "acts": lambda db, of, it: person.forget_acts(db, "user_b", of, 0, 1),
    "names": lambda db, of, it: accounts.names(db, set(of)),
}


@pytest.fixture
async def one(authority):
    return (await authority.sessions.start("user_a", client=at("203.0.113.7"))).session


@pytest.mark.parametrize("asked", list(ASKED))
async def test_a_statement_takes_however_many(authority, one, asked):
    async with authority.database.transaction() as db:
        await ASKED[asked](db, [*OTHERS, one.id], one)


async def test_it_is_what_in_is(authority, one):
    other = (await authority.sessions.start("user_a", client=at("203.0.113.7"))).session
    column = schema.sessions.c.id
    for some in ([], [one.id], [one.id, other.id, 'sess_"\\', "sess_'"]):
        wanted = {one.id, other.id} & set(some)
        for condition, right in ((one_of(column, some), wanted), (~one_of(column, some), {one.id, other.id} - wanted)):
            async with authority.database.reading() as db:
                assert set((await db.execute(select(column).where(condition))).scalars()) == right
