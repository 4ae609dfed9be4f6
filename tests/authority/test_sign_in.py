"""Signing in: one answer for every wrong way, limits that stop guessers and lock nobody out."""

from __future__ import annotations

import asyncio
import statistics
import time
from datetime import timedelta

import pytest

from ostiary.authority.throttle import Limits, Throttle
from ostiary.errors import InvalidRequest, NotAllowed, SessionInvalid, SessionRevoked, TooManyRequests, WrongCredentials
from ostiary.storage import events
from ostiary.storage.failed_sign_ins import Failures
from tests.support.people import PASSWORD, SERVED_PASSWORDS, add_user, at, caller, sign_in


async def attempt(authority, username="ada", password="wrong", ip="203.0.113.7"):
    return await authority.sign_in.with_password(username, password, client=at(ip))


@pytest.fixture
def patient(monkeypatch):
    """Turns are taken without waiting for real; the waits are kept."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    original = Throttle.__init__

    def init(self, limits):
        original(self, limits, sleep=sleep, monotonic=lambda: sum(waits))

    monkeypatch.setattr(Throttle, "__init__", init)
    return waits


@pytest.mark.parametrize("username", ["ada", "ADA", "  Ada "])
async def test_the_name_is_found_whatever_its_case(authority, username):
    await add_user(authority)
    user, _ = await authority.sign_in.with_password(username, PASSWORD, client=at())
    assert user.username == "ada"


async def test_unknown_wrong_and_disabled_give_one_answer(authority, operator):
    await add_user(authority)
    await add_user(authority, "gone")
    await authority.accounts.disable("gone", by=operator)
    answers = set()
    for username, password in (("nobody", PASSWORD), ("ada", "wrong"), ("gone", PASSWORD), ("gone", "wrong"), ("", "")):
        with pytest.raises(WrongCredentials) as refused:
            await attempt(authority, username, password)
        answers.add((refused.value.code, str(refused.value), tuple(refused.value.fields)))
    assert len(answers) == 1


async def test_unknown_and_known_cost_the_same(make_authority):
    """Medians of interleaved tries: the hashing is most of the time, and it is done in every case."""
    async with make_authority(**SERVED_PASSWORDS) as authority:
        await _ensure_one_price(authority)


async def _ensure_one_price(authority):
    await add_user(authority)
    times: dict[str, list[float]] = {"ada": [], "nobody": []}
    for number in range(8):
        for username, spent in times.items():
            begun = time.perf_counter()
            with pytest.raises(WrongCredentials):
                await attempt(authority, username, ip=f"198.51.100.{number}")
            spent.append(time.perf_counter() - begun)
    known, unknown = (statistics.median(spans[1:]) for spans in times.values())
    assert 0.5 < known / unknown < 2


async def test_a_refused_sign_in_is_an_event_without_the_name_or_password(authority):
    user = await add_user(authority)
    for username in ("ada", "my-secret-password-in-the-wrong-field"):
        with pytest.raises(WrongCredentials):
            await attempt(authority, username, "hunter2")
    async with authority.database.reading() as db:
        newest = await events.list_newest(db, limit=2)
    assert [e.kind for e in newest] == ["sign_in.refused", "sign_in.refused"]
    assert [e.user_id for e in newest] == [None, user.id]
    assert "hunter2" not in repr(newest)
    assert "my-secret" not in repr(newest)


async def test_over_the_limit_a_wrong_password_is_429_and_the_right_one_signs_in(patient, authority):
    await add_user(authority)
    for _ in range(10):
        with pytest.raises(WrongCredentials):
            await attempt(authority)
    with pytest.raises(TooManyRequests) as refused:
        await attempt(authority)
    assert refused.value.fields["retry_after"] in range(1, 901)
    assert await sign_in(authority)


async def test_over_the_limit_attempts_take_turns_a_second_apart(patient, authority):
    await add_user(authority)
    for _ in range(10):
        with pytest.raises(WrongCredentials):
            await attempt(authority)
    for _ in range(4):
        with pytest.raises(TooManyRequests):
            await attempt(authority)
    assert patient == [1.0, 1.0, 1.0]


async def test_a_stranger_elsewhere_does_not_slow_the_user_down(patient, make_authority):
    async with make_authority(sign_in_failures_per_account=20) as authority:
        await add_user(authority)
        await sign_in(authority, client=at("192.0.2.1"))
        for number in range(24):
            with pytest.raises((WrongCredentials, TooManyRequests)):
                await attempt(authority, ip=f"198.51.100.{number}")
        strangers_waits = len(patient)
        assert strangers_waits > 0
        assert await sign_in(authority, client=at("192.0.2.1"))
        assert len(patient) == strangers_waits
        with pytest.raises(TooManyRequests):
            await attempt(authority, ip="198.51.100.250")
        with pytest.raises(WrongCredentials):
            await attempt(authority, "somebody-else", ip="198.51.100.250")


async def test_unknown_names_are_limited_like_known_ones(patient, authority):
    for _ in range(10):
        with pytest.raises(WrongCredentials):
            await attempt(authority, "nobody")
    with pytest.raises(TooManyRequests):
        await attempt(authority, "nobody")


async def test_one_address_that_sprays_many_names_is_limited(patient, make_authority):
    async with make_authority(sign_in_failures_per_address=20) as authority:
        for number in range(20):
            with pytest.raises(WrongCredentials):
                await attempt(authority, f"name{number}")
        with pytest.raises(TooManyRequests):
            await attempt(authority, "name200")


async def test_the_window_passes_and_the_throttling_is_in_the_trail_once(patient, authority, clock):
    await add_user(authority)
    for _ in range(14):
        with pytest.raises((WrongCredentials, TooManyRequests)):
            await attempt(authority)
    async with authority.database.reading() as db:
        trail = [event.kind for event in await events.list_newest(db)]
    assert trail.count("sign_in.throttled") == 1
    assert trail.count("sign_in.refused") == 10
    clock.advance(minutes=15, seconds=1)
    with pytest.raises(WrongCredentials):
        await attempt(authority)


async def test_a_flood_over_the_limit_is_refused_unheard():
    now = 0.0
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    throttle = Throttle(Limits(1, 1, 1, timedelta(minutes=1)), sleep=sleep, monotonic=lambda: now)
    for _ in range(6):
        await throttle.wait_turn("key")
    with pytest.raises(TooManyRequests):
        await throttle.wait_turn("key")
    await throttle.wait_turn("another key")
    assert slept == [1.0, 2.0, 3.0, 4.0, 5.0]
    now = 100.0
    await throttle.wait_turn("key")


async def test_a_burst_does_not_outrun_the_counting(patient, authority):
    """100 guesses at once: as many are looked at before the limit as would be one after another, not one more."""
    await add_user(authority)
    tries = [attempt(authority, password=f"guess {number}") for number in range(100)]
    done = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(1 for one in done if isinstance(one, WrongCredentials)) == 10
    assert sum(1 for one in done if isinstance(one, TooManyRequests)) == 90


async def test_many_right_sign_ins_at_once_all_succeed(authority):
    await add_user(authority)
    started = await asyncio.gather(*(sign_in(authority) for _ in range(30)))
    assert len({one.session.id for one in started}) == 30


async def test_a_longer_queue_than_any_user_makes_is_a_flood():
    throttle = Throttle(Limits(1, 1, 1, timedelta(minutes=1)))
    gate = asyncio.Event()

    async def wait() -> None:
        async with throttle.looked_at("account", "address", known_address=True):
            await gate.wait()

    waiting = [asyncio.create_task(wait()) for _ in range(257)]
    await asyncio.sleep(0.01)
    assert [task.done() for task in waiting].count(True) == 1
    with pytest.raises(TooManyRequests):
        await waiting[-1]
    gate.set()
    await asyncio.gather(*waiting[:-1])
    assert throttle._queues == {}


def test_which_limit_an_attempt_is_over():
    throttle = Throttle(Limits(pair=2, address=3, account=4, window=timedelta(minutes=1)))
    cases = [
        (Failures(1, 3, 2, None), False, None),
        (Failures(2, 2, 2, None), True, "acc ip"),
        (Failures(0, 0, 3, None), True, "ip"),
        (Failures(0, 4, 0, None), False, "acc"),
        (Failures(0, 4, 0, None), True, None),
        (Failures(2, 4, 3, None), False, "acc"),  # many addresses share one turn, rather than each having its own
        (Failures(2, 4, 3, None), True, "ip"),
    ]
    for failures, known, key in cases:
        assert throttle.over(failures, "acc", "ip", known_address=known) == key


async def test_changing_the_password_ends_the_other_sessions_and_refuses_the_old_one(authority):
    await add_user(authority)
    other, mine = await sign_in(authority), await sign_in(authority)
    me = await caller(authority, mine)
    with pytest.raises(WrongCredentials):
        await authority.sign_in.change_password("wrong", "another long password", by=me)
    done = await authority.sign_in.change_password(PASSWORD, "another long password", by=me)
    assert done.count == 1
    assert await authority.verify(done.renewed.token)
    with pytest.raises(SessionInvalid):
        await authority.verify(mine.token)
    with pytest.raises(SessionRevoked) as refused:
        await authority.verify(other.token)
    assert refused.value.fields["reason"] == "password_change"
    with pytest.raises(WrongCredentials):
        await sign_in(authority)
    assert await attempt(authority, password="another long password")


async def test_changing_the_password_can_leave_the_others_alone(authority):
    await add_user(authority)
    other = await sign_in(authority)
    me = await caller(authority, await sign_in(authority))
    await authority.sign_in.change_password(PASSWORD, "another long password", by=me, end_other_sessions=False)
    assert await authority.verify(other.token)


@pytest.mark.parametrize("new", ["short", "x" * 1025, "ADA"])
async def test_a_password_that_may_not_be_one_changes_nothing(authority, new):
    await add_user(authority)
    me = await caller(authority, await sign_in(authority))
    with pytest.raises(InvalidRequest) as refused:
        await authority.sign_in.change_password(PASSWORD, new, by=me)
    assert refused.value.fields["field"] == "new"
    assert new not in str(refused.value) or new == "ADA"
    assert await sign_in(authority)


async def test_a_cli_token_cannot_change_the_password_or_prove_it_again(authority):
    await add_user(authority)
    me = await caller(authority, await sign_in(authority))
    token = await authority.verify((await authority.tokens.create(by=me)).secret)
    with pytest.raises(NotAllowed):
        await authority.sign_in.change_password(PASSWORD, "another long password", by=token)
    with pytest.raises(NotAllowed):
        await authority.sign_in.reauthenticate(PASSWORD, by=token)


async def test_an_old_hash_is_improved_at_the_next_sign_in(make_authority):
    async with make_authority() as cheap:
        await add_user(cheap)
    async with make_authority(password_time_cost=3) as dearer:
        await sign_in(dearer)
        async with dearer.database.reading() as db:
            stored = (await db.exec_driver_sql("SELECT password_hash FROM users")).scalar_one()
        assert "t=3" in stored
        assert await sign_in(dearer)
