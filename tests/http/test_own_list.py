"""The list of one's own: what is kept of a row is what a list with other parameters makes of it anew."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from ostiary.errors import StoreUnavailable
from tests.http.connections import send, serving
from tests.http.visitors import COOKIE, OPERATOR
from tests.support.people import FIREFOX, IPHONE, at, caller

PATH = "/api/v1/auth/sessions"


def question(credential: str, query: str = "") -> bytes:
    return f"GET {PATH}{query} HTTP/1.1\r\nHost: auth.test\r\nX-Request-ID: same\r\n{credential}\r\n\r\n".encode()


@pytest.fixture
async def carried(app, clock) -> dict[str, str]:
    """Header lines of people who may see a list, and of people who may not."""
    authority = app.authority
    ada, eve = [(await authority.accounts.find(name, by=OPERATOR)).user for name in ("ada", "eve")]
    start = authority.sessions.start
    unused = await start(ada.id, client=at(), label='a "name" \\ ü')
    clock.advance(days=40)  # the first one is stale now
    good = await start(ada.id, client=at(), amr=("pwd",), application_id="shop", tenant="acme")
    await start(ada.id, client=authority.seen(None, None))
    await start(ada.id, client=authority.seen("2001:db8::1", IPHONE), lifetime=timedelta(days=1))
    other = await start(eve.id, client=authority.seen("203.0.113.9", FIREFOX))
    script = (
        await authority.tokens.create(name="s", by=await caller(authority, good), scopes=("sessions:read",))
    ).secret
    return {
        "cookie": f"Cookie: {COOKIE}={good.token}",
        "stale": f"Cookie: {COOKIE}={unused.token}",
        "bearer": f"Authorization: Bearer {good.token}",
        "cli_token": f"Authorization: Bearer {script}",
        "other": f"Cookie: {COOKIE}={other.token}",
    }


def listed(answer: bytes) -> list[dict[str, object]]:
    head, _, rest = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK"), answer
    found = json.JSONDecoder().raw_decode(rest.decode())[0]
    assert isinstance(found, list)
    return found


async def test_every_credential_sees_the_same_as_without_what_is_kept(app, carried):
    async with serving(app) as server:
        for name, credential in carried.items():
            kept = listed(await send(server, question(credential)))
            assert kept == listed(await send(server, question(credential)))
            anew = {one["id"]: one for one in listed(await send(server, question(credential, "?include=ended")))}
            for one in kept:
                assert {**one, "is_current": None} == {
                    **{key: anew[one["id"]].get(key) for key in one}, "is_current": None
                }, name  # fmt: skip
            assert len(kept) == (1 if name == "other" else 4), name
            assert sum(one["is_current"] is True for one in kept) == (0 if name == "cli_token" else 1)


async def test_what_changes_is_seen_at_once(app, carried, clock):
    ada = (await app.authority.accounts.find("ada", by=OPERATOR)).user
    async with serving(app) as server:
        assert len(listed(await send(server, question(carried["cookie"])))) == 4
        new = await app.authority.sessions.start(ada.id, client=at(), label="just now")
        assert b"just now" in await send(server, question(carried["cookie"]))
        await app.authority.sessions.label(new.session.id, "renamed", by=await caller(app.authority, new))
        answer = await send(server, question(carried["cookie"]))
        assert b"just now" not in answer and b"renamed" in answer
        await app.authority.administration.revoke(new.session.id, by=OPERATOR)
        assert b"renamed" not in await send(server, question(carried["cookie"]))
        clock.advance(days=2)  # one more has outlived its lifetime
        assert len(listed(await send(server, question(carried["bearer"])))) == 3


async def test_a_store_that_is_away_is_said(app, carried, monkeypatch):
    def away(*_, **__):
        raise StoreUnavailable

    monkeypatch.setattr(app.authority.sessions._lists, "_ask", away)
    async with serving(app) as server:
        assert (await send(server, question(carried["cookie"]))).startswith(b"HTTP/1.1 503")
