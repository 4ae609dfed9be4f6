"""Every operation that writes, while its caller ends inside a transaction that the act has to wait for.

Its head and its body have been judged by then, and the caller was live. The ending commits first: the act must see it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import pytest
from sqlalchemy import select, text

from ostiary.authority import Authority
from ostiary.authority.ending import end_sessions, end_tokens, end_user
from ostiary.core.token import mint, parse
from ostiary.storage import accounts, schema, sessions
from ostiary.storage.database import Connection, Database
from tests.held.connection import Answer, Held
from tests.held.operations import ALWAYS_DONE, EVERY, OF_NOBODY, OF_SESSIONS_ONLY, OF_TOKENS_ONLY, Operation, request_of
from tests.held.people import DEMOTED, OPERATOR, Who, with_cli_token, with_session
from tests.held.written import difference, dump, dump_within

AT_ONCE = 6  # requests that wait at a time: each takes a connection, and a process has eight for acts
PATIENCE = 300  # hundredths of a second until all of them wait, or have answered
ONLY_READS = {"preview_neutralise"}
WRITES = [one for one in EVERY if one.method != "GET" and one.name not in OF_NOBODY.keys() | ONLY_READS | ALWAYS_DONE]
REFUSED = {401, 403}
Ends = Callable[[Connection, Who, datetime], Awaitable[object]]
Make = Callable[[Authority], Awaitable[Who]]


async def _ended(db: Connection, who: Who, now: datetime) -> object:
    return await end_sessions(db, sessions.by_id(who.caller.session_id or ""), reason="admin", by=OPERATOR, now=now)


async def _ended_everywhere(db: Connection, who: Who, now: datetime) -> object:
    return await end_user(db, who.user.id, reason="admin", by=OPERATOR, now=now)


async def _renewed(db: Connection, who: Who, now: datetime) -> object:
    old = parse(who.secret)
    assert old is not None
    new = mint("sess", old.id)
    return await sessions.renew(db, old.id, old=old.digest, new=new.digest, auth_time=now, now=now)


async def _disabled(db: Connection, who: Who, now: datetime) -> object:
    await accounts.set_disabled(db, who.user.id, now)
    await end_tokens(db, who.user.id, by=OPERATOR, now=now)
    return await _ended_everywhere(db, who, now)


async def _demoted(db: Connection, who: Who, now: datetime) -> None:
    await accounts.set_roles(db, who.user.id, ("member",), now)


async def _revoked(db: Connection, who: Who, now: datetime) -> object:
    return await end_tokens(db, who.user.id, by=OPERATOR, now=now)


TO_A_SESSION: dict[str, Ends] = {
    "ended": _ended,
    "ended everywhere": _ended_everywhere,
    "renewed": _renewed,
    "disabled": _disabled,
    DEMOTED: _demoted,
}
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
TO_A_TOKEN: dict[str, Ends] = {"revoked": _revoked, "disabled": _disabled, DEMOTED: _demoted}


@on_sqlite
@pytest.mark.parametrize("ends", TO_A_SESSION)
async def test_who_waits_for_the_ending_of_their_session_does_nothing(node, settings, ends):
    authority, port = node
    operations = [one for one in WRITES if one.name not in OF_TOKENS_ONLY]
    await _let_wait(authority, port, settings.database_url, operations, with_session, ends, TO_A_SESSION[ends])


@on_sqlite
@pytest.mark.parametrize("ends", TO_A_TOKEN)
async def test_who_waits_for_the_ending_of_their_cli_token_does_nothing(node, settings, ends):
    authority, port = node
    operations = [one for one in WRITES if one.name not in OF_SESSIONS_ONLY | OF_TOKENS_ONLY]
    await _let_wait(authority, port, settings.database_url, operations, with_cli_token, ends, TO_A_TOKEN[ends])


async def _let_wait(
    authority: Authority, port: int, url: str, operations: list[Operation], make: Make, name: str, end: Ends
) -> None:
    chosen = [one for one in operations if name != DEMOTED or one.is_of_administrators]
    elsewhere = Database(url)
    wrong: dict[str, int] = {}
    for start in range(0, len(chosen), AT_ONCE):
        who = await make(authority)
        asked = [await request_of(one, authority, who) for one in chosen[start : start + AT_ONCE]]
        async with elsewhere.transaction() as db:
            await _take(db, who)
            held = [await Held.send(port, one, whole=True) for one in asked]
            answers = [asyncio.create_task(one.finish()) for one in held]
            await _all_wait(db, answers)
            early = [task for task in answers if task.done()]
            await end(db, who, authority.clock())
            before = await dump_within(db)
        await asyncio.gather(*answers)
        wrong |= {task.result().name: task.result().status for task in early}
        wrong |= {task.result().name: task.result().status for task in answers if task.result().status not in REFUSED}
        assert difference(before, await dump(authority.database)) == [], wrong
    await elsewhere.close()
    assert wrong == {}


async def _take(db: Connection, who: Who) -> None:
    """Take the caller's rows. On SQLite, a transaction is the only one that writes."""
    for table, key in (
        (schema.subjects, schema.subjects.c.user_id == who.user.id),
        (schema.users, schema.users.c.id == who.user.id),
        (schema.sessions, schema.sessions.c.user_id == who.user.id),
        (schema.cli_tokens, schema.cli_tokens.c.user_id == who.user.id),
    ):
        await db.execute(select(table).where(key).with_for_update())


async def _all_wait(db: Connection, answers: list[asyncio.Task[Answer]]) -> None:
    """Until each act waits for the rows, or has answered; SQLite does not tell, so there it is a moment."""
    if db.dialect.name == "sqlite":
        await asyncio.sleep(0.15)
        return
    for _ in range(PATIENCE):
        if await _waiting(db) + sum(task.done() for task in answers) >= len(answers):
            return
        await asyncio.sleep(0.01)
    # What has not come to wait by now is judged at its head, and refused as well.


async def _waiting(db: Connection) -> int:
    await db.execute(text("SELECT pg_stat_clear_snapshot()"))  # or it shows what it showed before
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    return int((await db.execute(text(query))).scalar_one())
