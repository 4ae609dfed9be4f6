"""A code that was made before something ended undoes none of it, works once, and ends nothing that is not its own."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from ostiary.core.caller import Caller
from ostiary.core.oauth.resource import NewResource, ResourceScope
from ostiary.core.selector import Selector
from ostiary.storage import consents
from tests.http.visitors import API
from tests.oauth.party import Pkce, fields_of, form_of, person, register, tokens_of, with_access
from tests.support.people import PASSWORD

OPERATOR = Caller.operator("tests")
NOTES = "https://notes.example/mcp"
READ = ResourceScope("notes:read", "read your notes")


async def live(ada) -> dict[str, str | None]:
    """The live sessions, each with its application."""
    return {row["id"]: row["application_id"] for row in (await ada.get(f"{API}/auth/sessions")).json()}


async def user_id_of(app, username) -> str:
    found = await app.authority.accounts.find(username, by=OPERATOR)
    return str(found.user.id)


async def by_its_person(_, ada, sid):
    assert (await ada.post(f"{API}/auth/sessions/{sid}/revoke")).status_code == 200


async def with_all_below(_, ada, sid):
    (root,) = [one for one, application in (await live(ada)).items() if application is None]
    assert (await ada.post(f"{API}/auth/sessions/{root}/revoke", json={"extent": "below"})).status_code == 200


async def by_an_administrator(app, _, sid):
    await app.authority.administration.revoke(sid, by=OPERATOR)


async def by_a_plan(app, _, sid):
    plan = (await app.authority.plans.make(Selector(q=sid), by=OPERATOR)).plan
    await app.authority.plans.apply(plan.id, by=OPERATOR, undo_for=timedelta(0))


async def suspended_by_a_plan(app, _, sid):
    plan = (await app.authority.plans.make(Selector(q=sid), by=OPERATOR)).plan
    await app.authority.plans.apply(plan.id, by=OPERATOR)
    return plan


ENDINGS = [by_its_person, with_all_below, by_an_administrator, by_a_plan, suspended_by_a_plan]


@pytest.mark.parametrize("end", ENDINGS)
async def test_a_code_in_hand_does_not_undo_an_ending(app, party, clock, end):
    """Not by what was ended, and not by another grant of the same client on the same device."""
    await app.authority.oauth.resources.add(NewResource(NOTES, "Notes", (READ,), "any"), by=OPERATOR)
    async with person(app) as ada:
        tokens = await party.sign_in(ada)
        clock.advance(seconds=1)
        codes = [(await party.code(ada, pkce := Pkce.new(), **more), pkce)
                 for more in ({}, {"resource": NOTES, "scope": "notes:read"})]  # fmt: skip
        clock.advance(seconds=1)
        plan = await end(app, ada, tokens.sid)
        left = await live(ada)
        assert party.id not in left.values()
        silent = await ada.get("/oauth/authorize", params=party.query(Pkce.new(), prompt="none"))
        assert fields_of(silent)["error"] == "login_required"
        for code in codes:
            for _ in range(2):  # there is one attempt
                answer = await party.exchange(*code)
                assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
        assert await live(ada) == left
        if plan is not None:
            await app.authority.plans.undo(plan.id, by=OPERATOR)
            assert tokens.sid in await live(ada)
            assert (await party.refresh(tokens.refresh)).status_code == 200


async def test_what_is_suspended_is_not_gone_around_by_a_fresher_sign_in(app, party, clock):
    async with person(app) as ada:
        tokens = await party.sign_in(ada)
        clock.advance(seconds=1)
        plan = await suspended_by_a_plan(app, ada, tokens.sid)
        clock.advance(seconds=1)
        page = await ada.get("/oauth/authorize", params=party.query(Pkce.new()))
        answer = await ada.post("/oauth/authorize/decision", data={**form_of(page), "confirm_password": PASSWORD})
        assert fields_of(answer)["error"] == "access_denied"
        await app.authority.plans.undo(plan.id, by=OPERATOR)
        assert tokens.sid in await live(ada)


async def test_rfc6749_4_1_2_a_code_that_was_refused_is_used_up(app, make_app, party, clock):
    """Whatever refuses it on the way: here the limit; nothing else of the attempt is left."""
    async with make_app(max_sessions=1, at_limit="deny") as other, person(app) as ada:
        native = await register(app, name="Phone", is_public=True, application_type="native")
        pkce = Pkce.new()
        code = await native.code(ada, pkce, scope="openid offline_access")
        before = await live(ada)
        native.app = other
        refused = await native.exchange(code, pkce)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant"), refused.text
        native.app = app
        again = await native.exchange(code, pkce)
        assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
        assert await live(ada) == before


async def test_an_old_code_does_not_end_what_a_newer_sign_in_goes_on_with(app, party, public_party, clock):
    for client in (party, public_party):
        async with person(app) as ada:
            first, second = Pkce.new(), Pkce.new()
            old = await client.code(ada, first)
            before = tokens_of(await client.exchange(old, first))
            clock.advance(seconds=1)
            tokens = tokens_of(await client.exchange(new := await client.code(ada, second), second))
            assert tokens.sid == before.sid
            for verifier in (first.verifier, None, second.verifier):
                assert (await client.exchange(old, first, code_verifier=verifier)).status_code == 400
            assert (await with_access(app, tokens.access, "GET", "/oauth/sessions")).status_code == 200
            tokens = tokens_of(await client.refresh(tokens.refresh))
            assert (await client.exchange(new, second)).status_code == 400  # its own still ends what came of it
            assert (await client.refresh(tokens.refresh)).status_code == 400


async def test_who_did_not_ask_for_a_code_ends_nothing_by_it(app, party, public_party):
    for client in (party, public_party):
        async with person(app) as ada:
            pkce = Pkce.new()
            tokens = tokens_of(await client.exchange(code := await client.code(ada, pkce), pkce))
            for verifier in (None, Pkce.new().verifier, "x"):
                assert (await client.exchange(code, pkce, code_verifier=verifier)).status_code == 400
            assert (await client.refresh(tokens.refresh)).status_code == 200


async def test_without_pkce_a_second_use_still_ends_what_came_of_the_first(app):
    client = await register(app, name="Old", pkce="nonce")
    async with person(app) as ada:
        asked = {"code_challenge": None, "code_challenge_method": None, "nonce": "n", "scope": "openid"}
        code = await client.code(ada, pkce := Pkce.new(), **asked)
        tokens = tokens_of(await client.exchange(code, pkce, code_verifier=None))
        assert (await client.exchange(code, pkce, code_verifier=None)).status_code == 400
        assert (await client.refresh(tokens.refresh)).status_code == 400


async def test_of_a_code_sent_twice_at_once_one_is_answered(app, party):
    async with person(app) as ada:
        pkce = Pkce.new()
        code = await party.code(ada, pkce)
        answers = await asyncio.gather(*(party.exchange(code, pkce) for _ in range(4)))
        assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]


async def test_rfc7009_2_2_a_resource_ends_nothing_with_the_token_that_it_was_shown(app, party, public_party):
    await app.authority.oauth.resources.add(NewResource(NOTES, "Notes", (READ,), "any"), by=OPERATOR)
    async with person(app) as ada:
        for client, ends in ((public_party, False), (party, True)):
            tokens = await client.sign_in(ada, resource=NOTES, scope="notes:read")
            assert (await client.call("/oauth/revoke", token=tokens.access)).status_code == 200
            assert (tokens.sid not in await live(ada)) == ends
        tokens = await public_party.sign_in(ada, resource=NOTES, scope="notes:read")
        own = await public_party.sign_in(ada)
        for token in (tokens.refresh, own.access):
            assert (await public_party.call("/oauth/revoke", token=token)).status_code == 200
        assert not {tokens.sid, own.sid} & set(await live(ada))


async def test_what_was_agreed_to_at_a_resource_goes_with_it(app):
    resources = app.authority.oauth.resources
    longer = await resources.add(NewResource(f"{NOTES}/more", "More", (READ,), "any"), by=OPERATOR)
    notes = await resources.add(NewResource(NOTES, "Notes", (READ,), "any"), by=OPERATOR)
    stranger = await register(app, name="Stranger", third_party=True)
    at_notes, at_more = ({"resource": uri, "scope": "notes:read"} for uri in (NOTES, longer.uri))
    async with person(app) as ada, person(app, "eve") as eve:
        for more in (at_notes, at_more, {"scope": "openid"}):
            await stranger.agree(ada, **more)
        await stranger.agree(eve, **at_notes)
        pkce = Pkce.new()
        code = await stranger.code(ada, pkce, **at_notes)
        await resources.remove(notes.id, by=OPERATOR)
        words = ResourceScope("notes:read", "read and sell your notes")
        await resources.add(NewResource(NOTES, "Notes", (words,), "any"), by=OPERATOR)
        assert (await stranger.exchange(code, pkce)).json()["error"] == "invalid_grant"
        for somebody in (ada, eve):
            silent = await somebody.get(
                "/oauth/authorize", params=stranger.query(Pkce.new(), **at_notes, prompt="none")
            )
            assert "code" not in fields_of(silent)
        for more in (at_more, {"scope": "openid"}):
            await stranger.sign_in(ada, **more)
    async with app.authority.database.reading() as db:
        (kept,) = [scopes for _, scopes, _ in await consents.list_of_user(db, await user_id_of(app, "ada"))]
        assert set(kept) == {f"{longer.uri}#notes:read", "openid"}
        assert await consents.list_of_user(db, await user_id_of(app, "eve")) == []


async def test_nothing_of_a_resource_is_given_unasked(app, party, public_party):
    await app.authority.oauth.resources.add(NewResource(NOTES, "Notes", (READ,), "any"), by=OPERATOR)
    async with person(app) as ada:
        for client in (party, public_party):
            for asked in (None, "openid offline_access", "mystery openid"):
                tokens = await client.sign_in(ada, resource=NOTES, scope=asked)
                assert "notes:read" not in tokens.body["scope"].split()
            tokens = await client.sign_in(ada, resource=NOTES, scope="notes:read")
            assert tokens.body["scope"] == "notes:read"
