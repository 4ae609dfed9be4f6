"""A session that an administrator made: nobody proved anything in it, it says so, and what it makes ends with it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ostiary.core.caller import Caller
from ostiary.core.gateway import Rule
from ostiary.errors import NotAllowed, OstiaryError, ReauthenticationRequired, TokenRevoked, Unauthenticated
from ostiary.sdk.verifier.verified import VerifiedSession, packed
from tests.http.visitors import API, COOKIE, OPERATOR, add_people, browser, cli_token, script
from tests.oauth.party import Pkce, claims_of, fields_of, register
from tests.support.people import at

LONG = timedelta(days=1)


@pytest.fixture
def free(app):
    """A server whose policy asks nobody again for power: what a minted session makes is bounded all the same."""
    for noun in (app.authority.tokens, app.authority.administration):
        noun.acting = replace(noun.acting, policy=replace(noun.acting.policy, power_age=None))
    return app


async def test_by_every_policy_that_can_be_set_it_makes_no_cli_tokens(app):
    _, by = await minted(app)
    with pytest.raises(ReauthenticationRequired):
        await app.authority.tokens.create(by=by)


async def minted(app: Any, username: str = "ada", span: timedelta = LONG) -> tuple[str, Caller]:
    started = await app.authority.administration.mint(username, by=OPERATOR, expire_after=span, reason="a ticket")
    return started.token, await app.authority.verify(started.token, at())


async def test_a_minted_session_is_never_fresh_at_any_door(app, party):
    token, by = await minted(app)
    assert by.session is not None and by.session.proved_at is None
    async with browser(app) as ada:
        ada.cookies.set(COOKIE, token, domain="auth.test")
        for more in ({"max_age": "86400"}, {"max_age": "0"}, {"prompt": "login"}):
            answer = await ada.get("/oauth/authorize", params=party.query(Pkce.new(), **more))
            assert "location" not in answer.headers, more
            silent = party.query(Pkce.new(), **{**more, "prompt": "none"}) if "max_age" in more else None
            if silent is not None:
                answer = await ada.get("/oauth/authorize", params=silent)
                assert fields_of(answer)["error"] == "login_required"
    with pytest.raises(NotAllowed):
        await app.authority.sign_in.reauthenticate("correct horse battery", by=by)


async def test_the_gateway_asks_who_came_by_a_minted_session_to_sign_in(make_app):
    rule = Rule("bank", max_sign_in_age=timedelta(days=365))
    async with make_app(gateway_rules=(rule,)) as app:
        await add_people(app.authority)
        token, _ = await minted(app)
        async with script(app, token) as ada:
            answer = await ada.get("/verify?app=bank")
    assert (answer.status_code, answer.json()["code"]) == (401, "reauthentication_required")


async def test_tokens_and_answers_say_that_nobody_proved_anything_and_who_made_it(app, party, clock):
    async with script(app, await cli_token(app, "root", scopes=["admin"])) as robot:
        made = await robot.post(f"{API}/admin/users/ada/sessions", json={"expire_after": "1h", "reason": "ticket 7"})
        assert made.status_code == 201, made.text
        token = made.json()["cookie"].partition("=")[2].partition(";")[0]
        issuer = made.json()["session"]["issued_by"]
        assert issuer.startswith("ost_")
        listed = (await robot.get(f"{API}/admin/sessions?user=ada")).json()["sessions"][0]
        assert (listed["issued_by"], listed["auth_time"], listed["amr"]) == (issuer, None, [])
        events = (await robot.get(f"{API}/admin/events?user=ada&kind=session.started")).json()["events"]
        assert events[0]["detail"]["why"] == "ticket 7"
    async with script(app, token) as ada:
        for path in ("/auth/whoami", "/auth/sessions", "/auth/sessions/current"):
            said = (await ada.get(API + path)).json()
            said = said[0] if isinstance(said, list) else said.get("session", said)
            assert (said["issued_by"], said["amr"]) == (issuer, []), path
        assert (await ada.get("/verify")).json()["session"]["auth_time"] is None
    service = await cli_token(app, "root", scopes=["feed:read"])
    async with script(app, service) as program:
        found = (await program.post(f"{API}/verifications", json={"credentials": [{"token": token}]})).json()
    assert found["answers"][0]["session"]["auth_time"] is None
    async with browser(app) as ada:
        ada.cookies.set(COOKIE, token, domain="auth.test")
        tokens = await party.sign_in(ada)
    for claims in (claims_of(tokens.access), claims_of(tokens.id), (await party.introspect(tokens.access)).json()):
        assert "auth_time" not in claims and claims["amr"] == []


async def test_what_a_minted_session_makes_cannot_outlive_it_and_says_through_what_it_was_made(free):
    _, by = await minted(free)
    assert by.session is not None
    made = await free.authority.tokens.create(by=by)
    assert made.token.expires_at == by.session.expires_at
    assert (made.token.minted_by, made.token.session_id) == (by.session.issued_by, by.session.id)
    with pytest.raises(NotAllowed):
        await free.authority.tokens.create(by=by, expires_in=LONG + timedelta(seconds=1))
    robot = await free.authority.verify(await cli_token(free, "ada", scopes=["tokens:manage"]), at())
    with pytest.raises(NotAllowed):  # it would get the secret of one that never expires
        await free.authority.tokens.rotate(robot.token.id, by=by)
    async with script(free, made.secret) as ada:
        listed = (await ada.get(f"{API}/auth/cli-tokens")).json()
    one = next(token for token in listed if token["id"] == made.token.id)
    assert (one["made_by"], one["made_in"]) == (by.session.issued_by, by.session.id)
    party = await register(free)
    async with browser(free) as ada:
        ada.cookies.set(COOKIE, (await minted(free))[0], domain="auth.test")
        tokens = await party.sign_in(ada)
    async with free.authority.database.reading() as db:
        from ostiary.storage import sessions

        grant = await sessions.find(db, tokens.sid)
    assert grant is not None and grant.expires_at <= by.session.expires_at
    assert grant.issued_by == by.session.issued_by


@pytest.mark.parametrize("end", ["own", "admin", "all", "plan"])
async def test_what_a_minted_session_made_ends_with_it(free, end):
    authority = free.authority
    token, by = await minted(free)
    assert by.session is not None
    first = await authority.tokens.create(by=by)
    robot = await authority.verify(first.secret, at())
    second = await authority.tokens.create(by=robot, scopes=["sessions:read"])
    party = await register(free)
    async with browser(free) as ada:
        ada.cookies.set(COOKIE, token, domain="auth.test")
        access = (await party.sign_in(ada)).access
    own = await cli_token(free, "ada", scopes=["sessions:read"])  # of a sign-in of theirs: it has its own life
    assert all([await works(free, one) for one in (token, first.secret, second.secret, access, own)])
    if end == "own":
        await authority.sessions.log_out(by=by)
    elif end == "admin":
        await authority.administration.revoke(by.session.id, by=OPERATOR)
    elif end == "all":
        await authority.administration.log_out("ada", by=OPERATOR)
    else:
        from ostiary.core.selector import parse

        plan = await authority.plans.make(parse({"user": "ada"}), by=OPERATOR)
        await authority.plans.apply(plan.plan.id, by=OPERATOR, undo_for=timedelta(minutes=10))
    assert not any([await works(free, one) for one in (token, first.secret, second.secret, access)])
    assert await works(free, own)
    with pytest.raises(TokenRevoked):
        await authority.verify(second.secret, at())


async def test_a_minted_session_and_what_it_made_make_no_further_sessions(free):
    _, by = await minted(free, "root")
    made = await free.authority.tokens.create(by=by, scopes=["admin", "tokens:manage"])
    robot = await free.authority.verify(made.secret, at())
    again = await free.authority.tokens.create(by=robot, scopes=["admin"])
    for caller in (by, robot, await free.authority.verify(again.secret, at())):
        with pytest.raises((NotAllowed, ReauthenticationRequired)):
            await free.authority.administration.mint("eve", by=caller, expire_after=timedelta(hours=1))


def test_a_verifier_keeps_that_nobody_proved_anything():
    at_ = datetime(2026, 1, 15, tzinfo=UTC)
    kept = VerifiedSession("sess_a", "service", "default", None, (), packed(at_, at_, None))
    assert kept.auth_time is None and kept.created_at == at_


async def works(app: Any, credential: str) -> bool:
    try:
        await app.authority.verify(credential, at())
    except Unauthenticated:
        return False
    except OstiaryError as why:
        raise AssertionError from why
    finally:
        await asyncio.sleep(0)
    return True
