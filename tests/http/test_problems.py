"""Errors: one shape, whatever went wrong, and nothing of the inside."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from sqlalchemy import text

from tests.http.visitors import API, NOBODYS_SESSION, bearer, signed_in, visitor

MEMBERS = ["type", "title", "status", "code", "detail", "request_id", "error", "message"]
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def ensure_problem(answer, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert list(problem)[: len(MEMBERS)] == MEMBERS
    assert (problem["status"], problem["code"], problem["type"]) == (status, code, f"urn:ostiary:error:{code}")
    assert problem["error"] == problem["message"] == problem["detail"]
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["cache-control"] == "no-store"
    return problem


@on_sqlite
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/nowhere",
        "/api",
        "/api/v2/auth/whoami",
        f"{API}/auth/",
        f"{API}/auth/sessions/x/y/z",
        "//verify",
    ],
)
async def test_an_unknown_path(app, path):
    async with visitor(app) as client:
        ensure_problem(await client.get(path), 404, "not_found")


@on_sqlite
@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", f"{API}/auth/sessions", {"GET", "POST", "OPTIONS"}),
        ("GET", f"{API}/auth/logout", {"POST", "OPTIONS"}),
        ("GET", f"{API}/auth/sessions/{NOBODYS_SESSION}", {"DELETE", "OPTIONS"}),
        ("HEAD", f"{API}/auth/sessions", {"GET", "POST", "OPTIONS"}),
        ("BREW", f"{API}/auth/whoami", {"GET", "OPTIONS"}),
    ],
)
async def test_a_method_that_is_not_there(app, method, path, allowed):
    async with visitor(app) as client:
        answer = await client.request(method, path)
    assert {one.strip() for one in answer.headers["allow"].split(",")} == allowed
    if method != "HEAD":
        ensure_problem(answer, 405, "invalid_request")


@on_sqlite
@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b'{"password": "x"', 400),
        (b"\xff\xfe", 400),
        (b'{"password": "\xff"}', 400),
        (b'{"password": "\\ud800"}', 400),
        (b"NaN", 400),
        (b"[" * 60_000, 422),
        (b'{"a":' * 10_000, 422),
        (b"[]", 422),
        (b"null", 422),
        (b"7", 422),
    ],
)
async def test_a_body_that_is_not_what_was_asked_for(app, content, status):
    async with signed_in(app) as client:
        answer = await client.post(
            f"{API}/auth/reauthenticate", content=content, headers={"content-type": "application/json"}
        )
    ensure_problem(answer, status, "invalid_request")


@on_sqlite
async def test_a_doubled_key_means_the_last_one_as_everywhere(app):
    async with signed_in(app) as client:
        answer = await client.post(
            f"{API}/auth/cli-token",
            content=b'{"name": "first", "name": "second"}',
            headers={"content-type": "application/json"},
        )
    assert answer.json()["name"] == "second"


@on_sqlite
@pytest.mark.parametrize("how", ["announced", "streamed"])
async def test_a_body_that_is_too_large(app, how):
    async def stream():
        for _ in range(20):
            yield b'"' + b"x" * 8192

    async with signed_in(app) as client:
        content = stream() if how == "streamed" else b"x" * 70_000
        answer = await client.post(
            f"{API}/auth/reauthenticate", content=content, headers={"content-type": "application/json"}
        )
    ensure_problem(answer, 413, "invalid_request")


@on_sqlite
@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonx"])
async def test_a_body_that_is_not_sent_as_json(app, content_type):
    async with bearer(app) as client:
        answer = await client.post(f"{API}/auth/cli-token", content=b"{}", headers={"content-type": content_type})
    ensure_problem(answer, 415, "invalid_request")


@on_sqlite
@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/" + "a" * 1100, {}, 414),
        (f"{API}/auth/whoami?{'a' * 17_000}", {}, 414),
        (f"{API}/auth/whoami", {"x-junk": "a" * 40_000}, 431),
        (f"{API}/auth/whoami", {"cookie": "a=b; " * 8000}, 431),
    ],
)
async def test_a_head_that_is_too_large(app, path, headers, status):
    async with visitor(app) as client:
        ensure_problem(await client.get(path, headers=headers), status, "invalid_request")


@on_sqlite
async def test_a_host_that_cannot_be(app):
    async with visitor(app) as client:
        ensure_problem(await client.get(f"{API}/auth/whoami", headers={"host": "a b/c"}), 400, "invalid_request")


@on_sqlite
async def test_who_is_not_signed_in_learns_nothing_else(app):
    async with visitor(app) as client:
        for method, path in (
            ("GET", f"{API}/auth/sessions?nonsense=1"),
            ("POST", f"{API}/auth/sessions/not-an-id/revoke"),
            ("POST", f"{API}/admin/users"),
        ):
            ensure_problem(await client.request(method, path), 401, "no_credentials")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite cannot tell it from an outage
async def test_a_fault_says_nothing_of_the_inside(app):
    async with bearer(app) as client:
        await rename_table(app, "cli_tokens", "somewhere_else")
        try:
            answer = await client.get(f"{API}/auth/cli-tokens")
        finally:
            await rename_table(app, "somewhere_else", "cli_tokens")
    problem = ensure_problem(answer, 500, "server_fault")
    assert problem["message"] == "The server failed"
    for inside in ("cli_tokens", "sqlalchemy", "Traceback", "SELECT"):
        assert inside not in answer.text
    assert "set-cookie" not in answer.headers


async def rename_table(app, before: str, after: str) -> None:
    async with app.authority.database.transaction() as db:
        await db.execute(text(f"ALTER TABLE {before} RENAME TO {after}"))


@on_sqlite
async def test_a_database_without_its_tables_is_an_outage_on_sqlite(app, database_url):
    async with bearer(app) as client:
        with sqlite3.connect(database_url.removeprefix("sqlite:///")) as file:
            file.execute("ALTER TABLE cli_tokens RENAME TO somewhere_else")
        answer = await client.get(f"{API}/auth/cli-tokens")
    ensure_problem(answer, 503, "store_unavailable")
    assert answer.headers["retry-after"] == "2"


@on_sqlite
async def test_a_body_that_ends_early_is_no_fault_of_ours(app, capsys):
    async with bearer(app) as client:
        token = client.headers["authorization"]
    scope = {
        **{"type": "http", "method": "POST", "path": f"{API}/auth/cli-token", "query_string": b"", "scheme": "https"},
        "client": ("203.0.113.7", 1),
        "headers": [
            *((b"host", b"auth.test"), (b"authorization", token.encode())),
            *((b"content-type", b"application/json"), (b"content-length", b"100")),
        ],
    }
    received = iter([{"type": "http.request", "body": b'{"name"', "more_body": True}, {"type": "http.disconnect"}])
    sent = []

    async def receive():
        return next(received)

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    assert sent[0]["status"] == 400
    assert "fault" not in capsys.readouterr().out
