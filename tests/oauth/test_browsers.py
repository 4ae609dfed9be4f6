"""One browser is one device: its history does not pile up, and it is left signed in only where that was asked for."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import httpx2

from ostiary.core.browser import MARK_GRACE
from ostiary.core.caller import Caller
from ostiary.errors import SessionExpired
from ostiary.http.cookies import MARK
from ostiary.storage import sessions
from tests.http.visitors import API, COOKIE, browser, held, sign_in
from tests.oauth.party import form_of
from tests.support.people import PASSWORD

OPERATOR = Caller.operator("tests")
MARK_COOKIE = f"__Host-{MARK}"


async def rows(app, username="ada"):
    async with app.authority.database.reading() as db:
        user = await app.authority.accounts.find(username, by=OPERATOR)
        return await sessions.all_of_user(db, user.user.id, 100)


def cookies_of(answer: httpx2.Response) -> list[str]:
    return answer.headers.get_list("set-cookie")


async def by_api(client, **more):
    return await sign_in(client, **more)


async def by_page(client, **more):
    form = form_of(await client.get("/sign-in?again=1")) | {"username": "ada", "password": PASSWORD}
    if more:
        form["stay"] = "yes"
    answer = await client.post("/sign-in", data=form)
    assert answer.status_code == 303, answer.text
    return answer


WAYS = {"by the API": by_api, "on the page": by_page}


async def test_a_sign_in_takes_the_place_of_the_one_before_in_the_same_browser(app):
    """By its session's cookie; and when only the mark is left, as after the browser was closed, by that."""
    for way in WAYS.values():
        async with browser(app) as client:
            for _ in range(3):
                first, *others = cookies_of(await way(client))
                assert first.startswith(f"{COOKIE}=sess_") and others[0].startswith(f"{MARK_COOKIE}=")
                assert "HttpOnly" in others[0] and "Secure" in others[0] and "Max-Age=34560000" in others[0]
                client.cookies.delete(COOKIE)
            for _ in range(2):
                await way(client)
    *before, last = await rows(app)
    live = [row for row in (*before, last) if row.revoked is None]
    assert len(live) == 2  # of two browsers
    assert {row.revoked.reason for row in (*before, last) if row.revoked is not None} == {"replaced"}


async def test_a_mark_is_another_one_each_time_and_an_old_one_is_soon_nobodys(app, clock):
    async with browser(app) as client:
        await sign_in(client)
        old = client.cookies[MARK_COOKIE]
        await sign_in(client)
        assert client.cookies[MARK_COOKIE] != old
    clock.advance(seconds=MARK_GRACE.total_seconds())
    async with browser(app) as thief:
        thief.cookies.set(MARK_COOKIE, old, domain="auth.test")
        await sign_in(thief)
    assert [row.revoked is None for row in await rows(app)].count(True) == 2


async def test_a_mark_replaces_nothing_of_somebody_else_and_stands_for_all_who_sign_in_there(app):
    async with browser(app) as client:
        await sign_in(client)
        client.cookies.delete(COOKIE)
        await sign_in(client, "eve")
        assert [row.revoked for row in await rows(app)] == [None]
        client.cookies.delete(COOKIE)
        await sign_in(client)
    (first, second), (eves,) = await rows(app), await rows(app, "eve")
    assert {first.revoked is None, second.revoked is None} == {True, False} and eves.revoked is None


async def test_many_sign_ins_at_once_by_one_mark_make_one_device(app, clock):
    """Each takes the place of the one before, and the next one by whichever mark the browser has kept."""
    for alone in (True, False):
        async with browser(app) as client:
            await sign_in(client)
            if not alone:
                client.cookies.delete(COOKIE)
                await sign_in(client, "eve")
            mark = client.cookies[MARK_COOKIE]

        async def once(mark=mark):
            async with browser(app) as tab:
                tab.cookies.set(MARK_COOKIE, mark, domain="auth.test")
                await sign_in(tab)
                return tab.cookies[MARK_COOKIE]

        marks = await asyncio.gather(*(once() for _ in range(8)))
        assert [row.revoked is None for row in await rows(app)].count(True) == 1
        clock.advance(hours=1)
        await once(marks[3])
        assert [row.revoked is None for row in await rows(app)].count(True) == 1
        clock.advance(hours=1)
        await app.authority.administration.log_out("ada", by=OPERATOR)


async def test_a_copied_mark_that_somebody_else_signs_in_with_takes_nothing_from_its_owner(app, clock):
    async with browser(app) as client:
        await sign_in(client)
        client.cookies.delete(COOKIE)
        async with browser(app) as thief:
            thief.cookies.set(MARK_COOKIE, client.cookies[MARK_COOKIE], domain="auth.test")
            for _ in range(3):
                await sign_in(thief, "eve")
                thief.cookies.delete(COOKIE)
        clock.advance(hours=1)
        await sign_in(client)
    assert [row.revoked is None for row in await rows(app)].count(True) == 1
    assert [row.revoked is None for row in await rows(app, "eve")].count(True) == 1


async def test_who_asks_to_stay_is_kept_when_the_browser_is_closed_and_nobody_else(app, clock):
    for way in WAYS.values():
        async with browser(app) as client:
            (cookie, *_) = cookies_of(await way(client))
            assert "Max-Age" not in cookie
            (cookie, *_) = cookies_of(await way(client, stay=True))
            assert f"Max-Age={int(timedelta(days=90).total_seconds())}" in cookie
            clock.advance(days=1)
            done = await client.post(f"{API}/auth/reauthenticate", json={"password": PASSWORD})
            assert f"Max-Age={int(timedelta(days=89).total_seconds())}" in done.headers["set-cookie"]


async def test_what_dies_with_the_browser_ends_soon_after_its_last_use(app, make_authority, clock):
    async with browser(app) as passing, browser(app) as staying:
        await sign_in(passing)
        await sign_in(staying, stay=True)
        tokens = held(passing), held(staying)
    clock.advance(hours=24)
    async with make_authority(browser_idle=timedelta(hours=24)) as node:
        assert await node.verify(tokens[1])
        try:
            await node.verify(tokens[0])
        except SessionExpired as why:
            assert why.fields["limit"] == "idle"
        else:
            raise AssertionError("a session whose cookie died was accepted a day later")


async def test_a_policy_that_lets_nobody_stay_offers_it_to_nobody(app, settings):
    app.authority.sign_in.policy = replace(app.authority.policy, may_stay=False)
    async with browser(app) as client:
        (cookie, *_) = cookies_of(await sign_in(client, stay=True))
    assert "Max-Age" not in cookie
    assert replace(settings, policy="nist-aal1").session_policy().may_stay is False
    assert replace(settings, policy="nist-aal1", stay_signed_in=True).session_policy().may_stay is True
