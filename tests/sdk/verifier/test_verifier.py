"""A verifier against a real server: what it accepts, what it refuses, and what it does while the feed is cut."""

from __future__ import annotations

import asyncio
import base64
import json
import time

import httpx2
import pytest

from ostiary.authority import Authority
from ostiary.core.caller import Caller
from ostiary.core.token import mint
from ostiary.errors import (
    ConfigurationError,
    SessionExpired,
    SessionInvalid,
    SessionRevoked,
    TokenRevoked,
    Unauthenticated,
)
from ostiary.sdk.verifier import BlockingVerifier, CannotProve, Verifier
from ostiary.settings import Settings
from tests.sdk.verifier.proxy import Proxy
from tests.support.people import PASSWORD
from tests.support.processes import Server

SOON = 5.0  # seconds: far more than a wake-up or a poll needs


def asked(server: Server) -> int:
    return server.answered("/api/v1/verifications")


async def until_refused(verifier, token, within=SOON) -> Unauthenticated:
    ends_at = time.monotonic() + within
    while True:
        try:
            await verifier.verify(token)
        except Unauthenticated as refusal:
            return refusal
        assert time.monotonic() < ends_at, "it is still accepted"
        await asyncio.sleep(0.005)


async def test_it_answers_from_memory_and_says_who(server, verifying, person):
    async with verifying() as verifier:
        found = await verifier.verify(person.token, ip="198.51.100.7")
        assert (found.user.username, found.user.roles, found.token, found.scopes) == (
            person.name,
            ("member",),
            None,
            None,
        )
        assert found.session is not None and found.session.id == person.session_id
        assert found.session.created_at == found.session.auth_time < found.session.expires_at
        before = asked(server)
        for _ in range(100):
            assert await verifier.verify(person.token) == found
        assert asked(server) == before
        assert verifier.sessions == 1
        assert person.token not in repr(verifier) + repr(found)


async def test_a_revoked_session_is_refused_within_a_poll(verifying, person):
    async with verifying() as verifier:
        await verifier.verify(person.token)
        await asyncio.to_thread(person.revoke)
        refusal = await until_refused(verifier, person.token)
        assert isinstance(refusal, SessionRevoked) and refusal.fields["reason"] == "admin"
        assert verifier.sessions == 0


async def test_who_knocks_after_an_ending_is_refused_without_a_question(server, verifying, person):
    async with verifying() as verifier:
        await verifier.verify(person.token)
        await asyncio.to_thread(person.revoke)
        refusal = await until_refused(verifier, person.token)
        before = asked(server)
        for _ in range(20):
            assert (await until_refused(verifier, person.token, 0)).fields == refusal.fields
        assert asked(server) == before
        with pytest.raises(SessionInvalid):  # what is known of the ending is for the holder of the secret only
            await verifier.verify(mint("sess", person.session_id).text)
        with pytest.raises(SessionRevoked) as by_the_authority:
            await verifier.look(person.token)
        assert refusal.fields == by_the_authority.value.fields


async def test_an_ending_that_was_undone_is_forgotten_at_once(server, verifying, person):
    async with verifying() as verifier:
        await verifier.verify(person.token)
        token = await asyncio.to_thread(lambda: person.ostiary.auth.sign_in("root", PASSWORD).token)
        root = {"authorization": f"Bearer {token}"}
        async with httpx2.AsyncClient(base_url=f"{server.url}/api/v1/admin/sessions", headers=root) as http:
            made = await http.post("plan", json={"user": person.name, "status": "live"})
            path = f"plan/{made.json()['plan_id']}"
            assert (await http.post(f"{path}/apply", json={})).json()["count"] == 1
            assert isinstance(await until_refused(verifier, person.token), SessionRevoked)
            assert (await http.post(f"{path}/undo")).json()["restored"] == 1
        ends_at = time.monotonic() + SOON  # far less than a refusal is remembered
        while True:
            try:
                assert (await verifier.verify(person.token)).session.id == person.session_id
                break
            except SessionRevoked:
                assert time.monotonic() < ends_at
                await asyncio.sleep(0.01)


