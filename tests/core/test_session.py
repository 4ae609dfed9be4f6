"""A session's life, at each boundary and one step beside it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ostiary.core.policy import Policy
from ostiary.core.session import Revocation, Session, live_status, new_deadline
from ostiary.errors import SessionExpired, SessionRevoked

START = datetime(2026, 1, 1, tzinfo=UTC)
STEP = timedelta(microseconds=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
POLICY = Policy("tests", "here", lifetime=10 * DAY, idle_timeout=DAY)
LASTING = replace(POLICY, idle_timeout=None)
SESSION = Session("sess_a", "user_a", "browser", START, START, START, START + 10 * DAY)


def suspended_until(until: datetime | None) -> Session:
    return replace(SESSION, revoked=Revocation(START + HOUR, "admin", "user_root", until))


@pytest.mark.parametrize(
    ("session", "policy", "ends_at", "limit"),
    [
        (SESSION, POLICY, START + DAY, "idle"),
        (SESSION, LASTING, START + 10 * DAY, "lifetime"),
        (replace(SESSION, last_used_at=START + 9 * DAY), POLICY, START + 10 * DAY, "lifetime"),
        (replace(SESSION, last_used_at=START + 9 * DAY - STEP), POLICY, START + 10 * DAY - STEP, "idle"),
        (SESSION, replace(LASTING, lifetime=2 * DAY), START + 2 * DAY, "lifetime"),
        (replace(SESSION, expires_at=START + HOUR), LASTING, START + HOUR, "lifetime"),
    ],
)
def test_the_first_limit_ends_it_at_its_instant_and_not_a_step_before(session, policy, ends_at, limit):
    assert session.deadline(policy) == (ends_at, limit)
    before = ends_at - STEP
    assert session.life(policy, before) == "live"
    assert session.refusal(policy, before) is None and session.ended(policy, before) is None
    assert session.status(policy, before) == "active"
    session.ensure_live(policy, before)
    for now in (ends_at, ends_at + STEP):
        assert session.life(policy, now) == "ended"
        assert session.status(policy, now) == "expired"
        assert session.ended(policy, now) == (ends_at, limit)
        with pytest.raises(SessionExpired):
            session.ensure_live(policy, now)


def test_a_suspension_is_final_from_the_instant_that_its_plan_can_no_longer_be_undone():
    until = START + 2 * HOUR
    session = suspended_until(until)
    assert session.life(POLICY, until - STEP) == session.status(POLICY, until - STEP) == "suspended"
    for now in (until, until + STEP):
        assert (session.life(POLICY, now), session.status(POLICY, now)) == ("ended", "revoked")
    for now, undone_until in ((until - STEP, until), (until, None)):
        assert session.ended(POLICY, now) == (START + HOUR, "admin")
        with pytest.raises(SessionRevoked) as refused:
            session.ensure_live(POLICY, now)
        # Until when it may come back is said as long as it may, and no longer.
        assert refused.value.fields.get("suspended_until") == undone_until


def test_an_ending_is_final_at_once_and_says_more_than_an_expiry():
    session = suspended_until(None)
    for now in (START + HOUR, START + 20 * DAY):
        assert (session.life(POLICY, now), session.status(POLICY, now)) == ("ended", "revoked")
        assert isinstance(session.refusal(POLICY, now), SessionRevoked)


def test_a_proof_counts_up_to_its_age_and_a_minted_session_has_none():
    assert SESSION.was_proved_within(HOUR, START + HOUR)
    assert not SESSION.was_proved_within(HOUR, START + HOUR + STEP)
    minted = replace(SESSION, issued_by="user_root")
    assert minted.proved_at is None and not minted.was_proved_within(HOUR, START)


def test_stale_is_strictly_more_than_so_many_days_and_zero_is_never():
    assert live_status(START, START + 30 * DAY) == "active"
    assert live_status(START, START + 30 * DAY + STEP) == "stale"
    assert live_status(START, START + DAY + STEP, 1) == "stale"
    assert live_status(START, START + 400 * DAY, 0) == live_status(START, START + 400 * DAY, -1) == "active"


def test_a_new_session_never_outlives_the_policy():
    assert new_deadline(POLICY, START) == START + 10 * DAY
    assert new_deadline(POLICY, START, HOUR) == START + HOUR
    assert new_deadline(POLICY, START, 11 * DAY) == START + 10 * DAY
