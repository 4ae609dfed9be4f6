"""What the head of a request must be, on every way in: one `Host`, one version, bounds, and one spelling of a path."""

from __future__ import annotations

import asyncio
import ipaddress
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

import pytest

from ostiary.application import create_app
from ostiary.core.token import new_id
from ostiary.http.heads import is_canonical, path_of
from tests.http.connections import plainly, send, serving
from tests.http.visitors import COOKIE, OPERATOR, add_people, signed_in
from tests.support.people import PASSWORD, at
from tests.support.routes import every_route, filled

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

# Each way in: `/verify` and the list of sessions are answered in front of ASGI, the others by it.
PATHS = ["/verify", "/verify/below", "/api/v1/auth/sessions", "/api/v1/auth/whoami", "/sign-in", "/metrics", "/healthz"]
GOOD = b"Cookie: %b=%b\r\n"


@pytest.fixture
async def whole(settings, clock):
    """The server with its pages."""
    async with create_app(settings, clock=clock) as app:
        await add_people(app.authority)
        yield app


@pytest.fixture
async def cookie(whole) -> bytes:
    user = (await whole.authority.accounts.find("root", by=OPERATOR)).user
    started = await whole.authority.sessions.start(user.id, client=at(), kind="browser")
    return GOOD % (COOKIE.encode(), started.token.encode())


async def statuses(server, *requests: bytes) -> list[int]:
    return [int((await send(server, request)).split(b" ", 2)[1]) for request in requests]


@on_sqlite
@pytest.mark.parametrize("way", [plainly, lambda app: app])
@pytest.mark.parametrize("path", PATHS)
async def test_one_host_that_can_be_one_or_no_answer(whole, cookie, way, path):
    """RFC 9112 3.2: none in HTTP/1.1, several, or a value that no host can have is 400."""
    line = f"GET {path} HTTP/1.1\r\n".encode()
    bad = [b"", b"Host: a\r\nHost: a\r\n", b"Host: a\r\nHost: b\r\n"]
    bad += [b"Host: " + value + b"\r\n" for value in HOSTS]
    async with serving(way(whole)) as server:
        assert await statuses(server, *(line + hosts + cookie + b"\r\n" for hosts in bad)) == [400] * len(bad)
        (good,) = await statuses(server, line + b"Host: a\r\n" + cookie + b"\r\n")
        assert good in {200, 303, 403}
        fine = [b"Host: auth.example.org:443\r\n", b"host: [2001:db8::1]:8420\r\n", b"Host: 127.0.0.1\r\n"]
        assert await statuses(server, *(line + hosts + cookie + b"\r\n" for hosts in fine)) == [good] * 3
        older = [line.replace(b"1.1", b"1.0") + hosts + cookie + b"\r\n" for hosts in (b"", b"Host: a\r\n")]
        assert await statuses(server, *older) == [good] * 2  # HTTP/1.0 need not say it


HOSTS = [
    b"",
    b"a b",
    b"a/b",
    b"a@b",
    b"a#b",
    b"a?b",
    b"a,b",
    b"<script>",
    b"a:b",
    b"[::1",
    b"a\\b",
    b"a:123456",
    b"%61",
]
HOSTS += [b"a" * 300, "ü".encode(), b"::1"]