async def test_all_sessions_of_a_user_are_refused(verifying, person):
    async with verifying() as verifier:
        tokens = [person.token] + [(await asyncio.to_thread(person.sign_in))[0] for _ in range(2)]
        for token in tokens:
            await verifier.verify(token)
        await asyncio.to_thread(person.root.admin.users.disable, person.name)
        for token in tokens:
            assert isinstance(await until_refused(verifier, token), SessionRevoked)


async def test_changed_roles_are_asked_about_again(verifying, person):
    async with verifying() as verifier:
        assert (await verifier.verify(person.token)).user.roles == ("member",)
        await asyncio.to_thread(person.root.admin.users.set_roles, person.name, ["admin", "member"])
        ends_at = time.monotonic() + SOON
        while (await verifier.verify(person.token)).user.roles == ("member",):
            assert time.monotonic() < ends_at
            await asyncio.sleep(0.01)


async def test_a_renewed_sessions_old_token_is_refused_and_the_new_one_works(verifying, person):
    async with verifying() as verifier:
        await verifier.verify(person.token)
        mine = person.ostiary.for_token(person.token)
        new = await asyncio.to_thread(mine.auth.reauthenticate, PASSWORD)
        assert isinstance(await until_refused(verifier, person.token), SessionInvalid)
        assert (await verifier.verify(new.token)).session.id == person.session_id


async def test_wrong_secrets_and_strange_texts_are_refused(server, verifying, person):
    async with verifying() as verifier:
        await verifier.verify(person.token)
        wrong = mint("sess", person.session_id).text
        strange = ["", "x", "é" * 75, "\ud800" * 75, person.token + "A", person.token[:-1], wrong, mint("sess").text]
        strange += [mint("ort").text, mint("code").text, "a.b.c", "x" * 5000, person.token.upper(), f" {person.token}"]
        for text in strange:
            with pytest.raises(SessionInvalid):
                await verifier.verify(text)
        assert (await verifier.verify(person.token)).session.id == person.session_id  # nobody can evict it
        before = asked(server)
        for _ in range(20):
            with pytest.raises(SessionInvalid):
                await verifier.verify(wrong)
        assert asked(server) == before  # who knocks again and again is answered here


async def test_cli_tokens_are_asked_about_each_time(server, verifying, person):
    mine = person.ostiary.for_token(person.token)
    made = mine.tokens.create("ci", scopes=["gateway"])
    async with verifying() as verifier:
        found = await verifier.verify(made.token)
        assert found.session is None and found.token is not None and found.token.scopes == ("gateway",)
        await asyncio.to_thread(mine.tokens.revoke, made.id)
        with pytest.raises(TokenRevoked):
            await verifier.verify(made.token)


async def test_questions_at_once_are_few_requests(server, verifying, person):
    tokens = [(await asyncio.to_thread(person.sign_in))[0] for _ in range(8)]
    async with verifying() as verifier:
        before = asked(server)
        await asyncio.gather(*(verifier.verify(token) for token in tokens * 50))
        await asyncio.sleep(0.1)
        assert asked(server) - before == 1
        assert verifier.sessions == 8


async def test_a_limit_holds_here_without_being_told(verifying, person):
    minted = person.root.admin.sessions.start(person.name, expire_after="2s")
    token = minted.cookie.split(";")[0].split("=", 1)[1]
    began = time.monotonic()
    async with verifying() as verifier:
        await verifier.verify(token)
        refusal = await until_refused(verifier, token)
        assert isinstance(refusal, SessionExpired)
        assert time.monotonic() - began < 2.5


