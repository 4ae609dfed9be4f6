"""Refresh tokens: rotation, the grace for a repeat, and what a copy in other hands leads to."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import HealthCheck, given, strategies
from hypothesis import settings as hypothesis_settings

from ostiary.authority.oauth.issuing import Issued
from ostiary.core.caller import Caller
from ostiary.core.oauth.refresh import is_ours, successor
from ostiary.core.token import parse
from ostiary.errors import InvalidGrant
from tests.oauth.party import Pkce, claims_of, fields_of, person, register, tokens_of, with_access
from tests.support.people import at


async def ended_reasons(app) -> list[str]:
    page = await app.authority.audit.list(by=Caller.operator("tests"))
    return [str(event.reason) for event in page.events if event.kind == "session.revoked"]


async def test_a_refresh_keeps_the_session_and_changes_the_token(app, party, clock):
    async with person(app) as ada:
        first = await party.sign_in(ada)
    clock.advance(minutes=4)
    second = tokens_of(await party.refresh(first.refresh))
    assert second.refresh != first.refresh
    assert second.sid == first.sid
    assert claims_of(second.access)["auth_time"] == claims_of(first.access)["auth_time"]
    assert "nonce" not in claims_of(second.id)
    assert (await with_access(app, second.access, "GET", "/oauth/sessions")).status_code == 200


async def test_the_store_holds_no_refresh_token(app, party):
    async with person(app) as ada:
        tokens = await party.sign_in(ada)
    secret = tokens.refresh.partition(".")[2]
    async with app.authority.database.reading() as db:
        rows = (await db.exec_driver_sql("SELECT * FROM refresh_tokens")).all()
    assert len(rows) == 1
    assert secret not in repr(rows)


async def test_a_repeat_inside_the_grace_gets_the_same_successor(app, party, clock):
    async with person(app) as ada:
        first = await party.sign_in(ada)
    answers = [tokens_of(await party.refresh(first.refresh)).refresh for _ in range(3)]
    clock.advance(seconds=9)
    answers.append(tokens_of(await party.refresh(first.refresh)).refresh)
    assert len(set(answers)) == 1
    assert (await party.refresh(answers[0])).status_code == 200


async def test_fifty_at_once_get_one_successor_and_nobody_is_signed_out(app, party):
    async with person(app) as ada:
        first = await party.sign_in(ada)
    answers = await asyncio.gather(*(party.refresh(first.refresh) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    assert await ended_reasons(app) == []
    assert (await party.refresh(answers[0].json()["refresh_token"])).status_code == 200


async def test_asvs_10_4_5_the_same_token_after_the_grace_ends_the_session(app, party, clock):
    async with person(app) as ada:
        first = await party.sign_in(ada)
    second = tokens_of(await party.refresh(first.refresh))
    clock.advance(seconds=10)
    again = await party.refresh(first.refresh)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert await ended_reasons(app) == ["refresh_reuse"]
    assert (await party.refresh(second.refresh)).status_code == 400
    assert (await with_access(app, second.access, "GET", "/oauth/sessions")).status_code == 401
    assert (await party.introspect(second.access)).json() == {"active": False}


async def test_rfc9700_2_2_2_refresh_tokens_of_public_clients_rotate_and_reuse_ends_them(app, public_party, clock):
    async with person(app) as ada:
        first = await public_party.sign_in(ada)
    second = tokens_of(await public_party.refresh(first.refresh))
    third = tokens_of(await public_party.refresh(second.refresh))
    # Older than the predecessor: no grace, however soon.
    assert (await public_party.refresh(first.refresh)).status_code == 400
    assert await ended_reasons(app) == ["refresh_reuse"]
    assert (await public_party.refresh(third.refresh)).status_code == 400


async def test_a_token_that_was_never_made_changes_nothing(app, party):
    async with person(app) as ada:
        first = await party.sign_in(ada)
    family, _, secret = first.refresh.partition(".")
    for wrong in (
        f"{family}.{'A' * 43}",
        f"{family}.{secret[:-1]}{'A' if secret[-1] != 'A' else 'Q'}",
        f"ort_{'a' * 26}.{secret}",
        first.refresh[:-1],
        family,
        "",
        "x" * 4000,
        first.access,
    ):
        answer = await party.refresh(wrong)
        assert answer.status_code == 400, wrong
    assert await ended_reasons(app) == []
    assert (await party.refresh(first.refresh)).status_code == 200


async def test_another_client_gets_nothing_and_breaks_nothing(app, party, public_party):
    async with person(app) as ada:
        first = await party.sign_in(ada)
    for _ in range(2):
        answer = await public_party.refresh(first.refresh)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert await ended_reasons(app) == []
    assert (await party.refresh(first.refresh)).status_code == 200


async def test_asvs_10_4_8_the_lifetime_holds_however_often_it_is_refreshed(make_app, app, party, clock):
    async with person(app) as ada:
        tokens = await party.sign_in(ada)
    for _ in range(3):  # the idle timeout is 60 days, the lifetime 90
        clock.advance(days=29)
        tokens = tokens_of(await party.refresh(tokens.refresh))
    clock.advance(days=2, hours=23, minutes=58)
    tokens = tokens_of(await party.refresh(tokens.refresh))
    assert tokens.body["expires_in"] == 120  # an access token does not outlive its session either
    clock.advance(minutes=2)
    assert (await party.refresh(tokens.refresh)).status_code == 400


async def test_grace_never_revives_a_session_that_was_ended(app, party):
    async with person(app) as ada:
        first = await party.sign_in(ada)
        second = tokens_of(await party.refresh(first.refresh))
        assert (await ada.post(f"/api/v1/auth/sessions/{first.sid}/revoke")).status_code == 200
    for token in (first.refresh, second.refresh):
        answer = await party.refresh(token)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert await ended_reasons(app) == ["user"]  # the first reason stays


async def test_grace_can_be_turned_off(make_app, app, party):
    async with person(app) as ada:
        first = await party.sign_in(ada)
    async with make_app(refresh_grace=0) as strict:
        party.app = strict
        assert (await party.refresh(first.refresh)).status_code == 200
        assert (await party.refresh(first.refresh)).status_code == 400
    assert await ended_reasons(app) == ["refresh_reuse"]


async def test_the_processes_of_a_command_line_share_one_token_for_a_minute(app, party, public_party, clock):
    async with person(app) as ada:
        native, web = await public_party.sign_in(ada), await party.sign_in(ada)
    together = await asyncio.gather(*(public_party.refresh(native.refresh) for _ in range(5)))
    assert {answer.status_code for answer in together} == {200}
    assert len({tokens_of(answer).refresh for answer in together}) == 1
    assert (await party.refresh(web.refresh)).status_code == 200
    clock.advance(seconds=59)
    assert (await public_party.refresh(native.refresh)).status_code == 200
    assert (await party.refresh(web.refresh)).status_code == 400
    clock.advance(seconds=1)
    assert (await public_party.refresh(native.refresh)).status_code == 400


async def test_scope_narrows_and_never_grows(app, party):
    async with person(app) as ada:
        first = await party.sign_in(ada)
    less = tokens_of(await party.refresh(first.refresh, scope="openid"))
    assert claims_of(less.access)["scope"] == "openid"
    more = await party.refresh(less.refresh, scope="openid feed:read")
    assert more.json()["error"] == "invalid_scope"
    assert "email" in claims_of(tokens_of(await party.refresh(less.refresh)).access)["scope"]


async def test_a_client_without_the_grant_gets_no_refresh_token(app):
    party = await register(app, grants=["authorization_code"])
    async with person(app) as ada:
        tokens = await party.sign_in(ada)
    assert tokens.refresh == ""
    answer = await party.refresh(f"ort_{'a' * 26}.{'A' * 43}")
    assert answer.json()["error"] == "unauthorized_client"


async def test_a_refresh_under_way_does_not_survive_a_revocation(app, party):
    """Many refreshes race one "log out everywhere": whatever they answered, nothing works afterwards."""
    for _ in range(3):
        async with person(app) as ada:
            first = await party.sign_in(ada)
            racing = [party.refresh(first.refresh) for _ in range(8)]
            racing.insert(random.randrange(8), with_access(app, first.access, "POST", "/oauth/logout-all"))
            answers = await asyncio.gather(*racing)
        for answer in answers:
            body = answer.json()
            if "refresh_token" in body:
                assert (await party.refresh(body["refresh_token"])).status_code == 400
                assert (await with_access(app, body["access_token"], "GET", "/oauth/sessions")).status_code == 401


@pytest.mark.parametrize("holders", [2])
async def test_never_two_live_successors_and_never_a_revived_session(app, party, clock, holders):
    """Random interleavings of two holders of one token, lost answers, time, and a revocation."""
    steps = strategies.lists(
        strategies.one_of(
            strategies.tuples(strategies.just("refresh"), strategies.integers(0, holders - 1), strategies.booleans()),
            strategies.tuples(strategies.just("old"), strategies.integers(0, holders - 1), strategies.integers(0, 5)),
            strategies.tuples(strategies.just("wait"), strategies.integers(1, 12), strategies.just(0)),
            strategies.tuples(strategies.just("revoke"), strategies.just(0), strategies.just(0)),
        ),
        min_size=1,
        max_size=10,
    )
    cases = []

    @hypothesis_settings(
        max_examples=25, database=None, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(steps)
    def collect(case):
        cases.append(case)

    collect()
    oauth = app.authority.oauth
    for case in cases:
        async with person(app) as ada:  # who was ended by somebody would be asked for the password
            pkce = Pkce.new()
            code = fields_of(await ada.get("/oauth/authorize", params=party.query(pkce)))["code"]
            begun = await oauth.exchange.exchange(
                code,
                client=party.client,
                redirect_uri=party.client.redirect_uris[0],
                verifier=pkce.verifier,
                at=at(),
            )
            await play(app, party, clock, case, begun, holders)


async def play(app, party, clock, case, begun: Issued, holders: int) -> None:
    oauth = app.authority.oauth
    key = oauth.keys.purpose_key("refresh tokens")
    first = str(begun.refresh_token)
    held = [[first] for _ in range(holders)]
    made = {first}
    ended = False

    async def use(token: str) -> str | None:
        try:
            issued = await oauth.refreshing.refresh(token, client=party.client, scope=None, at=at())
        except InvalidGrant:
            return None
        assert not ended, "a session that was ended came back"
        following = str(issued.refresh_token)
        made.add(following)
        return following

    for kind, number, extra in case:
        match kind:
            case "refresh":
                got = await use(held[number][-1])
                if got is not None and not extra:  # `extra`: the answer was lost
                    held[number].append(got)
            case "old":
                await use(held[number][max(0, len(held[number]) - 1 - extra)])
            case "wait":
                clock.advance(seconds=number)
            case "revoke":
                by = Caller.operator("tests")
                await app.authority.administration.revoke(begun.session.id, by=by)
                ended = True
    # One chain: each token that was ever given out is the one successor of another, and at most one is the newest.
    parsed = {text: token for text in made if (token := parse(text))}
    assert all(is_ours(key, token) for token in parsed.values())
    assert len(parsed) == len(made)
    following = {text: successor(key, token).text for text, token in parsed.items()}
    assert len([text for text in made if following[text] not in made]) == 1
    # Ended is ended: nothing works any more, now or later.
    session = await app.authority.sessions.find(begun.session.id, by=Caller.operator("tests"))
    if session.revoked is not None:
        ended = True
        for text in made:
            assert await use(text) is None
