"""Services hear of everything that ends: also what commits late, what ends in masses, and what they missed."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy import insert

from ostiary.authority import tasks
from ostiary.core.endings import Changed, Ended, EndedMany, Lost, entry_of
from ostiary.core.event import EVENT_KINDS, Event
from ostiary.core.session import Session
from ostiary.core.token import new_id
from ostiary.errors import StoreUnavailable
from ostiary.feed import Position
from ostiary.feed import feed as loop
from ostiary.feed.memory import Memory
from ostiary.feed.reading import CLOCK_DIFFERENCE, MAXIMUM_READ, OVERLAP, Reading
from ostiary.storage import events, trail, wakeups
from ostiary.storage.database import LONGEST_TRANSACTION
from ostiary.storage.schema import sessions
from tests.support import people

SOON = 5.0  # seconds: far more than a poll needs
on_postgres = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

_numbers = itertools.count()


def ending(clock, session_id=None, user_id="user_a") -> Event:
    return Event(clock(), "session.revoked", user_id, session_id or f"sess_{next(_numbers)}", reason="user")


async def end(authority, *endings: Event) -> list[str | None]:
    async with authority.database.transaction() as db:
        await events.add(db, list(endings))
    return [event.session_id for event in endings]


def told_of(told) -> list[str]:
    return [entry.session_id for entry in told.entries if isinstance(entry, Ended)]


async def test_what_committed_before_the_question_is_in_the_answer(authority, clock):
    follower, told = await authority.feed.follow()
    assert told.entries == []
    for _ in range(5):
        (ended,) = await end(authority, ending(clock))
        assert told_of(await follower.fresh()) == [ended]


async def test_another_node_answers_as_freshly(authority, make_authority, clock):
    async with make_authority() as node:
        follower, _ = await node.feed.follow()
        (ended,) = await end(authority, ending(clock))
        assert told_of(await follower.fresh()) == [ended]


@on_postgres
async def test_a_transaction_held_open_across_polls_is_told_when_it_commits(authority, clock):
    late, early = ending(clock, "sess_late"), ending(clock, "sess_early")
    follower, _ = await authority.feed.follow()
    async with authority.database.transaction() as slow:
        await events.add(slow, [late])
        await end(authority, early)
        first = await follower.fresh()
        second = await follower.fresh()
    third = await follower.fresh()
    assert (told_of(first), told_of(second), told_of(third)) == (["sess_early"], [], ["sess_late"])
    resumed, again = await authority.feed.follow(replace(first.position, node="elsewhe1"))
    assert told_of(again) == ["sess_late", "sess_early"]  # the floor stayed below what was open
    assert told_of(await resumed.fresh()) == []


@on_postgres
async def test_what_commits_while_a_node_cannot_look_is_told_however_long_that_lasts(authority, clock):
    """The store is away for this node, or its machine stands still, for longer than any transaction lives."""
    seconds = [0.0]
    reading = Reading(authority.database, clock, lambda: seconds[0])
    await reading.poll(())
    async with authority.database.transaction() as slow:
        await events.add(slow, [ending(clock, "sess_late")])
        await end(authority, ending(clock, "sess_early"))
        assert told_of(await reading.poll(())) == ["sess_early"]
    seconds[0] = OVERLAP + 1
    assert told_of(await reading.poll(())) == ["sess_late"]


@on_postgres
async def test_a_transaction_that_is_open_when_a_node_begins_is_told(authority, make_authority, clock):
    async with authority.database.transaction() as slow:
        await events.add(slow, [ending(clock, "sess_late")])
        await end(authority, ending(clock))
        async with make_authority() as node:
            follower, _ = await node.feed.follow()
            await slow.commit()
            assert told_of(await follower.fresh()) == ["sess_late"]


@on_postgres
async def test_what_is_rolled_back_is_not_told_and_holds_nothing_up(authority, clock):
    follower, before = await authority.feed.follow()
    with pytest.raises(ZeroDivisionError):
        async with authority.database.transaction() as db:
            await events.add(db, [ending(clock)])
            raise ZeroDivisionError
    (ended,) = await end(authority, ending(clock))
    told = await follower.fresh()
    assert told_of(told) == [ended]
    assert told.poll.floor == before.poll.floor  # until nothing can come up in the hole any more


def test_a_hole_is_looked_at_for_longer_than_any_transaction_lives():
    assert OVERLAP > LONGEST_TRANSACTION


@on_postgres
async def test_postgresql_itself_ends_what_a_stopped_node_leaves_open(authority):
    async with authority.database.reading() as db:
        for name, seconds in (("statement_timeout", 15), ("idle_in_transaction_session_timeout", 10)):
            assert (await db.exec_driver_sql(f"SHOW {name}")).scalar_one() == f"{seconds}s"


# Masses.


async def many(authority, clock, count: int, users: int) -> None:
    """Sessions that start one second after the other, and end all at once."""
    rows = []
    for number in range(count):
        clock.advance(seconds=1)
        session = Session(
            new_id("sess"), f"user_{number % users}", "browser", clock(), clock(), clock(), clock(), None, None, None,
            None, "default", (), None, None, None,
        )  # fmt: skip
        row = {name: getattr(session, name) for name in Session.__slots__ if name != "revoked"}
        rows.append(row | {"secret_hash": b"", "revoked_at": clock(), "revoked_reason": "bulk"})
    async with authority.database.transaction() as db:
        await db.execute(insert(sessions), rows)
        await events.add(db, [ending(clock, row["id"], row["user_id"]) for row in rows])


async def test_ten_thousand_endings_at_once_are_told_in_groups(authority, clock):
    follower, _ = await authority.feed.follow()
    await many(authority, clock, 10_000, users=7)
    told = await follower.fresh()
    assert len(told.entries) == 7
    assert sum(entry.count for entry in told.entries) == 10_000
    assert max(entry.cut_off for entry in told.entries) == clock()
    assert {entry.user_id for entry in told.entries} == {f"user_{number}" for number in range(7)}
    assert (await follower.fresh()).entries == []
    (ended,) = await end(authority, ending(clock))
    assert told_of(await follower.fresh()) == [ended]


async def test_endings_of_very_many_users_are_told_as_everybodys(authority, clock, monkeypatch):
    monkeypatch.setattr(trail, "MAXIMUM_GROUPS", 100)
    follower, _ = await authority.feed.follow()
    await many(authority, clock, MAXIMUM_READ + 1, users=101)
    (entry,) = (await follower.fresh()).entries
    assert entry == EndedMany(None, clock(), MAXIMUM_READ + 1)


async def test_a_reader_who_was_away_is_told_of_masses_in_groups_too(authority, make_authority, clock):
    _, before = await authority.feed.follow()
    await many(authority, clock, MAXIMUM_READ + 1, users=3)
    async with make_authority() as node:
        _, told = await node.feed.follow(before.position)
        assert sum(entry.count for entry in told.entries) == MAXIMUM_READ + 1


async def test_a_session_that_is_watched_is_told_of_among_masses(authority, clock):
    await many(authority, clock, 1, users=1)
    follower, _ = await authority.feed.follow()
    await people.add_user(authority)
    started = await people.sign_in(authority)
    watching = asyncio.create_task(authority.feed.watch(started.session.id))
    await asyncio.sleep(0.05)
    async with authority.database.transaction() as db:
        revoked = {"revoked_at": clock(), "revoked_reason": "bulk"}
        await db.execute(sessions.update().where(sessions.c.id == started.session.id).values(revoked))
        await events.add(db, [ending(clock, started.session.id), *(ending(clock) for _ in range(MAXIMUM_READ))])
    assert (await asyncio.wait_for(watching, SOON)).session_id == started.session.id
    assert not told_of(await follower.fresh())


# Resuming.


async def test_a_reader_resumes_where_it_was(authority, make_authority, clock):
    follower, told = await authority.feed.follow()
    positions, ended = [told.position], []
    for _ in range(4):
        ended += await end(authority, ending(clock))
        positions.append((await follower.fresh()).position)
    async with make_authority() as node:
        for number, position in enumerate(positions):
            for feed in (authority.feed, node.feed):
                _, told = await feed.follow(position)
                assert told_of(told) == ended[number:]


@pytest.mark.parametrize("change", [{"floor": 10**9}, {"floor": 2**63 - 1}])
async def test_a_position_of_another_store_is_lost(authority, change):
    _, told = await authority.feed.follow()
    _, told = await authority.feed.follow(replace(told.position, node="elsewhe1", **change))
    assert told.entries == [Lost()]


async def test_a_position_that_is_too_old_is_lost(authority, make_authority):
    _, told = await authority.feed.follow()
    old = replace(told.position, time=told.position.time - loop.RESUME_WITHIN, node="elsewhe1")
    _, told = await authority.feed.follow(replace(old, time=old.time - CLOCK_DIFFERENCE))
    assert told.entries == [Lost()]


async def test_a_position_is_written_and_read_back(authority):
    _, told = await authority.feed.follow()
    position = replace(told.position, lineage="a1")
    assert Position.read(position.text) == position


@pytest.mark.parametrize(
    "text",
    ["", "1", "1-2-3-4-5-6", "a-1-aaaaaaaa-0-", "1-1-aaaaaaaa-0-é", "-1-1-aaaaaaaa-0-", f"{2**63}-1-aaaaaaaa-0-",
     "1-1-aaaaaaaa-0-\n", "\u0661-1-aaaaaaaa-0-"],
)  # fmt: skip
def test_what_is_no_position_is_not_read(text):
    assert Position.read(text) is None


async def test_who_is_too_slow_loses_entries_and_takes_no_memory(authority, clock, monkeypatch):
    authority.feed.memory = Memory(maximum=10)
    follower, _ = await authority.feed.follow()
    for _ in range(20):
        await end(authority, ending(clock))
        await authority.feed.fresh()
    assert len(authority.feed.memory.since(authority.feed.memory.next - 10)) == 10
    told = await follower.fresh()
    assert told.entries == [Lost()]
    (ended,) = await end(authority, ending(clock))
    assert told_of(await follower.fresh()) == [ended]


# Wake-ups.


async def test_a_wake_up_that_is_lost_costs_only_the_time_until_the_next_poll(
    authority, make_authority, clock, monkeypatch
):
    async def deaf(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(wakeups, "listen", deaf)
    async with make_authority() as node:
        woken: list[str] = []
        node.feed.woken.append(woken.append)
        follower, _ = await node.feed.follow()
        (ended,) = await end(authority, ending(clock))
        heard: list[str] = []
        while not heard:
            told = await follower.next(SOON)
            assert told is not None
            heard = told_of(told)
        assert heard == [ended] and woken == []


@on_postgres
async def test_postgresql_wakes_other_nodes(authority, make_authority, clock, monkeypatch):
    monkeypatch.setattr(loop, "POLL_EVERY", 60.0)
    async with make_authority() as node:
        woken = asyncio.Event()
        node.feed.woken.append(lambda source: woken.set() if source == "notify" else None)
        follower, _ = await node.feed.follow()
        await asyncio.wait_for(woken.wait(), SOON)  # connected
        (ended,) = await end(authority, ending(clock))
        assert told_of(await follower.next(SOON) or await follower.fresh()) == [ended]


@on_postgres
async def test_the_listening_connection_comes_back(authority, make_authority, clock, monkeypatch):
    monkeypatch.setattr(tasks, "BACK_OFF", (0.01,))
    async with make_authority() as node:
        woken: asyncio.Queue[str] = asyncio.Queue()
        node.feed.woken.append(woken.put_nowait)
        await node.feed.follow()
        await asyncio.wait_for(woken.get(), SOON)
        async with authority.database.transaction() as db:
            await db.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND query LIKE 'LISTEN%%'"
            )
        await asyncio.wait_for(woken.get(), SOON)


# What is told.


@pytest.mark.parametrize("kind", EVENT_KINDS)
def test_each_kind_of_event_is_told_or_is_nobodys_business(kind, clock):
    event = Event(clock(), kind, "user_a", "sess_a", detail={"token_id": "ost_a", "client_id": "client_a"})
    told = {
        "session.revoked": Ended("sess_a", "user_a", None, clock()),
        "session.suspended": Ended("sess_a", "user_a", None, clock()),
        "session.renewed": Changed(session_id="sess_a"),
        "session.restored": Changed(session_id="sess_a"),
        "token.revoked": Changed(token_id="ost_a"),
        "keys.rotated": Changed(keys=True),
        "client.removed": Changed(user_id="client_a"),
        **dict.fromkeys(
            ("user.disabled", "user.enabled", "user.deleted", "user.roles_changed"), Changed(user_id="user_a")
        ),
    }
    assert entry_of(event) == told.get(kind)


# On PostgreSQL the time is the store's own; tests/acceptance/test_faults.py cuts its connections.
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_a_poll_had_read_before_the_store_went_away_is_read_again(authority, clock):
    """The store may be lost between two statements of one poll; nothing that was read until then counts as told."""
    answers = iter((True,))

    def failing() -> datetime:
        if not next(answers, True):
            raise StoreUnavailable
        moment: datetime = clock()
        return moment

    reading = Reading(authority.database, failing)
    await reading.poll(())
    (ended,) = await end(authority, ending(clock))
    answers = iter((True, False))
    with pytest.raises(StoreUnavailable):
        await reading.poll(())
    assert [entry.session_id for entry in (await reading.poll(())).entries if isinstance(entry, Ended)] == [ended]