async def test_use_is_reported_back_in_the_background(server, verifying, person):
    minted = person.root.admin.sessions.start(person.name, expire_after="1h")
    token = minted.cookie.split(";")[0].split("=", 1)[1]
    async with verifying(remember=0.6) as verifier:
        await verifier.verify(token)
        before = asked(server)
        slowest, ends_at = 0.0, time.monotonic() + 1.5
        while time.monotonic() < ends_at:
            began = time.perf_counter()
            await verifier.verify(token, ip="198.51.100.7", user_agent="Elsewhere/1.0")
            slowest = max(slowest, time.perf_counter() - began)
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.2)
        assert 2 <= asked(server) - before <= 8
        ends_at = time.monotonic() + 8  # the server writes use down every 5 s
        while True:
            rows = (await asyncio.to_thread(person.root.admin.sessions.search, user=person.name)).sessions
            row = next(row for row in rows if row.id == minted.session.id)
            if row.ip == "198.51.100.7":
                assert row.user_agent == "Elsewhere/1.0"
                break
            assert time.monotonic() < ends_at
            await asyncio.sleep(0.2)


# The feed is cut.


@pytest.mark.parametrize("how", ["cut", "stall"])
async def test_while_the_feed_is_cut_nothing_is_accepted_beyond_the_bound_and_nothing_is_missed(
    server, verifying, person, how
):
    others = [person.sign_in() for _ in range(3)]
    async with Proxy(server.port) as proxy, verifying(proxy.url, max_staleness=1.0, timeout=0.5) as verifier:
        for token in (person.token, *(token for token, _ in others)):
            await verifier.verify(token)
        getattr(proxy, how)()
        cut_at = time.monotonic()
        await asyncio.to_thread(person.revoke)
        revoked_at = time.monotonic()
        last = cut_at
        with pytest.raises(CannotProve):
            while time.monotonic() < cut_at + SOON:
                await verifier.verify(person.token)
                last = time.monotonic()
                await asyncio.sleep(0.005)
        assert last - revoked_at <= 1.0
        assert not verifier.is_fresh
        proxy.mend()
        await verifier.wait_until_fresh()
        with pytest.raises(SessionRevoked):
            await verifier.verify(person.token)
        before = asked(server)
        for token, _ in others:
            await verifier.verify(token)  # what was known is known again, as nothing was missed
        assert asked(server) == before


async def test_without_the_feed_it_asks_each_time(server, credential, person):
    verifier = Verifier(server.url, token=credential)  # not entered: it follows nothing
    before = asked(server)
    for _ in range(3):
        await verifier.verify(person.token)
    person.revoke()
    with pytest.raises(SessionRevoked):
        await verifier.verify(person.token)
    ends_at = time.monotonic() + SOON
    while asked(server) - before < 4 and time.monotonic() < ends_at:  # noqa: ASYNC110 - a log has no event for it
        await asyncio.sleep(0.02)  # the server logs a request after it has answered it
    assert asked(server) - before == 4
    await verifier.close()


async def test_where_somebody_says_they_are_spoils_no_answer(server, verifying, person):
    """What the authority would refuse would take along every question that travels with it."""
    async with verifying() as verifier:
        for place in ({"ip": "nonsense"}, {"user_agent": "x" * 9000}, {"user_agent": "a\0b"}, {"ip": "1" * 100}):
            token, session_id = await asyncio.to_thread(person.sign_in)
            found = await verifier.verify(token, **place)
            assert found.session is not None and found.session.id == session_id


async def test_to_look_is_no_use_and_is_not_remembered(server, verifying, person):
    async with verifying() as verifier:
        assert (await verifier.look(person.token)).user.username == person.name
        assert verifier.sessions == 0
        await verifier.verify(person.token)
        assert verifier.sessions == 1
        await asyncio.to_thread(person.revoke)
        with pytest.raises(SessionRevoked):
            await verifier.look(person.token)


async def test_its_own_credential_is_never_taken_for_the_users(server, person):
    for wrong in (mint("ost").text, person.token):
        async with Verifier(server.url, token=wrong) as verifier:
            with pytest.raises(CannotProve) as caught:
                await verifier.verify(person.token)
            assert isinstance(caught.value.__cause__, Exception)
            with pytest.raises(CannotProve):
                await verifier.wait_until_fresh(0.3)


async def test_where_nobody_answers_nobody_is_let_in(person):
    async with Verifier("http://127.0.0.1:9", token=mint("ost").text, timeout=0.5) as verifier:
        with pytest.raises(CannotProve):
            await verifier.verify(person.token)


# Connections that are kept open.


