"""The real process: how it starts, what it says, how it refuses, how it stops."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
import uvicorn

from ostiary.authority import Authority
from ostiary.core.caller import Caller
from ostiary.core.client import seen
from ostiary.http import front
from ostiary.http.serving import to_environment
from ostiary.settings import Settings, load
from ostiary.storage import migrate
from tests.support.people import PASSWORD
from tests.support.processes import Server, clean_environment, free_port

WAIT = 30.0  # seconds


class Process:
    """`ostiary serve --port 0` with stdout and stderr apart."""

    def __init__(self, home: Path, *options: str, **environment: str) -> None:
        self.out = home / "stdout"
        with self.out.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ostiary", "serve", "--port", "0", *options],
                stdout=out,
                stderr=subprocess.PIPE,
                text=True,
                cwd=home,
                env=clean_environment(home, environment),
            )
        self.said = ""

    def wait_for(self, pattern: str) -> re.Match[str]:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said += line
            if found := re.search(pattern, self.said):
                return found
        raise AssertionError(f"it ended before it said {pattern}:\n{self.said}")

    @property
    def url(self) -> str:
        return self.wait_for(r"listens on (http://\S+?),")[1]

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=WAIT)


@contextmanager
def running(home: Path, *options: str, **environment: str) -> Iterator[Process]:
    server = Process(home, *options, **environment)
    try:
        yield server
    finally:
        server.process.kill()
        server.process.wait()
        assert server.process.stderr is not None
        server.process.stderr.close()


def refused(home: Path, *options: str, **environment: str) -> str:
    """What a server says that does not start: one line."""
    done = subprocess.run(
        [sys.executable, "-m", "ostiary", "serve", "--port", "0", *options],
        capture_output=True,
        text=True,
        cwd=home,
        env=clean_environment(home, environment),
        timeout=WAIT,
        check=False,
    )
    assert done.returncode not in {0, -signal.SIGTERM}
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    return line


def ask(url: str, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=WAIT)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body


def test_the_first_start_makes_the_database_and_prints_the_link_once(tmp_path):
    database = f"sqlite:///{tmp_path / 'deep' / 'down' / 'ostiary.db'}"
    with running(tmp_path, "--database-url", database) as server:
        url = server.url
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", url)
        assert f"SQLite ({tmp_path / 'deep' / 'down' / 'ostiary.db'})" in server.said
        link = server.wait_for(rf"{url}/setup\?code=(setup_\S+)")
        status, headers, _ = ask(url, "/readyz")
        assert (status, "server" in headers) == (200, False)
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=WAIT)
        body = f'{{"code": "{link[1]}", "username": "root", "password": "{PASSWORD}", "transport": "bearer"}}'
        connection.request("POST", "/api/v1/setup", body, {"Content-Type": "application/json"})
        assert connection.getresponse().status == 201
        connection.close()
    with running(tmp_path, "--database-url", database) as server:
        ask(server.url, "/readyz")
        server.process.terminate()
        said = server.said + server.process.communicate()[1]
    assert "setup" not in said


def test_the_log_is_on_stdout_and_the_words_are_on_stderr(tmp_path):
    with running(tmp_path) as server:
        ask(server.url, "/healthz")
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(WAIT)
        assert server.out.read_text().count("\n") == 1
        assert json.loads(server.out.read_text())["route"] == "/healthz"
        assert "{" not in server.said


def test_a_taken_port_is_said_in_one_line(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"127.0.0.1:{port}" in refused(tmp_path, "--port", str(port))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://someone:hunter2@127.0.0.1:9/nothing", "PostgreSQL (127.0.0.1:9/nothing)"),
        ("postgresql://someone:hunter2@nowhere.invalid/nothing", "nowhere.invalid"),
        ("sqlite:////dev/null/ostiary.db", "SQLite"),
        ("mysql://root@localhost/x", "mysql is not supported"),
        ("nonsense", "database_url"),
    ],
)
def test_a_database_that_cannot_be_used_is_said_in_one_line(tmp_path, url, said):
    line = refused(tmp_path, "--database-url", url)
    assert said in line
    assert "hunter2" not in line


def test_a_file_that_is_no_database_is_said_in_one_line(tmp_path):
    (tmp_path / "x.db").write_text("This is not a database, whatever its name says. " * 50)
    assert "x.db" in refused(tmp_path, "--database-url", f"sqlite:///{tmp_path / 'x.db'}")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_on_postgres_it_refuses_an_old_schema_and_names_the_command(tmp_path, database_url):
    connection = await asyncpg.connect(database_url)
    await connection.execute("UPDATE ostiary_alembic_version SET version_num = '0000'")
    try:
        assert "'ostiary migrate --database-url " in await asyncio.to_thread(
            refused, tmp_path, "--database-url", database_url
        )
    finally:
        await connection.execute("UPDATE ostiary_alembic_version SET version_num = $1", migrate.newest())
        await connection.close()


@pytest.mark.parametrize(
    ("options", "warned"),
    [
        (["--host", "0.0.0.0"], True),
        (["--host", "0.0.0.0", "--public-url", "https://auth.example.org"], False),
        (["--host", "0.0.0.0", "--trusted-proxies", "10.0.0.0/8"], False),
        (["--host", "0.0.0.0", "--allow-plain-http"], False),
        (["--host", "127.0.0.1"], False),
    ],
)
def test_plain_http_for_other_machines_is_warned_of(tmp_path, options, warned):
    with running(tmp_path, *options) as server:
        server.wait_for("setup")
        server.process.terminate()
        said = server.said + server.process.communicate()[1]
    assert ("warning: " in said) is warned


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_stopping_writes_down_what_use_is_unrecorded(tmp_path, stop):
    database_url = f"sqlite:///{tmp_path / 'ostiary.db'}"
    server = Server(database_url, tmp_path).start()
    try:
        session_id, token = asyncio.run(_session_of_yesterday(database_url))
        assert server.get("/verify", bearer=token)[0] == 200
    finally:
        server.stop(stop)
    assert asyncio.run(_last_used(database_url, session_id)) < timedelta(minutes=1)
    assert "Traceback" not in server.log.read_text()


async def _session_of_yesterday(database_url: str) -> tuple[str, str]:
    yesterday = load({"database_url": database_url}, environ={}).settings
    from ostiary.authority.authority import utc_now

    async with Authority(yesterday, clock=lambda: utc_now() - timedelta(days=1)) as authority:
        started = await authority.sessions.start("somebody", client=seen("203.0.113.7", "x"))
    return started.session.id, started.token


async def _last_used(database_url: str, session_id: str) -> timedelta:
    from ostiary.authority.authority import utc_now

    async with Authority(load({"database_url": database_url}, environ={}).settings) as authority:
        session = await authority.sessions.find(session_id, by=Caller.operator("tests"))
    return utc_now() - session.last_used_at


def test_several_workers_serve_one_database_and_share_their_counts(tmp_path):
    address = f"127.0.0.1:{free_port()}"
    with running(tmp_path, "--workers", "2", OSTIARY_METRICS_ADDRESS=address) as server:
        url = server.url
        deadline = time.monotonic() + WAIT
        while time.monotonic() < deadline:
            for _ in range(20):
                assert ask(url, "/verify")[0] == 401
            text = ask(f"http://{address}", "/metrics")[2].decode()
            found = re.search(r'ostiary_verifications_total\{outcome="refused"\} (\d+)', text)
            assert found is not None
            if int(found[1]) % 20 == 0:
                break
        else:
            raise AssertionError("each worker tells its own count only")
        arguments = _arguments_of_children(server.process.pid)
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(WAIT)
    assert "hunter2" not in arguments and "sqlite" not in arguments


def _arguments_of_children(pid: int) -> str:
    found = subprocess.run(["ps", "-ef"], capture_output=True, text=True, check=False)
    return "\n".join(line for line in found.stdout.splitlines() if f" {pid} " in line)


def test_settings_travel_to_the_workers_unchanged():
    settings = Settings(
        database_url="postgresql://someone:hunter2@db/ostiary",
        host="::1",
        port=0,
        workers=4,
        public_url="https://auth.example.org",
        allow_plain_http=True,
        trusted_proxies=load({"trusted_proxies": "10.0.0.0/8 ::1"}, environ={}).settings.trusted_proxies,
        policy="nist-aal1",
        lifetime=timedelta(hours=1.5),
        idle_timeout=None,
        max_sessions=3,
        step_up_age=timedelta(minutes=7),
        retention=timedelta(days=3),
        places_file="/a b/c.mmdb",
    )
    assert load(environ=to_environment(settings)).settings == settings
    assert load(environ=to_environment(Settings())).settings == Settings()


def test_an_endless_head_is_cut_off(tmp_path):
    with running(tmp_path) as server:
        host, port = server.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=WAIT) as wire:
            wire.sendall(b"GET /verify HTTP/1.1\r\nHost: localhost\r\n")
            sent = 0
            try:
                while sent < 4 * 1024 * 1024:
                    sent += wire.send(b"X-Junk: " + b"a" * 8000 + b"\r\n")
            except OSError:
                pass
            wire.settimeout(WAIT)
            try:
                answer = wire.recv(65536)
            except ConnectionResetError:
                answer = b"HTTP/1.1 431"
        assert answer.startswith(b"HTTP/1.1 431")
        assert sent < 4 * 1024 * 1024
        assert ask(f"http://{host}:{port}", "/healthz")[0] == 200


def test_rubbish_on_the_wire_hurts_nobody(tmp_path):
    with running(tmp_path) as server:
        host, port = server.url.removeprefix("http://").split(":")
        for rubbish in (
            b"\x16\x03\x01\x02\x00\x01\x00",
            b"GET\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            b"GET /verify HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
            b"GET /verify HTTP/1.1\r\nHost: a\r\nCookie: \x00\r\n\r\n",
            b"POST /api/v1/auth/logout HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
            b"GET /%ff%fe%00 HTTP/1.1\r\nHost: a\r\n\r\n",
            b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET http://elsewhere/verify HTTP/1.1\r\nHost: a\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ):
            with socket.create_connection((host, int(port)), timeout=WAIT) as wire:
                wire.sendall(rubbish)
                wire.shutdown(socket.SHUT_WR)
                with contextlib.suppress(ConnectionResetError):
                    assert b" 500 " not in wire.recv(65536), rubbish
        assert ask(f"http://{host}:{port}", "/healthz")[0] == 200
        server.process.terminate()
        server.process.wait(WAIT)
        assert "Traceback" not in server.out.read_text()


async def test_who_does_not_come_to_the_end_of_a_head_is_hung_up_on(tmp_path, monkeypatch):
    monkeypatch.setattr(front, "HEAD_TIMEOUT", 0.2)  # seconds; the real ones are too many to wait for

    async def answer(scope, receive, send):
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    config = uvicorn.Config(answer, http=front.Front, ws="none", lifespan="off", port=0, log_config=None)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    for slow in (b"", b"GET / HTTP/1.1\r\nHost: a\r\n"):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(slow)
        assert await asyncio.wait_for(reader.read(), WAIT) == b""
        writer.close()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(2):
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")
        await asyncio.sleep(0.4)
    writer.close()
    server.should_exit = True
    await running
