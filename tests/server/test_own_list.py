"""The list of one's own by the shortcut: the same bytes as the router's, whatever is sent."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest

from ostiary.errors import StoreUnavailable
from ostiary.server.own_list import PATH
from ostiary.server.protocol import BoundedProtocol
from ostiary.server.shortcut import ShortcutProtocol
from tests.server.connections import WAIT, Held, connect, send, serving
from tests.server.visitors import COOKIE, NOBODYS_TOKEN, OPERATOR
from tests.support.people import FIREFOX, IPHONE, at, caller

LINE = b"GET " + PATH.encode() + b" HTTP/1.1"


@pytest.fixture
async def carried(app, clock) -> dict[str, bytes]:
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
    ended = await start(ada.id, client=at())
    await authority.sessions.log_out(by=await caller(authority, ended))
    ours = await caller(authority, good)
    script = (await authority.tokens.create(name="script", by=ours, scopes=("sessions:read",))).secret
    blind = (await authority.tokens.create(name="blind", by=ours, scopes=("sessions:revoke",))).secret

    def cookie(*tokens: str) -> bytes:
        return b"Cookie: " + "; ".join(f"{COOKIE}={token}" for token in tokens).encode()

    def bearer(token: str) -> bytes:
        return b"Authorization: Bearer " + token.encode()

    return {
        "cookie": cookie(good.token),
        "stale": cookie(unused.token),
        "bearer": bearer(good.token),
        "cli_token": bearer(script),
        "blind_cli_token": bearer(blind),
        "nobody": b"X-Nothing: at all",
        "unknown": bearer(NOBODYS_TOKEN),
        "ended": bearer(ended.token),
        "ours_twice": cookie(good.token, unused.token),
        "mixed": cookie(good.token, other.token),
        "mixed_kinds": bearer(good.token) + b"\r\n" + cookie(other.token),
        "other": cookie(other.token),
        "no_session": cookie("nonsense"),
    }


def question(*lines: bytes, line: bytes = LINE) -> bytes:
    head = (line, b"Host: auth.test", b"X-Request-ID: same", b"User-Agent: " + FIREFOX.encode(), *lines)
    return b"\r\n".join(head) + b"\r\n\r\n"


@pytest.fixture
async def both_ways(app):
    """Sends to a server with the shortcut and to one without, and compares; gives status and content."""
    async with serving(app, BoundedProtocol) as plain, serving(app, ShortcutProtocol) as short:

        async def compare(*pieces: bytes) -> tuple[int, bytes]:
            found, expected = await send(short, *pieces), await send(plain, *pieces)
            assert found == expected, pieces
            head, _, content = found.partition(b"\r\n\r\n")
            return int(head.split()[1]), content.partition(b"HTTP/1.1 ")[0]

        yield compare


@pytest.fixture
def passed_on(app, monkeypatch):
    """Paths of requests that came by the application, and not by the shortcut."""
    paths: list[str] = []
    inner = app._inner

    async def noted(scope, receive, send):
        paths.append(scope["path"])
        await inner(scope, receive, send)

    monkeypatch.setattr(app, "_inner", noted)
    return paths


async def test_every_credential_is_answered_as_the_router_does(both_ways, carried):
    answers = {name: await both_ways(question(lines)) for name, lines in carried.items()}
    for name in ("cookie", "stale", "bearer", "cli_token", "ours_twice"):
        assert answers[name][0] == 200 and answers[name][1].count(b'"id":') == 4, name
    assert b'"stale"' in answers["cookie"][1]
    assert answers["stale"][1].count(b'"is_current":true') == 1 and b'"stale"' not in answers["stale"][1]
    assert answers["cli_token"][1].count(b'"is_current":true') == 0
    assert answers["other"][1].count(b'"id":') == 1
    assert {answers[name][0] for name in ("nobody", "unknown", "ended", "mixed", "mixed_kinds", "no_session")} == {401}
    assert answers["blind_cli_token"][0] == 403


@pytest.mark.parametrize(
    "query", [b"/", b"?include=ended", b"?", b"?nonsense=1", b"?stale_after_days=5", b"#x", b"%00", b"/../sessions"]
)
async def test_every_other_path_goes_to_the_router(both_ways, carried, passed_on, query):
    await both_ways(question(carried["cookie"], line=LINE.replace(b"sessions", b"sessions" + query)))
    assert len(passed_on) >= 2


@pytest.mark.parametrize("method", [b"HEAD", b"PUT", b"OPTIONS", b"POST"])
async def test_every_other_method_goes_to_the_router(both_ways, carried, method):
    assert (await both_ways(question(carried["cookie"], line=LINE.replace(b"GET", method))))[0] >= 204


async def test_what_is_too_large_is_refused_as_the_router_does(both_ways, carried):
    assert (await both_ways(question(carried["cookie"], b"X-Junk: " + b"a" * 33_000)))[0] == 431
    assert (await both_ways(question(carried["cookie"], b"X-Junk: " + b"a" * 31_000)))[0] == 200


async def test_many_questions_on_one_connection_are_answered_in_their_order(both_ways, carried):
    good, other, wrong = (question(carried[name]) for name in ("bearer", "other", "unknown"))
    await both_ways(good + other + wrong + good)
    await both_ways(good, wrong, other, good)
    await both_ways(good[:30], good[30:-2], good[-2:])
    await both_ways(good.replace(PATH.encode(), b"/verify") + good + other)


async def test_behind_https_the_answer_says_so(make_app, app, carried):
    usual = question(carried["bearer"])
    async with (
        make_app(public_url="https://auth.test") as another,
        serving(another, BoundedProtocol) as plain,
        serving(another, ShortcutProtocol) as short,
    ):
        found, expected = await send(short, usual), await send(plain, usual)
    assert found == expected
    assert b"\r\nstrict-transport-security: " in found.partition(b"\r\n\r\n")[0]


async def test_the_usual_question_does_not_reach_the_router(app, carried, passed_on):
    """Else the comparisons above would compare the router with itself."""
    async with serving(app, ShortcutProtocol) as server:
        for name in ("cookie", "bearer", "stale", "other"):
            assert (await send(server, question(carried[name]))).startswith(b"HTTP/1.1 200 OK")
    assert set(passed_on) == {"/nowhere"}  # the last request on each connection


async def test_what_changes_is_seen_at_once(app, both_ways, carried, clock):
    ada = (await app.authority.accounts.find("ada", by=OPERATOR)).user
    usual, by_bearer = question(carried["cookie"]), question(carried["bearer"])
    assert (await both_ways(usual))[1].count(b'"id":') == 4
    new = await app.authority.sessions.start(ada.id, client=at(), label="just now")
    assert b"just now" in (await both_ways(usual))[1]
    await app.authority.sessions.label(new.session.id, "renamed", by=await caller(app.authority, new))
    content = (await both_ways(usual))[1]
    assert b"just now" not in content and b"renamed" in content
    await app.authority.administration.revoke(new.session.id, by=OPERATOR)
    assert b"renamed" not in (await both_ways(usual))[1]
    clock.advance(days=2)  # one more has outlived its lifetime
    assert (await both_ways(by_bearer))[1].count(b'"id":') == 3
    clock.advance(days=90)  # longer than any session lives
    assert (await both_ways(by_bearer))[0] == 401


async def test_a_store_that_is_away_is_said(app, both_ways, carried, monkeypatch):
    def away(*_, **__):
        raise StoreUnavailable

    monkeypatch.setattr(app.authority.sessions._lists, "_ask", away)
    assert (await both_ways(question(carried["cookie"])))[0] == 200  # the router asks in its own way
    monkeypatch.setattr(app.authority.sessions, "list", away)
    assert (await both_ways(question(carried["cookie"])))[0] == 503


async def test_who_is_signed_out_while_the_list_is_read_hurts_nobody(app, carried, monkeypatch):
    store = Held(app.authority.sessions._lists, monkeypatch)
    async with serving(app, ShortcutProtocol) as server:
        _, writer = await connect(server)
        writer.write(question(carried["cookie"]))
        await asyncio.wait_for(store.asked.wait(), WAIT)
        writer.transport.abort()
        await asyncio.sleep(0.05)
        store.release.set()
        assert (await send(server, question(carried["bearer"]))).startswith(b"HTTP/1.1 200 OK")


async def test_it_is_counted_and_told_as_any_other(app, carried, logged):
    lines = {}
    for protocol in (BoundedProtocol, ShortcutProtocol):
        before = len(logged.getvalue())
        async with serving(app, protocol) as server:
            await send(server, question(carried["cookie"]))
        told = [json.loads(line) for line in logged.getvalue()[before:].splitlines() if '"request"' in line]
        (lines[protocol],) = [line for line in told if line["route"] == PATH]
        assert lines[protocol].pop("at") and lines[protocol].pop("duration_ms") > 0
    assert lines[ShortcutProtocol] == lines[BoundedProtocol]
    assert lines[ShortcutProtocol]["request_id"] == "same" and lines[ShortcutProtocol]["session_id"]
    counted = f'ostiary_http_request_duration_seconds_count{{method="GET",route="{PATH}",status="200"}} 2.0'
    assert counted in app.context.metrics.exposition().decode()