async def test_a_watch_ends_with_the_session(verifying, person):
    async with verifying() as verifier:
        by_token = asyncio.create_task(verifier.watch(person.token))
        await verifier.verify(person.token)
        by_id = asyncio.create_task(verifier.watch(person.session_id))
        await asyncio.sleep(0.1)
        assert not by_token.done() and not by_id.done()
        await asyncio.to_thread(person.revoke)
        for ended in await asyncio.wait_for(asyncio.gather(by_token, by_id), SOON):
            assert (ended.session_id, ended.reason) == (person.session_id, "admin")
        with pytest.raises(SessionRevoked):
            await verifier.watch(person.token)
        with pytest.raises(CannotProve):
            await verifier.watch(person.session_id)


async def test_a_watch_does_not_outlive_the_feed(server, verifying, person):
    async with Proxy(server.port) as proxy, verifying(proxy.url, max_staleness=0.6) as verifier:
        watch = asyncio.create_task(verifier.watch(person.token))
        await asyncio.sleep(0.05)
        proxy.cut()
        with pytest.raises(CannotProve):
            await asyncio.wait_for(watch, SOON)


# The same, for blocking programs.


def test_a_blocking_program_has_the_same_verifier(server, credential, person):
    with BlockingVerifier(server.url, token=credential) as verifier:
        verifier.wait_until_fresh()
        found = verifier.verify(person.token, ip="198.51.100.7")
        assert verifier.verify(person.token) == found and verifier.is_fresh and verifier.sessions == 1
        ending = verifier.watch(person.session_id)
        time.sleep(0.1)
        person.revoke()
        assert ending.result(SOON).reason == "admin"
        with pytest.raises(SessionRevoked):
            verifier.verify(person.token)
    with pytest.raises(CannotProve):
        verifier.verify(person.token)


def test_threads_share_a_blocking_verifier(server, credential, person):
    from concurrent.futures import ThreadPoolExecutor

    tokens = [person.sign_in()[0] for _ in range(4)]
    with BlockingVerifier(server.url, token=credential) as verifier, ThreadPoolExecutor(8) as threads:
        verifier.wait_until_fresh()
        found = list(threads.map(verifier.verify, tokens * 50))
        assert {one.user.username for one in found} == {person.name}
        assert verifier.sessions == 4


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"token": "x", "client_id": "client_a", "client_secret": "y"},
        {"client_id": "client_a"},
        {"token": "a b"},
        {"token": "x\n"},
        {"token": "x", "max_staleness": 0.1},
        {"token": "x", "max_staleness": 4000.0},
        {"token": "x", "remember": 0.0},
        {"token": "x", "maximum": 0},
    ],
)
def test_what_cannot_be_is_said_at_once(options):
    with pytest.raises(ConfigurationError):
        Verifier("https://auth.example.org", **options)


def test_credentials_do_not_travel_unprotected():
    with pytest.raises(ConfigurationError):
        Verifier("http://auth.example.org", token="x")


async def test_a_receipt_says_since_when_each_verifier_refuses(server, verifying, person):
    async with verifying(name="shop") as verifier:
        await verifier.verify(person.token)
        await asyncio.to_thread(person.revoke)
        await until_refused(verifier, person.token)
        key = (
            base64.urlsafe_b64encode(bytes(32)).decode().rstrip("=")
            if server.database_url.startswith("postgresql")
            else None
        )
        async with Authority(Settings(database_url=server.database_url, key=key)) as authority:
            await authority.oauth.ensure_ready()
            ends_at = time.monotonic() + SOON
            while True:
                receipt = await authority.receipts.of(person.session_id, by=Caller.operator("tests"))
                payload = receipt.split(".")[1]
                claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
                places = [one for one in claims["applied"]["verifiers"] if one["name"] == "shop"]
                if places and places[-1]["applied_through"] and places[-1]["applied_through"] >= claims["ending"]["at"]:
                    break
                assert time.monotonic() < ends_at, places
                await asyncio.sleep(0.05)
        assert claims["sub"] == person.session_id
        assert places[-1]["refuses"] is True
        assert places[-1]["refuses_at_the_latest"] >= claims["ending"]["at"]