@on_sqlite
@pytest.mark.parametrize("way", [plainly, lambda app: app])
@pytest.mark.parametrize("path", PATHS)
async def test_another_version_and_a_head_that_is_too_large_are_refused(whole, cookie, way, path):
    line = f"GET {path} HTTP/1.1\r\nHost: a\r\n".encode() + cookie
    async with serving(way(whole)) as server:
        assert await statuses(server, line.replace(b"HTTP/1.1", b"HTTP/2.0") + b"\r\n") == [400]
        for size in (33_000, 70_000):
            large = line + b"X-Junk: " + b"a" * size + b"\r\n\r\n"
            assert await statuses(server, large) == [431]
            many = line + b"".join(b"X-%d: %b\r\n" % (number, b"a" * 1000) for number in range(size // 1000)) + b"\r\n"
            assert await statuses(server, many) == [431]


@on_sqlite
async def test_an_address_in_full_says_which_host_is_meant(whole, cookie):
    """RFC 9112 3.2.2: then `Host` is not looked at."""
    async with serving(whole) as server:
        line = b"GET http://%b/api/v1/auth/whoami HTTP/1.1\r\nHost: other\r\n" + cookie + b"\r\n"
        assert await statuses(server, line % b"a:80", line % b"user@a", line % b"") == [200, 400, 400]
        wanted = b"POST http://%b/api/v1/auth/logout HTTP/1.1\r\nHost: a\r\nOrigin: http://a\r\n" + cookie
        wanted += b"Content-Length: 0\r\n\r\n"
        assert await statuses(server, wanted % b"evil.test", wanted % b"a") == [403, 200]


STREAMS = ("/api/v1/feed", "/settings/sessions/events")  # whose answers do not end
SAMPLES = {
    "session_id": new_id("sess"), "token_id": new_id("ost"), "client_id": new_id("client"), "plan_id": new_id("plan"),
    "resource_id": new_id("res"),
    "username": "ada", "name": "ostiary.css", "event_id": "x",
}  # fmt: skip


def every_path() -> list[str]:
    """Each route of the application, pages and machines included, with something in place of its parameters."""
    found = {filled(route.path, SAMPLES) for route in every_route()} | {"/verify"}
    assert len(found) > 60
    return sorted(found)


def spellings(path: str) -> set[str]:
    """Other ways to write it, each of which some proxy or server takes for the same."""
    last = path.rindex("/") + 1
    letter = path[last]
    return {
        f"/{path}", f"/{path[1:last]}/{path[last:]}", f"{path}/", f"{path}//", f"/.{path}", f"/x/..{path}", f"{path}/.",
        f"{path}/x/..", f"/%2e{path}", f"/%2E%2E{path}", f"/x/%2e%2e{path}", f"{path}%2f", f"{path}%2F", f"{path}%00",
        f"{path[:last]}%{ord(letter):02x}{path[last + 1:]}", f"{path[:last]}%{ord(letter):02X}{path[last + 1:]}",
        f"/%{ord(path[1]):02x}{path[2:]}", path[:1] + path[1:].replace("/", "%2F") + "%2F", f"{path};", f"{path};x=y",
        f"{path}%3Bx", f"{path}%20", f"{path}%09", f"{path}\\", f"{path}%5C", f"/\\{path[1:]}", path.upper() + "/",
        f"{path}%ff", f"{path}%c0%af", f"{path}/%C2%80", f"{path}%ED%A0%80", f"{path}%252f", f"{path}.", f"{path}%2e",
    }  # fmt: skip


async def answer(app, path: str, *, method: str = "GET", **more) -> tuple[int, bytes]:
    """What this path, exactly as it stands, is answered with: no client library in between that would mend it."""
    sent: list[dict[str, Any]] = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def note(message):
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "https",
        "path": unquote(path), "raw_path": path.encode(), "query_string": b"", "root_path": "", "state": {},
        "headers": [(b"host", b"auth.test"), (b"x-request-id", b"same")], "client": ("203.0.113.7", 1),
        "server": ("auth.test", 443), **more,
    }  # fmt: skip
    await app(scope, receive, note)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


@on_sqlite
async def test_a_path_has_one_spelling_and_every_other_leads_to_nothing(whole):
    nothing = await answer(whole, "/nothing-is-here")
    assert nothing[0] == 404
    for path in every_path():
        if path == "/":
            continue
        for spelling in spellings(path):
            if spelling.startswith("/verify/"):
                continue  # any path below it is answered as itself, see `test_gateway`
            for method in ("GET", "POST"):
                status, body = await answer(whole, spelling, method=method)
                more = spelling.removeprefix(path)
                is_value = spelling.startswith(path) and more.rstrip("x=y") in {";", "%3B", "%252f", ".", "%5C"}
                if is_value and status in {303, 401, 403, 404, 405}:
                    continue  # another value of a parameter, such as the user `ada;x=y`
                assert (status, body) == nothing, (method, spelling)
                assert status != 405


@on_sqlite
async def test_what_must_be_escaped_in_a_username_still_is(whole):
    async with signed_in(whole, "root") as root:
        sent = [(b"host", b"auth.test"), (b"cookie", f"{COOKIE}={root.cookies[COOKIE]}".encode())]
        for spelled, status in (
            ("ada", 200), ("ADA", 200), ("b%C3%BCcher", 404), ("ada@example.org", 404), ("ada%40example.org", 404),
            ("%61da", 404), ("ada%20", 404), ("b%c3%bccher", 404), ("ada%2F", 404),
        ):  # fmt: skip
            found, body = await answer(whole, f"/api/v1/admin/users/{spelled}", headers=sent)
            assert found == status, spelled
            is_nobody = spelled in {"b%C3%BCcher", "ada@example.org", "ada%40example.org"}
            assert (b"user_not_found" in body) is is_nobody, (spelled, body)


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        ("/", True), ("/a", True), ("/a/b.c-d_e~f", True), ("/a/b@c:d;e=f,g+h!$&'()*", True), ("/a/...", True),
        ("/a/b%40c", True), ("/%C3%BC", True), ("/a%20b", True), ("/a%25b", True), ("/a%2540", True),
        ("", False), ("a", False), ("//", False), ("/a//b", False), ("/a/", False), ("/./a", False), ("/a/..", False),
        ("/%61", False), ("/a%2Fb", False), ("/a%2fb", False), ("/%c3%bc", False), ("/%C3", False), ("/%FF", False),
        ("/%00", False), ("/%7F", False), ("/%C2%9B", False), ("/%ED%A0%80", False), ("/%", False), ("/%4", False),
        ("/%2E", False), ("/%2E%2E/a", False), ("/a%2E", False), ("/a\\b", False), ("/a b", False), ("/ü", False),
        ("/a%7E", False), ("/a%EF%BF%BD", True), ("*", False), ("/a%E2%80%8B", False), ("/a%E2%80%AE", False),
        ("/a%20", False), ("/%20a/b", False),
    ],
)  # fmt: skip
def test_the_canonical_spelling(path, canonical):
    assert is_canonical(path) is canonical


