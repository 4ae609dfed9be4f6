"""The log: one JSON object a line, whatever a client sends, and never a secret (ASVS 5.0 16.2.5, 16.4.1)."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import sys
from typing import Any

import pytest
import structlog

from ostiary.http import logs
from ostiary.http.app import create_app
from tests.http.visitors import (
    API,
    COOKIE,
    add_people,
    browser,
    cli_token,
    held,
    script,
    sign_in,
    signed_in,
    visitor,
)
from tests.support.people import PASSWORD

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def lines(logged: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in logged.getvalue().splitlines()]


@on_sqlite
async def test_a_request_is_one_line_with_who_what_and_how_long(app, logged):
    async with signed_in(app) as client:
        answer = await client.get(f"{API}/auth/sessions?stale_after_days=3", headers={"x-request-id": "abc"})
        session = (await client.get(f"{API}/auth/whoami")).json()
    (line,) = [line for line in lines(logged) if line["request_id"] == "abc"]
    assert line.pop("duration_ms") >= 0
    assert line.pop("at").endswith("Z")
    assert line == {
        "event": "request",
        "level": "info",
        "request_id": "abc",
        "method": "GET",
        "route": "/api/v1/auth/sessions",
        "status": 200,
        "code": None,
        "ip": "203.0.113.7",
        "user_agent": client.headers["user-agent"],
        "user_id": session["user"]["id"],
        "session_id": session["session"]["id"],
        "token_id": None,
    }
    assert answer.headers["x-request-id"] == "abc"


@pytest.mark.parametrize(
    "agent",
    [
        'x\n{"event": "forged"}',
        "x\r\nforged",
        "\x1b[2J\x1b[31mforged",
        '","event":"forged","x":"',
        "x\u0085forged".encode(),
        "x\u2028forged".encode(),
    ],
)
@on_sqlite
async def test_a_client_cannot_forge_a_line(app, logged, agent):
    async with visitor(app) as client:
        request = client.build_request("GET", f"{API}/auth/whoami")
        raw = agent if isinstance(agent, bytes) else agent.encode()
        request.headers.raw[:] = [(name, value) for name, value in request.headers.raw if name.lower() != b"user-agent"]
        scope_headers = [(b"user-agent", raw)]

        async def with_raw_agent(scope, receive, send):
            kept = [pair for pair in scope["headers"] if pair[0] != b"user-agent"]
            await app({**scope, "headers": kept + scope_headers}, receive, send)

    async with visitor(with_raw_agent) as client:  # type: ignore[arg-type]
        await client.get(f"{API}/auth/whoami")
        await client.get(f"/{'forged' * 3}?forged=1")
    text = logged.getvalue()
    assert text.isascii()
    assert all(character.isprintable() or character == "\n" for character in text)
    assert [(line["event"], line["code"]) for line in lines(logged)] == [
        ("request", "no_credentials"),
        ("request", "not_found"),
    ]
    assert {line["route"] for line in lines(logged)} == {f"{API}/auth/whoami", "-"}


async def test_no_secret_is_ever_logged(app, logged):
    """Everything that mints or takes a secret, rightly and wrongly; then every secret is looked for."""
    secrets = {PASSWORD, "wrong password", "another good password"}
    async with browser(app) as client:
        await client.post(
            f"{API}/auth/sessions", json={"username": "ada", "password": "wrong password", "transport": "cookie"}
        )
        await sign_in(client)
        secrets.add(held(client))
        await client.post(f"{API}/auth/reauthenticate", json={"password": PASSWORD})
        secrets.add(held(client))
        made = (await client.post(f"{API}/auth/cli-token", json={"name": "ci"})).json()
        rotated = (await client.post(f"{API}/auth/cli-tokens/{made['id']}/rotate")).json()
        secrets |= {made["token"], rotated["token"]}
        await client.post(f"{API}/auth/password", json={"current": PASSWORD, "new": "another good password"})
    async with signed_in(app, "root") as admin:
        minted = (await admin.post(f"{API}/admin/users/eve/sessions", json={"expire_after": "1h"})).json()
        secrets.add(minted["cookie"].partition("=")[2].partition(";")[0])
        await admin.post(f"{API}/admin/users", json={"username": "new", "password": "another good password"})
        secrets.add(held(admin))
    for secret in [one for one in secrets if "." in one]:
        async with visitor(
            app, cookie=f"{COOKIE}={secret}", authorization=f"Bearer {secret}", referer=f"/?{secret}"
        ) as lost:
            for path in (
                "/verify",
                f"{API}/auth/whoami",
                f"{API}/auth/sessions/{secret}",
                f"/{secret}",
                f"/x?token={secret}",
            ):
                await lost.get(path)
            await lost.post(
                f"{API}/auth/sessions", json={"username": secret, "password": secret, "transport": "bearer"}
            )
            await lost.post(f"{API}/auth/sessions", content=secret, headers={"content-type": "application/json"})
    assert len(lines(logged)) > 40
    text = logged.getvalue()
    for secret in secrets:
        assert secret not in text
        assert secret.rpartition(".")[2] not in text


@on_sqlite
async def test_secrets_that_reach_the_log_by_accident_are_caught(app, logged):
    secret = await cli_token(app)
    structlog.get_logger().warning(
        "accident", header=f"Bearer {secret}", cookie=f"{COOKIE}={secret}; x", deep=[{"a": secret}]
    )
    logging.getLogger("some.library").error("sent %s", {"authorization": f"Bearer {'x' * 30}"})
    try:
        raise ValueError(f"could not use {secret}")
    except ValueError:
        structlog.get_logger().exception("fault")
    text = logged.getvalue()
    assert secret.partition(".")[2] not in text
    assert "x" * 30 not in text
    assert text.count(logs.REDACTED) >= 4
    assert secret.partition(".")[0] in text
    assert len(lines(logged)) == 4


async def test_a_fault_is_logged_with_its_trace_and_request_id(app, logged):
    async def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("the cause")

    app.authority.tokens.list = broken  # the only way to a fault that no input can reach
    async with script(app, await cli_token(app)) as client:
        answer = await client.get(f"{API}/auth/cli-tokens", headers={"x-request-id": "the-fault"})
    assert (answer.status_code, answer.json()["request_id"]) == (500, "the-fault")
    assert "the cause" not in answer.text
    fault, request = [line for line in lines(logged) if line.get("request_id") == "the-fault"]
    assert (fault["event"], fault["level"]) == ("fault", "error")
    assert "ZeroDivisionError: the cause" in fault["exception"]
    assert "Traceback" in fault["exception"]
    assert (request["event"], request["status"]) == ("request", 500)


async def test_an_outage_is_a_warning_with_its_cause(make_app, logged):
    async with make_app(database_url="postgresql://nobody:hunter2@127.0.0.1:9/nothing") as app, visitor(app) as client:
        assert (await client.get("/readyz")).status_code == 503
    outage = next(line for line in lines(logged) if line["event"] == "store.unavailable")
    assert outage["level"] == "warning"
    assert "hunter2" not in logged.getvalue()


@on_sqlite
async def test_the_level_is_kept(app, logged):
    logs.configure("error", logged)
    async with visitor(app) as client:
        await client.get(f"{API}/auth/whoami")
    assert logged.getvalue() == ""


@on_sqlite
async def test_a_set_up_link_is_not_logged(make_app, logged):
    async with make_app() as app, visitor(app) as client:
        code = await app.authority.setup.make_code()
        await client.get(f"/setup?code={code}")
        await client.post(f"{API}/setup", json={"code": code, "username": "x", "password": "short"})
        await add_people(app.authority)
    assert code.rpartition(".")[2] not in logged.getvalue()


class Full:
    """A stream to a disk without room."""

    def write(self, _: str) -> int:
        raise OSError(28, "No space left on device")

    def flush(self) -> None:
        raise OSError(28, "No space left on device")


async def test_a_log_on_a_full_disk_keeps_nobody_from_an_answer(settings, clock, logged):
    logs.configure("debug", Full())  # type: ignore[arg-type]
    async with create_app(settings, clock=clock) as app:
        await add_people(app.authority)
        async with signed_in(app) as client, script(app, held(client)) as program:
            paths = ("/verify", f"{API}/auth/sessions", f"{API}/auth/whoami", "/readyz", f"{API}/auth/nothing")
            asked = [program.get(path) for path in paths for _ in range(40)]
            answers = await asyncio.wait_for(asyncio.gather(*asked), 20)
            assert {answer.status_code for answer in answers} == {200, 404}


def test_what_a_log_lost_is_told_once_it_can_be_written_again(monkeypatch):
    class Disk(Full):
        room = False
        written = ""

        def write(self, text: str) -> int:
            if not self.room:
                return super().write(text)
            self.written += text
            return len(text)

        def flush(self) -> None:
            """There is nothing to do."""

    disk = Disk()
    out = logs.Unfailing(disk)  # type: ignore[arg-type]
    for _ in range(3):
        print("lost", file=out)
    disk.room = True
    out.write("kept\n")
    assert "log.lost" in disk.written and disk.written.endswith("kept\n")
    assert sys.stdout is not out
