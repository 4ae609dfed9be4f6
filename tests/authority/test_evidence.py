"""The hash chain over the trail: whatever is done to a row by SQL, `verify` names the row."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from ostiary.core.caller import Caller
from ostiary.core.event import Event, EventKind
from ostiary.errors import NotAllowed
from ostiary.storage import events, leases
from ostiary.storage.database import in_transaction
from tests.support.people import add_user, at, caller, sign_in

OPERATOR = Caller.operator("tests")


async def write(authority, *kinds: EventKind, times: int = 0, user_id: str = "user_x", **changes) -> None:
    some: EventKind = "session.started"
    for kind in kinds or (some,) * times:
        async with authority.database.transaction() as db:
            values = {"user_id": user_id, "ip": "203.0.113.7", "user_agent": "curl/8", "by": user_id, **changes}
            await events.add(db, [Event(authority.clock(), kind, **values)])


async def sql(authority, statement: str) -> None:
    async with authority.database.transaction() as db:
        await db.exec_driver_sql(statement)


async def fill(authority, number: int = 6) -> list[int]:
    """A trail of some events, sealed; their positions."""
    await write(authority, times=number)
    report = await authority.evidence.verify(by=OPERATOR)
    assert report.is_sound and report.intact >= number
    async with authority.database.reading() as db:
        return [event.position or 0 for event in await events.list_oldest(db)]


async def settle(authority) -> None:
    """For the store, as long passes as a transaction may live: what was written is sealed at the next look."""
    if not authority.database.is_sqlite:
        for _ in range(2):
            await sql(authority, "UPDATE leases SET marked_at = marked_at - interval '10 minutes'")
            await authority.evidence.verify(by=OPERATOR)
        await sql(authority, "UPDATE leases SET marked_at = marked_at - interval '10 minutes'")


def named(report) -> set[tuple[str, int]]:
    return {(finding.fault, finding.position) for finding in report.findings}


CHANGES = (
    "kind = 'session.renewed'", "user_id = 'user_y'", "session_id = 'sess_x'", "by = 'user_y'", "ip = '192.0.2.1'",
    "ip = NULL", "user_agent = 'x'", "ip = NULL, user_agent = NULL", "reason = 'admin'", "request_id = 'x'",
    """detail = '{"a":1}'""", "at = '2026-01-15 12:00:01.000000'",
)  # fmt: skip


async def test_rows_that_were_altered_are_named_and_no_other(authority):
    """Each column once, in every other row."""
    positions = await fill(authority, 2 * len(CHANGES))
    for change, position in zip(CHANGES, positions[::2], strict=True):
        await sql(authority, f"UPDATE events SET {change} WHERE position = {position}")
    expected = {("altered", position) for position in positions[::2]}
    assert named(await authority.evidence.verify(by=OPERATOR)) == expected


async def test_rows_that_were_removed_are_named(authority):
    """The first, the last and one between."""
    positions = await fill(authority)
    for which in (0, 2, 5):
        await sql(authority, f"DELETE FROM events WHERE position = {positions[which]}")
    expected = {("removed", positions[which]) for which in (0, 2, 5)}
    assert named(await authority.evidence.verify(by=OPERATOR)) == expected


async def test_a_row_that_was_put_in_between_is_named(authority):
    positions = await fill(authority)
    await sql(authority, f"DELETE FROM events WHERE position = {positions[2]}")
    await sql(authority, f"UPDATE event_chain SET position = -1 WHERE position = {positions[2]}")
    await sql(
        authority,
        f"INSERT INTO events (position, at, kind, detail) VALUES ({positions[2]}, '2026-01-15 12:00:00.000000', "
        "'session.started', '{}')",
    )
    found = named(await authority.evidence.verify(by=OPERATOR))
    assert ("inserted", positions[2]) in found


async def test_a_row_in_a_gap_of_the_trail_is_named(authority):
    await write(authority, "session.started", "session.started")
    await sql(authority, "UPDATE events SET position = position + 10 WHERE position = 2")
    await authority.evidence.verify(by=OPERATOR)
    await sql(
        authority,
        "INSERT INTO events (position, at, kind, detail) VALUES (5, '2026-01-15 12:00:00.000000', 'user.added', '{}')",
    )
    report = await authority.evidence.verify(by=OPERATOR)
    assert named(report) == {("inserted", 5)} and not report.is_sound


async def test_a_row_that_claims_to_be_old_is_named_wherever_it_was_put(authority):
    await fill(authority)
    await sql(
        authority,
        "INSERT INTO events (position, at, kind, detail) VALUES (9999, '2026-01-14 12:00:00.000000', 'user.added', "
        "'{}')",
    )
    await settle(authority)
    assert named(await authority.evidence.verify(by=OPERATOR)) == {("misdated", 9999)}


async def test_rows_that_were_swapped_are_both_named(authority):
    for agent in ("curl/1", "curl/2", "curl/3", "curl/4"):
        await write(authority, "session.started", user_agent=agent)
    positions = await fill(authority, 0)
    await sql(authority, f"UPDATE events SET position = -5 WHERE position = {positions[1]}")
    await sql(authority, f"UPDATE events SET position = {positions[1]} WHERE position = {positions[3]}")
    await sql(authority, f"UPDATE events SET position = {positions[3]} WHERE position = -5")
    assert named(await authority.evidence.verify(by=OPERATOR)) == {("altered", positions[1]), ("altered", positions[3])}


async def test_a_link_that_was_altered_or_taken_away_is_named(authority):
    positions = await fill(authority)
    await sql(authority, f"UPDATE event_chain SET at = '2026-01-15 12:00:01' WHERE position = {positions[4]}")
    found = named(await authority.evidence.verify(by=OPERATOR))
    assert found >= {("link_altered", positions[4])} and {position for _, position in found} == {positions[4]}
    await sql(authority, f"DELETE FROM event_chain WHERE position = {positions[1]}")
    report = await authority.evidence.verify(by=OPERATOR)
    assert ("link_missing", positions[1]) in named(report)


async def test_what_is_forgotten_by_sql_is_not_taken_for_retention(authority):
    positions = await fill(authority)
    await sql(authority, f"UPDATE events SET ip = NULL, user_agent = NULL WHERE position = {positions[2]}")
    await sql(authority, f"UPDATE event_chain SET salt = NULL WHERE position = {positions[2]}")
    assert named(await authority.evidence.verify(by=OPERATOR)) == {("forgotten", positions[2])}


async def test_a_whole_new_chain_does_not_agree_with_a_checkpoint(authority):
    """Who can write to the database can seal anew; what was written down elsewhere says so."""
    positions = await fill(authority)
    checkpoint = await authority.evidence.checkpoint(by=OPERATOR)
    assert (await authority.evidence.verify(by=OPERATOR, checkpoint=checkpoint)).checkpoint == "agrees"
    await sql(authority, f"UPDATE events SET reason = 'admin' WHERE position = {positions[2]}")
    await sql(authority, "DELETE FROM event_chain")
    report = await authority.evidence.verify(by=OPERATOR, checkpoint=checkpoint)
    assert report.faults == 0 and report.checkpoint == "differs" and not report.is_sound


async def test_events_cut_off_the_end_with_their_links_do_not_agree_with_a_checkpoint(authority):
    positions = await fill(authority)
    checkpoint = await authority.evidence.checkpoint(by=OPERATOR)
    for table in ("events", "event_chain"):
        await sql(authority, f"DELETE FROM {table} WHERE position > {positions[3]}")
    report = await authority.evidence.verify(by=OPERATOR, checkpoint=checkpoint)
    assert report.checkpoint == "ahead" and not report.is_sound


async def test_only_administrators_look(authority):
    await add_user(authority)
    ada = await caller(authority, await sign_in(authority))
    for act in (authority.evidence.verify, authority.evidence.checkpoint):
        with pytest.raises(NotAllowed):
            await act(by=ada)


async def test_the_chain_goes_on_over_pages_and_batches(authority):
    async with authority.database.transaction() as db:
        await events.add(db, [Event(authority.clock(), "session.started", user_id=f"user_{n}") for n in range(2500)])
    report = await authority.evidence.verify(by=OPERATOR)
    assert report.is_sound and report.intact == 2500 and report.head.number == 2500


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_what_commits_late_is_sealed_in_its_place(make_authority, monkeypatch):
    """Positions are given in the order of writing: one that commits after its successors must not be sealed out."""
    from ostiary.authority.authority import utc_now

    async with make_authority() as authority:
        authority.clock = utc_now

        class Verbs:
            database = authority.database

            @in_transaction
            async def hold(self, db, written: asyncio.Event, release: asyncio.Event) -> None:
                await events.add(db, [Event(utc_now(), "session.started", user_id="late")])
                written.set()
                await release.wait()

        written, release = asyncio.Event(), asyncio.Event()
        late = asyncio.create_task(Verbs().hold(written, release))
        await written.wait()
        await write(authority, "session.started")
        assert (await authority.evidence.verify(by=OPERATOR)).unsealed == 1  # what is seen is not settled yet
        release.set()
        await late
        await settle(authority)
        report = await authority.evidence.verify(by=OPERATOR)
        assert report.is_sound and report.intact == 2 and report.unsealed == 0


async def test_two_nodes_that_seal_at_once_make_one_chain(authority, make_authority):
    async with make_authority() as other:
        await write(authority, times=20)
        await asyncio.gather(*(node.evidence.verify(by=OPERATOR) for node in (authority, other) * 2))
        report = await other.evidence.verify(by=OPERATOR)
        assert report.is_sound and report.intact == 20


async def test_purging_and_forgetting_leave_a_chain_that_holds(authority, clock):
    await add_user(authority)
    for _ in range(3):
        await sign_in(authority, client=at("203.0.113.9"))
        clock.advance(days=50)
    checkpoint = await authority.evidence.checkpoint(by=OPERATOR)
    gone = await authority.retention.purge(by=OPERATOR)
    assert gone.forgotten > 0 and gone.events == 0
    report = await authority.evidence.verify(by=OPERATOR, checkpoint=checkpoint)
    assert report.is_sound and report.forgotten == 3 and report.checkpoint == "agrees"
    async with authority.database.reading() as db:
        kept = [event.ip for event in await events.list_oldest(db) if event.kind == "session.started"]
    assert kept == [None, None, "203.0.113.9"]  # 150, 100 and 50 days old
    clock.advance(days=280)
    gone = await authority.retention.purge(by=OPERATOR)
    assert gone.events == 3  # the account and two sign-ins, 430 to 380 days old
    report = await authority.evidence.verify(by=OPERATOR, checkpoint=checkpoint)
    assert report.is_sound and report.first.number == 3 and report.purged == 1


async def test_refused_sign_ins_go_earlier_and_the_rest_of_the_chain_stays(authority, clock):
    await write(authority, "session.started", "sign_in.refused", "session.started", "sign_in.refused")
    clock.advance(days=31)
    assert (await authority.retention.purge(by=OPERATOR)).events == 2
    report = await authority.evidence.verify(by=OPERATOR)
    assert report.is_sound and report.purged == 2


async def test_a_removal_is_retention_only_up_to_the_time_on_record(authority, clock):
    """Somebody deletes by SQL what retention had not reached: that it ran at some time is no cover."""
    await write(authority, "sign_in.refused")
    clock.advance(days=31)
    await authority.retention.purge(by=OPERATOR)
    positions = await fill_more(authority)
    await sql(authority, f"DELETE FROM events WHERE position = {positions[-1]}")
    assert named(await authority.evidence.verify(by=OPERATOR)) == {("removed", positions[-1])}


async def fill_more(authority) -> list[int]:
    await write(authority, "sign_in.refused", "session.started")
    await authority.evidence.verify(by=OPERATOR)
    async with authority.database.reading() as db:
        return [event.position or 0 for event in await events.list_oldest(db)]


# Leases


HOLD = timedelta(seconds=60)


async def take(authority, holder: str, span: timedelta = HOLD) -> bool:
    async with authority.database.transaction() as db:
        return await leases.take(db, "chain", holder, span)


async def test_of_two_nodes_one_holds_the_lease_and_may_hold_it_on(authority):
    assert await take(authority, "a")
    assert not await take(authority, "b")
    assert await take(authority, "a")


async def test_a_node_that_died_holds_nobody_up_when_its_time_has_passed(authority):
    assert await take(authority, "dead", timedelta(0))
    assert await take(authority, "b")
    assert not await take(authority, "dead")


async def test_a_lease_goes_by_the_clock_of_the_store_and_not_of_a_node(authority, clock, make_authority):
    """A node whose clock is years ahead takes nothing away from one that is at work, and keeps nothing for years."""
    assert await take(authority, "a")
    clock.advance(days=3650)
    async with make_authority() as ahead:
        assert not await take(ahead, "b")
    async with authority.database.reading() as db:
        assert abs((await leases.now(db)) - clock()) > timedelta(days=300)


async def test_a_lease_that_is_released_is_free_at_once(authority):
    assert await take(authority, "a")
    async with authority.database.transaction() as db:
        await leases.release(db, "chain", "b")  # not theirs
    assert not await take(authority, "b")
    async with authority.database.transaction() as db:
        await leases.release(db, "chain", "a")
    assert await take(authority, "b")


async def test_many_nodes_that_come_at_once_find_one_holder(authority):
    taken = await asyncio.gather(*(take(authority, f"node-{number}") for number in range(6)))
    assert sum(taken) == 1
