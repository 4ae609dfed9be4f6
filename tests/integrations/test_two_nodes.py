"""A server, an ASGI and a WSGI application, each a process of its own, on one PostgreSQL: they agree at once."""

from __future__ import annotations

import asyncio
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from ostiary.authority import Authority
from ostiary.settings import Settings
from tests.support import people
from tests.support.processes import Server, clean_environment, free_port, serving

ROOT = Path(__file__).parents[2]
ROUNDS = 15

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@contextmanager
def process(port: int, home: Path, database_url: str, *command: str) -> Iterator[str]:
    environment = clean_environment(home, {"NODE_DATABASE": database_url, "PYTHONPATH": os.pathsep.join(sys.path)})
    with (home / f"node-{port}.log").open("wb") as log:
        node = subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"127.0.0.1:{port}"
    finally:
        node.terminate()
        node.wait(20)


@pytest.fixture
def server(database_url, tmp_path) -> Iterator[Server]:
    with serving(database_url, tmp_path) as server:
        yield server


@pytest.fixture
def asgi(database_url, tmp_path) -> Iterator[str]:
    port = free_port()
    words = ("uvicorn", "tests.integrations.live_node:app", "--port", str(port), "--log-level", "warning")
    with process(port, tmp_path, database_url, *words) as address:
        yield address


@pytest.fixture
def wsgi(database_url, tmp_path) -> Iterator[str]:
    port = free_port()
    with process(port, tmp_path, database_url, "tests.integrations.wsgi_node", str(port)) as address:
        yield address


@pytest.fixture
async def ada(database_url) -> None:
    async with Authority(Settings(database_url=database_url, **people.SERVED_PASSWORDS)) as one:
        await people.add_user(one)


async def test_open_connections_on_one_node_close_soon_after_a_revocation_on_the_other(ada, server, asgi):
    """The median within 200 ms of the acknowledgement; each is printed."""
    watcher = await asyncio.to_thread(server.sign_in)
    sockets, streams = [], []
    async with (
        httpx2.AsyncClient(base_url=server.url, headers={"authorization": f"Bearer {watcher[1]}"}) as one,
        httpx2.AsyncClient(base_url=f"http://{asgi}") as two,
    ):
        for _ in range(ROUNDS):
            session_id, token = await asyncio.to_thread(server.sign_in)
            bearer = {"authorization": f"Bearer {token}"}
            async with (
                connect(f"ws://{asgi}/ws", additional_headers=bearer) as socket,
                two.stream("GET", "/stream", headers=bearer) as stream,
            ):
                await socket.recv()
                events = stream.aiter_text()
                await anext(events)
                await asyncio.sleep(0.1)

                async def until_closed(socket=socket) -> float:
                    with pytest.raises(ConnectionClosed):
                        await socket.recv()
                    assert (socket.close_code, socket.close_reason) == (4401, "user")
                    return perf_counter()

                async def until_ended(events=events) -> float:
                    assert [part async for part in events] == []
                    return perf_counter()

                closing, ending = asyncio.create_task(until_closed()), asyncio.create_task(until_ended())
                revoked = await one.post(f"/api/v1/auth/sessions/{session_id}/revoke")
                acknowledged = perf_counter()
                assert revoked.status_code == 200
                async with asyncio.timeout(10):
                    sockets.append(1000 * (await closing - acknowledged))
                    streams.append(1000 * (await ending - acknowledged))
    for name, spans in (("WebSocket", sockets), ("stream", streams)):
        print(f"{name}: median {statistics.median(spans):.1f} ms, max {max(spans):.1f} ms after the acknowledgement")
        assert statistics.median(spans) <= 200


async def test_applications_with_an_authority_inside_agree_with_the_server_at_once(ada, server, asgi, wsgi):
    watcher = (await asyncio.to_thread(server.sign_in))[1]
    async with httpx2.AsyncClient() as client:
        for _ in range(10):
            session_id, token = await asyncio.to_thread(server.sign_in)
            bearer = {"authorization": f"Bearer {token}"}
            for address in (asgi, wsgi):
                assert (await client.get(f"http://{address}/me", headers=bearer)).json()["session"] == session_id
            path = f"{server.url}/api/v1/auth/sessions/{session_id}/revoke"
            assert (await client.post(path, headers={"authorization": f"Bearer {watcher}"})).status_code == 200
            for address in (asgi, wsgi):
                refused = await client.get(f"http://{address}/me", headers=bearer)
                assert (refused.status_code, refused.json()["code"]) == (401, "session_revoked")
