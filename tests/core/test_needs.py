"""What an act asks of its caller: whose sign-in is fresh enough, to the instant, and who is not asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ostiary.core.account import User
from ostiary.core.caller import Caller
from ostiary.core.credential import CliToken
from ostiary.core.needs import Need, fresh, power
from ostiary.core.policy import Policy
from ostiary.core.session import Session
from ostiary.errors import ReauthenticationRequired

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
STEP = timedelta(microseconds=1)
AGE, POWER_AGE = timedelta(minutes=10), timedelta(minutes=3)
POLICY = Policy("tests", "here", lifetime=timedelta(days=1), step_up_age=AGE, power_age=POWER_AGE)
ADA = User("user_ada", roles=("member",))
SESSION = Session("sess_a", ADA.id, "browser", NOW, NOW, NOW, NOW + timedelta(days=1))


def asks(need: Need, caller: Caller, policy: Policy, now: datetime) -> int | None:
    """The age in seconds that it wants; None if it does not ask."""
    try:
        need(caller, policy, now)
    except ReauthenticationRequired as why:
        return int(str(why.fields["max_age"]))
    return None


@pytest.mark.parametrize(("need", "age"), [(fresh, AGE), (power, POWER_AGE)])
def test_each_asks_after_its_own_age_to_the_instant(need, age):
    me = Caller(ADA, SESSION)
    assert asks(need, me, POLICY, NOW + age) is None
    assert asks(need, me, POLICY, NOW + age + STEP) == age.total_seconds()
    proved_anew = Caller(ADA, replace(SESSION, auth_time=NOW + age))
    assert asks(need, proved_anew, POLICY, NOW + 2 * age) is None


@pytest.mark.parametrize(("need", "age"), [(fresh, AGE), (power, POWER_AGE)])
def test_a_session_that_an_administrator_made_is_always_asked_and_a_token_never(need, age):
    assert asks(need, Caller(ADA, replace(SESSION, issued_by="user_root")), POLICY, NOW) == age.total_seconds()
    token = CliToken("ost_a", ADA.id, "ci", (), NOW)
    for nobodys in (Caller(ADA, token=token), Caller.operator("ada")):
        assert asks(need, nobodys, POLICY, NOW + timedelta(days=1)) is None


def test_a_policy_without_an_age_never_asks():
    never = replace(POLICY, step_up_age=None, power_age=None)
    minted = Caller(ADA, replace(SESSION, issued_by="user_root"))
    for need in (fresh, power):
        assert asks(need, minted, never, NOW + timedelta(days=1)) is None
