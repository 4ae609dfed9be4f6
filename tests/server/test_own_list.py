"""The list in front of the router: the same bytes as the router's own, whatever is sent."""

from __future__ import annotations

from datetime import timedelta

import httpx2
import pytest

from ostiary.errors import StoreUnavailable
from ostiary.server.own_list import PATH, OwnList
from tests.server.visitors import COOKIE, NOBODYS_TOKEN, OPERATOR
from tests.support.people import CHROME, FIREFOX, IPHONE, at, caller


@pytest.fixture
async def carried(app, clock) -> dict[str, dict[str, str]]:
    """Headers of people who may see a list, and of people who may not."""
    authority = app.authority
    ada, eve = [(await authority.accounts.find(name, by=OPERATOR)).user for name in ("ada", "eve")]
    start = authority.sessions.start
    unused = await start(ada.id, client=at(), label='a "name" \\ ü')
    clock.advance(days=40)  # the first one is stale now
    good = await start(ada.id, client=at(), amr=("pwd",), application_id="shop", tenant="acme")
    await start(ada.id, client=authority.seen(None, None))
    await start(ada.id, client=authority.seen("2001:db8::1", IPHONE), lifetime=timedelta(days=1))
    other = await start(eve.id, client=authority.seen("203.0.113.9", CHROME))
    ended = await start(ada.id, client=at())
    await authority.sessions.log_out(by=await caller(authority, ended))
    ours = await caller(authority, good)
    script = (await authority.tokens.create(name="script", by=ours, scopes=("sessions:read",))).secret
    blind = (await authority.tokens.create(name="blind", by=ours, scopes=("sessions:revoke",))).secret

    def cookie(*tokens: str) -> dict[str, str]:
        return {"cookie": "; ".join(f"{COOKIE}={token}" for token in tokens)}

    def bearer(token: str) -> dict[str, str]:
        return {"authorization": f"Bearer {token}"}

    return {
        "cookie": cookie(good.token),
        "stale": cookie(unused.token),
        "bearer": bearer(good.token),
        "cli_token": bearer(script),
        "blind_cli_token": bearer(blind),
        "nobody": {},
        "unknown": bearer(NOBODYS_TOKEN),
        "ended": bearer(ended.token),
        "ours_twice": cookie(good.token, unused.token),
        "mixed": cookie(good.token, other.token),
        "mixed_kinds": bearer(good.token) | cookie(other.token),
        "other": cookie(other.token),
        "no_session": cookie("nonsense"),
    }


async def ask(app, path: str, headers: dict[str, str], method: str = "GET") -> tuple[int, list[tuple[str, str]], bytes]:
    transport = httpx2.ASGITransport(app=app, client=("203.0.113.7", 4711))
    async with httpx2.AsyncClient(transport=transport, base_url="https://auth.test") as client:
        sent = {"user-agent": FIREFOX, "x-request-id": "same", **headers}
        answer = await client.request(method, path, headers=sent)
        return answer.status_code, sorted(answer.headers.multi_items()), answer.content


@pytest.fixture
def both_ways(app, monkeypatch):
    async def compare(path: str, headers: dict[str, str], method: str = "GET") -> tuple[int, bytes]:
        first = await ask(app, path, headers, method)
        with monkeypatch.context() as routed:
            routed.setattr(OwnList, "_is_usual", lambda *_: False)
            assert await ask(app, path, headers, method) == first
        return first[0], first[2]

    return compare


async def test_every_credential_is_answered_as_the_router_does(both_ways, carried):
    answers = {name: await both_ways(PATH, headers) for name, headers in carried.items()}
    for name in ("cookie", "stale", "bearer", "cli_token", "ours_twice"):
        assert answers[name][0] == 200 and answers[name][1].count(b'"id":') == 4, name
    assert b'"stale"' in answers["cookie"][1]
    assert answers["stale"][1].count(b'"is_current":true') == 1 and b'"stale"' not in answers["stale"][1]
    assert answers["cli_token"][1].count(b'"is_current":true') == 0
    assert answers["other"][1].count(b'"id":') == 1
    assert {answers[name][0] for name in ("nobody", "unknown", "ended", "mixed", "mixed_kinds", "no_session")} == {401}
    assert answers["blind_cli_token"][0] == 403


@pytest.mark.parametrize(
    "path", [f"{PATH}/", f"{PATH}?include=ended", f"{PATH}?", f"{PATH}?nonsense=1", f"{PATH}?stale_after_days=5"]
)
async def test_every_other_question_goes_to_the_router(both_ways, carried, path):
    await both_ways(path, carried["cookie"])


async def test_another_method_goes_to_the_router(both_ways, carried):
    assert (await both_ways(PATH, carried["cookie"], "HEAD"))[0] == 405
    assert (await both_ways(PATH, carried["cookie"], "PUT"))[0] in (403, 405)


async def test_the_usual_question_does_not_reach_the_router(app, carried, monkeypatch):
    """Else the comparisons above would compare the router with itself."""
    passed_on = []
    front = app._inner
    while not isinstance(front, OwnList):
        front = front._app
    monkeypatch.setattr(front, "_app", lambda scope, *_: passed_on.append(scope["path"]))
    for name in ("cookie", "bearer", "cli_token", "ours_twice"):
        assert (await ask(app, PATH, carried[name]))[0] == 200
    assert passed_on == []


async def test_what_changes_is_seen_at_once(app, both_ways, carried, clock):
    ada = (await app.authority.accounts.find("ada", by=OPERATOR)).user
    assert (await both_ways(PATH, carried["cookie"]))[1].count(b'"id":') == 4
    new = await app.authority.sessions.start(ada.id, client=at(), label="just now")
    assert b"just now" in (await both_ways(PATH, carried["cookie"]))[1]
    await app.authority.sessions.label(new.session.id, "renamed", by=await caller(app.authority, new))
    content = (await both_ways(PATH, carried["cookie"]))[1]
    assert b"just now" not in content and b"renamed" in content
    await app.authority.administration.revoke(new.session.id, by=OPERATOR)
    assert b"renamed" not in (await both_ways(PATH, carried["cookie"]))[1]
    clock.advance(days=2)  # one more has outlived its lifetime
    assert (await both_ways(PATH, carried["bearer"]))[1].count(b'"id":') == 3
    clock.advance(days=90)  # longer than any session lives
    assert (await both_ways(PATH, carried["bearer"]))[0] == 401


async def test_a_store_that_is_away_is_said(app, both_ways, carried, monkeypatch):
    async def away(*_, **__):
        raise StoreUnavailable

    monkeypatch.setattr(app.authority.sessions, "listed", away)
    assert (await both_ways(PATH, carried["cookie"]))[0] == 200  # the router asks in its own way
    monkeypatch.setattr(app.authority.sessions, "list", away)
    assert (await both_ways(PATH, carried["cookie"]))[0] == 503