def test_below_a_mount_the_path_is_judged_without_it():
    scope = {"path": "/in side/verify", "raw_path": b"/in%20side/verify", "root_path": "/in side"}
    assert path_of(scope) == "/verify"
    assert path_of(scope | {"raw_path": b"/in%20side/"}) == "/"
    assert path_of(scope | {"raw_path": b"/in%20side"}) == "/"
    assert path_of({"path": "/a b", "root_path": ""}) == "/a%20b"
    assert not is_canonical(path_of(scope | {"raw_path": b"/in%20side//verify"}))


@on_sqlite
@pytest.mark.parametrize("way", [plainly, lambda app: app])
async def test_no_spelling_gets_past_on_a_socket_either(whole, cookie, way):
    spelled = [b"//api/v1/admin/users", b"/api/v1/%61dmin/users", b"/api/v1/admin/users/", b"/api/v1/admin/users#x"]
    spelled += [b"/metrics/", b"/metrics%2f", b"//metrics", b"/%6detrics", b"//verify", b"/%76erify", b"/./verify"]
    requests = [b"GET %b HTTP/1.1\r\nHost: a\r\n%b\r\n" % (path, cookie) for path in spelled]
    async with serving(way(whole)) as server:
        assert await statuses(server, *requests) == [404] * len(requests)
        assert await statuses(server, requests[0].replace(b"//", b"/")) == [200]


@on_sqlite
@pytest.mark.parametrize("way", [plainly, lambda app: app])
async def test_trailers_are_no_headers(whole, cookie, way):
    """RFC 9110 6.5.1. A credential, an address, an origin behind the body: none of it is there."""
    token = cookie.split(b"=", 1)[1].strip()
    smuggled = b"Authorization: Bearer %b\r\nCookie: %b=%b\r\nSec-Fetch-Site: same-origin\r\n" % (
        token, COOKIE.encode(), token,
    )  # fmt: skip
    head = b"%b HTTP/1.1\r\nHost: a\r\nX-Request-ID: same\r\nTransfer-Encoding: chunked\r\nTrailer: Authorization\r\n"
    for line in (b"GET /verify", b"POST /verify/x", b"GET /api/v1/auth/whoami", b"GET /api/v1/auth/sessions",
                 b"POST /api/v1/auth/sessions/revoke-others", b"POST /oauth/userinfo", b"GET /metrics"):  # fmt: skip
        plain = [head % line + b"\r\n", b"2\r\n{}\r\n", b"0\r\n", b"\r\n"]
        async with serving(way(whole)) as server:
            expected = await send(server, b"".join(plain))
            assert expected.split(b" ", 2)[1] in {b"401", b"404"}, line
            assert await send(server, b"".join([*plain[:3], smuggled, b"\r\n"])) == expected, line
            assert await send(server, *plain[:3], smuggled, b"\r\n") == expected, line


@on_sqlite
async def test_the_address_of_a_client_is_not_taken_from_a_trailer(settings, clock):
    """As it comes through a proxy that passes trailers on, such as HAProxy."""
    trusted = (ipaddress.ip_network("127.0.0.0/8"),)
    async with create_app(replace(settings, trusted_proxies=trusted), clock=clock) as app:
        await add_people(app.authority)
        async with serving(app) as server:
            body = b'{"username":"ada","password":"%b","transport":"bearer"}' % PASSWORD.encode()
            request = b"POST /api/v1/auth/sessions HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 198.51.100.1\r\n"
            request += b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
            request += b"%x\r\n%b\r\n0\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n" % (len(body), body)
            answered = await send(server, request)
    assert b'"ip":"198.51.100.1"' in answered
    assert b"6.6.6.6" not in answered


@on_sqlite
@pytest.mark.parametrize("endless", [b"X-Trailer: a\r\n", b"a", b"X: " + b"a" * 1000 + b"\r\n"])
async def test_trailers_and_extensions_without_end_close_the_connection(whole, endless):
    head = b"POST /api/v1/auth/logout HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    begin = b"5;" if endless == b"a" else b"0\r\n"
    async with serving(whole) as server:
        _, writer = await asyncio.open_connection("127.0.0.1", server.servers[0].sockets[0].getsockname()[1])
        writer.write(head + begin)
        with pytest.raises(OSError):
            for _ in range(2000):
                writer.write(endless * (16_384 // len(endless)))
                await writer.drain()
                await asyncio.sleep(0)


@on_sqlite
async def test_a_body_in_many_small_pieces_is_read(whole):
    body = b'{"username":"ada","password":"wrong","transport":"bearer"}' + b" " * 20_000
    pieces = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    head = b"POST /api/v1/auth/sessions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    async with serving(whole) as server:
        assert await statuses(server, head + b"Transfer-Encoding: chunked\r\n\r\n" + pieces) == [401]
