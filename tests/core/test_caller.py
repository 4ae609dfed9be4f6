"""What each kind of credential may see and do: every rule of `Caller` and `Reach`, with each kind of caller."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from ostiary.core.account import User
from ostiary.core.caller import Caller
from ostiary.core.credential import CliToken
from ostiary.core.policy import Policy
from ostiary.core.reach import ORDINARY_SCOPES, SCOPES, USER_SCOPES
from ostiary.core.session import Revocation, Session
from ostiary.errors import NotAllowed, SessionExpired, SessionInvalid, SessionRevoked, TokenExpired, TokenRevoked

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
STEP = timedelta(microseconds=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
POLICY = Policy("tests", "here", lifetime=10 * DAY)
SECRET, OTHER = b"a" * 32, b"b" * 32

MEMBER = User("user_ada", "ada", "ada@example.org", ("member",))
ADMIN = User("user_root", "root", "root@example.org", ("admin", "member"))


def session_of(user: User = MEMBER, **more: Any) -> Session:
    return Session("sess_a", user.id, "browser", NOW, NOW, NOW, NOW + DAY, **more)


def signed_in(user: User = MEMBER, **more: Any) -> Caller:
    return Caller(user, session_of(user, **more), proof=SECRET)


def with_token(*scopes: str, user: User = MEMBER, expires_at: datetime | None = None) -> Caller:
    return Caller(user, token=CliToken("ost_a", user.id, "ci", scopes, NOW, expires_at), proof=SECRET)


def with_access(*scopes: str, user: User = MEMBER, **more: Any) -> Caller:
    return Caller(user, session_of(user, **more), granted=scopes, granted_until=NOW + HOUR)


ROBOT, ROOTS_ROBOT = with_token(*ORDINARY_SCOPES), with_token(*ORDINARY_SCOPES, user=ADMIN)
MIGHTY = with_token("admin", user=ADMIN)
OPERATOR = Caller.operator("ada")
A_CLIENT = Caller(User("client_a"), session_of(User("client_a"), client_id="client_a"), granted=("feed:read",))


def is_allowed(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except NotAllowed:
        return False
    return True


# Administrators.


@pytest.mark.parametrize(
    ("caller", "is_admin"),
    [
        (signed_in(), False),
        (signed_in(ADMIN), True),
        (ROBOT, False),
        (ROOTS_ROBOT, False),
        (MIGHTY, True),
        (with_token("admin"), False),  # its user is no administrator any more
        (with_access("admin", user=ADMIN), False),  # no access token ever is one
        (OPERATOR, True),
        (Caller.upkeep(), True),
        (Caller.policy(), False),
    ],
)
def test_an_administrator_is_one_by_role_and_by_credential(caller, is_admin):
    assert caller.is_admin is is_admin
    assert ("admin" in caller.acting_roles) is is_admin
    assert ("admin" in caller.told.roles) is is_admin
    assert is_allowed(caller.ensure_admin) is is_admin


def test_why_somebody_is_no_administrator_names_what_lacks():
    for caller, lacks in ((signed_in(), {"role": "admin"}), (ROOTS_ROBOT, {"scope": "admin"})):
        with pytest.raises(NotAllowed) as refused:
            caller.ensure_admin()
        assert refused.value.fields == lacks


# Scopes.


def test_a_session_has_the_scopes_of_its_user_and_a_token_its_own():
    assert signed_in().scopes == USER_SCOPES
    assert signed_in(ADMIN).scopes == SCOPES
    assert ROOTS_ROBOT.scopes == ORDINARY_SCOPES
    assert with_access("openid", user=ADMIN).scopes == ("openid",)


@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_is_covered_by_itself_or_by_admin_or_by_being_a_person(scope):
    assert is_allowed(lambda: signed_in().ensure_scope(scope))
    assert is_allowed(lambda: with_token(scope).ensure_scope(scope))
    assert is_allowed(lambda: with_access(scope).ensure_scope(scope))
    others = [one for one in SCOPES if one not in {scope, "admin"}]
    assert not is_allowed(lambda: with_token(*others, user=ADMIN).ensure_scope(scope))
    assert not is_allowed(lambda: with_access(*others, "admin", user=ADMIN).ensure_scope(scope)) or scope == "admin"
    assert is_allowed(lambda: MIGHTY.ensure_scope(scope)) is (scope != "gateway")
    assert not is_allowed(lambda: with_token("admin").ensure_scope(scope)) or scope == "admin"
    with pytest.raises(NotAllowed) as refused:
        with_token().ensure_scope(scope)
    assert refused.value.fields == {"scope": scope}


@pytest.mark.parametrize(
    ("caller", "allowed"),
    [
        (A_CLIENT, True),
        (replace(A_CLIENT, granted=("metrics:read",)), False),
        (with_access("feed:read", client_id="client_a"), False),  # a client in the name of its user
        (with_token("feed:read", user=ADMIN), True),
        (MIGHTY, True),
        (with_token("feed:read"), False),
        (ROOTS_ROBOT, False),
        (signed_in(ADMIN), False),
        (OPERATOR, False),
    ],
)
def test_what_concerns_everybody_is_for_programs_of_the_house(caller, allowed):
    assert is_allowed(lambda: caller.ensure_service("feed:read")) is allowed


# What an application may let it do.


@pytest.mark.parametrize(
    ("caller", "role", "scope", "allowed"),
    [
        (signed_in(), None, None, True),
        (signed_in(), "member", "gateway", True),
        (signed_in(), None, "anything", True),
        (signed_in(), "admin", None, False),
        (signed_in(ADMIN), "admin", None, True),
        (with_token("gateway"), None, "gateway", True),
        (with_token("gateway"), None, "sessions:read", False),
        (with_token("gateway"), "member", "gateway", True),
        (with_token("gateway"), "member", None, False),  # a role alone is not enough for it
        (with_token("gateway"), None, None, True),
        (with_token("gateway", user=ADMIN), "admin", "gateway", False),
        (with_token("gateway", "admin", user=ADMIN), "admin", "gateway", True),
        (MIGHTY, "admin", None, True),
        (MIGHTY, "admin", "gateway", False),
        (with_access("shop"), None, "shop", True),
        (with_access("shop"), None, "wiki", False),
        (with_access("shop"), "member", "shop", True),
        (with_access("shop"), "member", None, False),
        (with_access("shop", "admin", user=ADMIN), "admin", "shop", False),
    ],
)
def test_an_application_asks_for_a_role_a_scope_or_both(caller, role, scope, allowed):
    assert is_allowed(lambda: caller.reach.ensure(caller.user, role=role, scope=scope)) is allowed


# What it is told.


def test_a_client_is_told_what_its_scopes_say():
    assert with_access("openid").told == User("user_ada")
    assert with_access("profile", user=ADMIN).told == User("user_root", "root", None, ("member",))
    assert with_access("email").told == User("user_ada", None, "ada@example.org")
    assert ROBOT.told == MEMBER
    assert ROOTS_ROBOT.told == replace(ADMIN, roles=("member",))


@pytest.mark.parametrize(
    ("caller", "sees"),
    [
        (signed_in(), True),
        (OPERATOR, True),
        (ROBOT, True),
        (with_token("gateway"), False),
        (MIGHTY, True),
        (with_token("admin"), False),
        (with_access("openid"), False),
        (with_access("sessions:read"), True),
    ],
)
def test_from_where_somebody_signed_in_is_for_who_may_see_sessions(caller, sees):
    assert caller.sees_places is sees


def test_the_trail_names_who_acted():
    assert (signed_in().name, ROBOT.name, OPERATOR.name) == ("user_ada", "ost_a", "database:ada")
    assert (signed_in().session_id, ROBOT.session_id) == ("sess_a", None)


# What it may make.


def test_a_credential_gives_only_scopes_that_it_has():
    for caller in (signed_in(), signed_in(ADMIN), ROBOT, MIGHTY):
        for scope in SCOPES:
            assert is_allowed(partial(caller.ensure_may_give, scope)) is (scope in caller.scopes)


@pytest.mark.parametrize(
    ("caller", "bound"),
    [
        (signed_in(), None),
        (signed_in(issued_by="user_root"), NOW + DAY),  # a session that an administrator made
        (with_token("tokens:manage"), None),
        (with_token("tokens:manage", expires_at=NOW + HOUR), NOW + HOUR),
    ],
)
def test_what_is_made_does_not_outlive_what_makes_it(caller, bound):
    assert caller.expiry_of_made(None) == bound
    if bound is None:
        assert caller.expiry_of_made(NOW + 100 * DAY) == NOW + 100 * DAY
        return
    assert caller.expiry_of_made(bound) == bound
    assert caller.expiry_of_made(bound - STEP) == bound - STEP
    with pytest.raises(NotAllowed):
        caller.expiry_of_made(bound + STEP)


def test_rotating_is_no_way_to_more():
    own = with_token("tokens:manage", expires_at=NOW + HOUR)
    other = CliToken("ost_b", "user_ada", "other", ("tokens:manage",), NOW, NOW + HOUR)
    rotates = lambda caller, token: is_allowed(lambda: caller.ensure_could_make(token))  # noqa: E731
    assert own.token is not None and rotates(own, replace(own.token, scopes=SCOPES, expires_at=None)), "itself"
    assert rotates(own, other)
    assert not rotates(own, replace(other, expires_at=None))
    assert not rotates(own, replace(other, expires_at=NOW + HOUR + STEP))
    assert not rotates(own, replace(other, scopes=("tokens:manage", "sessions:read")))
    assert rotates(signed_in(), replace(other, scopes=SCOPES, expires_at=None))
    minted = signed_in(issued_by="user_root")
    assert rotates(minted, replace(other, expires_at=NOW + DAY, scopes=SCOPES))
    assert not rotates(minted, replace(other, expires_at=NOW + DAY + STEP))


def test_who_manages_tokens():
    for caller, own, others in (
        (signed_in(), True, True), (ROBOT, True, True), (with_token("gateway"), True, False), (MIGHTY, True, True),
    ):  # fmt: skip
        assert is_allowed(partial(caller.ensure_may_manage, "ost_a")) is own
        assert is_allowed(partial(caller.ensure_may_manage, "ost_b")) is others


def test_what_an_administrator_made_makes_no_sessions():
    assert is_allowed(lambda: signed_in(ADMIN).ensure_may_mint(None))
    assert is_allowed(lambda: signed_in(ADMIN).ensure_may_mint(session_of(ADMIN)))
    assert not is_allowed(lambda: signed_in(ADMIN).ensure_may_mint(session_of(ADMIN, issued_by="user_root")))


def test_some_acts_are_a_persons_and_some_questions_a_tokens():
    assert signed_in().ensure_person().id == "sess_a"
    assert ROBOT.ensure_cli_token().id == "ost_a"
    for caller in (ROBOT, OPERATOR, with_access("openid")):
        assert not is_allowed(caller.ensure_person)
    assert not is_allowed(signed_in().ensure_cli_token)


# The same caller, as their row says now.


def test_again_is_by_the_row_of_now():
    changed = replace(MEMBER, roles=())
    session, token = session_of(label="Laptop"), CliToken("ost_a", "user_ada", "other", (), NOW)
    found = signed_in().again(changed, SECRET, NOW, POLICY, session=session)
    assert (found.user, found.session, found.token) == (changed, session, None)
    found = ROBOT.again(changed, SECRET, NOW, POLICY, token=token)
    assert (found.user, found.session, found.token) == (changed, None, token)


def test_again_is_refused_once_it_ended():
    ended = session_of(revoked=Revocation(NOW, "user", "user_ada"))
    token = CliToken("ost_a", "user_ada", "ci", (), NOW, NOW + HOUR)
    with pytest.raises(SessionRevoked):
        signed_in().again(MEMBER, SECRET, NOW, POLICY, session=ended)
    with pytest.raises(SessionExpired):
        signed_in().again(MEMBER, SECRET, NOW + DAY, POLICY, session=session_of())
    with pytest.raises(TokenExpired):
        ROBOT.again(MEMBER, SECRET, NOW + HOUR, POLICY, token=token)
    with pytest.raises(TokenRevoked):
        ROBOT.again(MEMBER, SECRET, NOW, POLICY, token=replace(token, revoked_at=NOW))
    with pytest.raises(SessionRevoked):
        with_access("openid").again(MEMBER, OTHER, NOW, POLICY, session=ended)


def test_again_is_refused_with_another_secret_than_that_of_now():
    assert signed_in().holds(SECRET) and not signed_in().holds(OTHER)
    for caller in (signed_in(), replace(signed_in(), proof=None)):
        with pytest.raises(SessionInvalid):
            caller.again(MEMBER, OTHER, NOW, POLICY, session=session_of())


def test_an_access_token_proves_no_secret_and_lasts_its_own_time():
    caller = with_access("openid")
    assert caller.holds(OTHER)
    assert caller.again(MEMBER, OTHER, NOW + HOUR - STEP, POLICY, session=session_of()).granted == ("openid",)
    for late in (caller, replace(caller, granted_until=None)):
        with pytest.raises(SessionInvalid):
            late.again(MEMBER, OTHER, NOW + HOUR, POLICY, session=session_of())


def test_no_secret_is_in_the_repr():
    assert repr(SECRET) not in repr(signed_in())
