"""The store is away: nothing is decided, nothing is ended, and it comes back by itself (rule 7)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from sqlalchemy.engine import make_url

from ostiary.http.app import Application
from tests.http.visitors import API, NOBODYS_TOKEN, add_people, exposition, held, script, signed_in
from tests.support.people import PASSWORD

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


class Wire:
    """A TCP wire to a database, which can be cut and mended."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def mend(self) -> None:
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        await asyncio.sleep(0)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        self._open |= {writer, far_writer}
        await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        self._open -= {writer, far_writer}

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        with contextlib.suppress(OSError):
            writer.close()


@pytest.fixture
async def wire(database_url) -> AsyncIterator[Wire]:
    url = make_url(database_url)
    wire = Wire(url.host or "127.0.0.1", url.port or 5432)
    await wire.mend()
    yield wire
    await wire.cut()


@pytest.fixture
async def app(make_app, database_url, wire) -> AsyncIterator[Application]:
    url = make_url(database_url).set(host="127.0.0.1", port=wire.port)
    async with make_app(database_url=url.render_as_string(hide_password=False)) as app:
        await add_people(app.authority)
        yield app


ACTS = [
    ("GET", "/verify", None),
    ("GET", f"{API}/auth/whoami", None),
    ("GET", f"{API}/auth/sessions", None),
    ("POST", f"{API}/auth/logout", None),
    ("POST", f"{API}/auth/sessions/revoke-others", None),
    ("POST", f"{API}/auth/sessions/revoke-all", None),
    ("POST", f"{API}/auth/reauthenticate", {"password": PASSWORD}),
    ("POST", f"{API}/auth/sessions", {"username": "ada", "password": PASSWORD, "transport": "cookie"}),
    ("GET", "/readyz", None),
]


async def test_every_answer_is_503_and_no_cookie_is_touched(app, wire):
    async with signed_in(app) as client:
        assert (await client.get("/verify")).status_code == 200
        await wire.cut()
        for method, path, body in ACTS:
            answer = await client.request(method, path, json=body)
            assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable"), (path, answer.text)
            assert int(answer.headers["retry-after"]) > 0
            assert answer.headers["content-type"] == "application/problem+json"
            for untouched in ("set-cookie", "clear-site-data", "www-authenticate"):
                assert untouched not in answer.headers
        assert (await client.get("/healthz")).status_code == 200


async def test_it_recovers_without_a_restart_and_nothing_has_ended(app, wire):
    async with signed_in(app) as client, script(app, NOBODYS_TOKEN) as nobody:
        await client.get("/verify")
        for _ in range(2):
            await wire.cut()
            assert (await client.post(f"{API}/auth/logout")).status_code == 503
            assert (await nobody.get(f"{API}/auth/whoami")).status_code == 503
            await wire.mend()
            answers = [(await client.get(path)).status_code for path in ("/verify", f"{API}/auth/whoami", "/readyz")]
            assert answers == [200, 200, 200]
            assert (await nobody.get(f"{API}/auth/whoami")).status_code == 401


async def test_questions_under_way_are_answered_when_the_wire_is_cut(app, wire):
    async with signed_in(app) as client:
        token = held(client)
        async with script(app, token) as one:
            await one.get("/verify")
            asked = [asyncio.create_task(one.get("/verify")) for _ in range(20)]
            await asyncio.sleep(0)
            await wire.cut()
            statuses = {(await answer).status_code for answer in asked}
    assert statuses <= {200, 503}


async def test_outages_are_counted(app, wire):
    async with signed_in(app) as client:
        await wire.cut()
        await client.get("/verify")
        await client.get(f"{API}/auth/whoami")
    text = exposition(app)
    assert "ostiary_store_unavailable_total 2.0" in text
    assert 'ostiary_verifications_total{outcome="unavailable"} 1.0' in text
