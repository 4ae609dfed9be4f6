"""The usual `/verify`, answered directly: the same bytes as the plain way, whatever is sent."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import pytest

from ostiary.core.gateway import Rule
from ostiary.errors import StoreUnavailable
from tests.http.connections import LAST, WAIT, Held, connect, plainly, send, serving
from tests.http.visitors import COOKIE, OPERATOR, cli_token
from tests.support.people import at, caller

HEAD = b"GET /verify HTTP/1.1\r\nHost: a\r\nX-Request-ID: same\r\n"


def asked(*lines: bytes, head: bytes = HEAD) -> bytes:
    return head + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


@pytest.fixture
async def tokens(app, clock) -> dict[str, bytes]:
    """A token of each kind, those that do not work any more included."""
    user = (await app.authority.accounts.find("ada", by=OPERATOR)).user
    other = (await app.authority.accounts.find("eve", by=OPERATOR)).user
    start = app.authority.sessions.start
    expired = await start(user.id, client=at(), lifetime=timedelta(minutes=2))
    clock.advance(minutes=10)
    good, revoked = [await start(user.id, client=at(), amr=("pwd",)) for _ in range(2)]
    started = {
        "good": good,
        "revoked": revoked,
        "expired": expired,
        "other": await start(other.id, client=at()),
        "elsewhere": await start('their "user" \\ 7 ü', client=at(), tenant="acme"),
    }
    await app.authority.sessions.log_out(by=await caller(app.authority, revoked))
    found = {name: one.token.encode() for name, one in started.items()}
    return found | {"cli": (await cli_token(app, scopes=["sessions:read", "gateway"])).encode()}


def requests(tokens: dict[str, bytes]) -> list[tuple[bytes, ...]]:
    """Pieces as they go over the wire, each tuple on a connection of its own."""
    cookie = {name: b"Cookie: " + COOKIE.encode() + b"=" + token for name, token in tokens.items()}
    bearer = {name: b"Authorization: Bearer " + token for name, token in tokens.items()}
    good = cookie["good"]
    usual = asked(good)
    wrong = usual.replace(tokens["good"], tokens["good"][:-4] + b"AAAA")
    heads = [
        *(asked(line) for line in (*cookie.values(), *bearer.values())),
        wrong,
        asked(),
        asked(good, bearer["good"]),
        asked(good, bearer["other"]),
        asked(good, good),
        asked(good + b"; " + cookie["other"][8:]),
        asked(b"Cookie: a=b; " + good[8:] + b"; c=d", b"User-Agent: one"),
        asked(b'Cookie: __Host-session="' + tokens["good"] + b'"'),
        asked(b"Cookie: session=" + tokens["good"]),
        asked(bearer["good"], bearer["good"]),
        asked(b"authorization:bearer   " + tokens["good"] + b"  "),
        asked(b"Authorization: Basic YTpi", good),
        asked(b"Authorization: Bearer " + b"x" * 5000),
        asked(good, b"Ostiary-User: root", b"X-Forwarded-For: 9.9.9.9"),
        asked(good, b"Connection: close"),
        asked(good, b"Connection: keep-alive, Upgrade", b"Upgrade: websocket"),
        asked(good, b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk"),
        asked(good, b"Content-Length: 0"),
        asked(good, b"Content-Length: 5") + b"hello",
        asked(good, b"Transfer-Encoding: chunked") + b"5\r\nhello\r\n0\r\n\r\n",
        asked(good, b"Content-Length: 5", b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
        asked(good, b"Expect: 100-continue"),
        asked(good, b"X-Request-ID: second"),
        asked(good, head=b"GET /verify HTTP/1.1\r\nX-Request-ID: not harmless\r\n"),
        asked(good, head=b"GET /verify HTTP/1.1\r\n"),
        asked(good, b"X-Junk: " + b"a" * 40_000),
        asked(good, b"X-Junk: " + b"a" * 70_000),
        asked(good, b" folded: line"),
        asked(good, b"Bad Name: x"),
        asked(good, b"X-NUL: \x00"),
        usual.replace(b"HTTP/1.1", b"HTTP/1.0"),
        usual.replace(b"HTTP/1.1", b"HTTP/1.0", 1).replace(b"Host: a", b"Connection: keep-alive"),
        usual.replace(b"HTTP/1.1", b"HTTP/2.0"),
        usual.replace(b"\r\n", b"\n"),
        *(usual.replace(b"/verify", path) for path in PATHS),
        *(usual.replace(b"GET", method) for method in (b"HEAD", b"POST", b"OPTIONS", b"get", b"BREW", b"PUT")),
    ]
    return [
        *((head,) for head in heads),
        (usual * 5,),
        (usual + wrong + usual,),
        (asked(cookie["revoked"]) + usual + asked(bearer["cli"]) + usual,),
        (usual + asked(good, b"Connection: close") + usual,),
        (usual + b"GARBAGE\r\n\r\n",),
        (usual.replace(b"GET", b"POST").replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\nabc") + usual,),
        (usual, usual, wrong, usual),
        (usual[:7], usual[7:40], usual[40:-3], usual[-3:]),
        (usual + usual[:30], usual[30:]),
        (usual + b"\r\n\r\n" + usual,),
        (b"\r\n" + usual,),
    ]


PATHS = (
    b"/verify?",
    b"/verify?rd=x",
    b"/verify#x",
    b"/verify/",
    b"//verify",
    b"/%76erify",
    b"/verify%00",
    b"/./verify",
    b"http://elsewhere/verify",
    b"/api/v1/auth/whoami",
    b"verify",
    b"*",
)


async def test_whatever_is_sent_both_ways_answer_with_the_same_bytes(app, tokens):
    async with serving(plainly(app)) as plain, serving(app) as short:
        for pieces in requests(tokens):
            expected, found = await asyncio.gather(send(plain, *pieces), send(short, *pieces))
            assert found == expected, pieces
            assert found, pieces


async def test_the_usual_question_is_answered_directly_yes_or_no(app, tokens, monkeypatch):
    """Else the comparison above would compare the plain way with itself."""
    plainly: list[str] = []
    call = type(app.gateway).__call__

    async def called(gateway, scope, receive, send):
        plainly.append(scope["path"])
        await call(gateway, scope, receive, send)

    monkeypatch.setattr(type(app.gateway), "__call__", called)
    cookie = b"Cookie: " + COOKIE.encode() + b"="
    usual = asked(cookie + tokens["good"])
    wrong = usual.replace(tokens["good"], tokens["good"][:-4] + b"AAAA")
    ended = [asked(cookie + tokens[name]) for name in ("revoked", "expired")]
    async with serving(app) as server:
        assert (await send(server, usual)).startswith(b"HTTP/1.1 200 OK")
        for refused in (wrong, *ended, asked()):
            assert (await send(server, refused)).startswith(b"HTTP/1.1 401 Unauthorized")
        assert plainly == []
        assert (await send(server, usual.replace(b"GET", b"POST"))).startswith(b"HTTP/1.1 200 OK")
        assert plainly == ["/verify"]


async def test_what_is_refused_directly_is_counted(app, tokens):
    def refused() -> str:
        (line,) = [
            one
            for one in app.context.metrics.exposition().decode().splitlines()
            if one.startswith('ostiary_verifications_total{outcome="refused"')
        ]
        return str(line.rpartition(" ")[2])

    async with serving(app) as server:
        before = float(refused())
        await send(server, asked(b"Authorization: Bearer " + tokens["revoked"]))
        assert float(refused()) == before + 1


async def test_use_is_recorded_with_address_and_agent(app, clock, tokens):
    clock.advance(minutes=5)
    line = b"Authorization: Bearer " + tokens["good"]
    async with serving(app) as server:
        assert b" 200 OK" in await send(server, asked(line, b"User-Agent: another"))
    await app.authority.presence.flush()
    session = await app.authority.sessions.find(tokens["good"].decode().partition(".")[0], by=OPERATOR)
    assert (session.last_used_at, session.user_agent, session.ip) == (clock(), "another", "127.0.0.1")


async def test_close_to_the_idle_limit_use_is_written_before_the_answer(app, clock, tokens):
    policy = app.authority.policy
    assert policy.idle_timeout is not None
    clock.advance(seconds=(policy.idle_timeout - timedelta(seconds=20)).total_seconds())
    async with serving(app) as server:
        assert b" 200 OK" in await send(server, asked(b"Authorization: Bearer " + tokens["good"]))
    session = await app.authority.sessions.find(tokens["good"].decode().partition(".")[0], by=OPERATOR)
    assert session.last_used_at == clock()


async def test_a_store_that_is_away_is_said_the_plain_way(app, tokens, monkeypatch):
    def away(_):
        raise StoreUnavailable

    monkeypatch.setattr(app.authority.verification._sessions, "_ask", away)
    usual = asked(b"Authorization: Bearer " + tokens["good"])
    async with serving(plainly(app)) as plain, serving(app) as short:
        expected, found = await send(plain, usual), await send(short, usual)
    assert found.startswith(b"HTTP/1.1 503")
    assert found == expected


async def test_who_hangs_up_before_the_answer_hurts_nobody(app, tokens, monkeypatch, caplog):
    store = Held(app.authority.verification._sessions, monkeypatch)
    async with serving(app) as server:
        _, writer = await connect(server)
        writer.write(asked(b"Authorization: Bearer " + tokens["good"]))
        await asyncio.wait_for(store.asked.wait(), WAIT)
        writer.transport.abort()
        await asyncio.sleep(0.05)
        store.release.set()
        assert b" 200 OK" in await send(server, asked(b"Authorization: Bearer " + tokens["good"]))
    assert "Traceback" not in caplog.text


async def test_a_question_under_way_is_answered_before_the_server_stops(app, tokens, monkeypatch):
    store = Held(app.authority.verification._sessions, monkeypatch)
    async with serving(app) as server:
        reader, writer = await connect(server)
        writer.write(asked(b"Authorization: Bearer " + tokens["good"]))
        await asyncio.wait_for(store.asked.wait(), WAIT)
        server.should_exit = True
        await asyncio.sleep(0.3)
        store.release.set()
        answer = await asyncio.wait_for(reader.read(), WAIT)
        writer.close()
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"\r\nconnection: close\r\n" in answer


async def test_what_waits_behind_a_question_is_answered_after_it(app, tokens, monkeypatch):
    store = Held(app.authority.verification._sessions, monkeypatch)
    async with serving(app) as server:
        reader, writer = await connect(server)
        writer.write(asked(b"Authorization: Bearer " + tokens["good"]) + LAST)
        await asyncio.wait_for(store.asked.wait(), WAIT)
        await asyncio.sleep(0.05)
        store.release.set()
        answer = await asyncio.wait_for(reader.read(), WAIT)
        writer.close()
    assert re.findall(rb"HTTP/1\.1 (\d+)", answer) == [b"200", b"404"]


async def test_an_application_that_is_not_open_is_opened_the_plain_way(make_app, app, tokens):
    another = make_app()
    async with serving(another) as server:
        usual = asked(b"Authorization: Bearer " + tokens["good"])
        assert (await send(server, usual)).startswith(b"HTTP/1.1 200 OK")
        assert another.is_open
        assert (await send(server, usual)).startswith(b"HTTP/1.1 200 OK")
    await another.close()


async def test_with_rules_every_question_goes_the_plain_way(make_app, app, tokens):
    usual = asked(b"Authorization: Bearer " + tokens["good"])
    ruled = usual.replace(b"/verify", b"/verify?app=wiki")
    async with (
        make_app(gateway_rules=(Rule("wiki", roles=("member",)),)) as another,
        serving(plainly(another)) as plain,
        serving(another) as short,
    ):
        for piece, status in ((usual, b"HTTP/1.1 403"), (ruled, b"HTTP/1.1 200")):
            expected, found = await asyncio.gather(send(plain, piece), send(short, piece))
            assert found.startswith(status)
            assert found == expected


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("path", [b"/verify", b"/nowhere"])
async def test_a_connection_is_closed_when_it_was_idle_for_long_enough_and_not_before(app, tokens, path):
    request = b"GET %b HTTP/1.1\r\nHost: a\r\nCookie: %b=%b\r\n\r\n" % (path, COOKIE.encode(), tokens["good"])
    async with serving(app, timeout_keep_alive=2) as server:
        reader, writer = await connect(server)
        for _ in range(4):  # 3.2 seconds, with far less than two between two requests
            writer.write(request)
            assert await asyncio.wait_for(reader.read(4096), WAIT)
            await asyncio.sleep(0.8)
            assert not reader.at_eof()
        assert await asyncio.wait_for(reader.read(), WAIT) == b""
        writer.close()
