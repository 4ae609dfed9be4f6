"""Open connections end with their session: real WebSockets and streams, through a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from time import perf_counter

import httpx2
import pytest
import uvicorn
from fastapi import FastAPI, WebSocket
from fastapi.responses import Response, StreamingResponse
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from ostiary.errors import OstiaryError
from ostiary.integrations.embedded import LOOK_EVERY, MAX_STALENESS, Embedded
from ostiary.integrations.fastapi import CurrentSession, Visitor, install
from ostiary.integrations.identity import Identity
from ostiary.storage import migrate
from tests.support import people
from tests.support.databases import PrivatePostgres

COOKIE = "__Host-session"
SOON = 10.0  # seconds; what is measured is elsewhere


def application(keeper: Embedded) -> FastAPI:
    app = FastAPI()
    install(app, keeper)
    app.state.cut = asyncio.Event()

    @app.websocket("/ws")
    async def echo(socket: WebSocket, who: CurrentSession) -> None:
        await socket.accept()
        while True:
            await socket.send_text(f"{who.user_id}: {await socket.receive_text()}")

    @app.websocket("/deaf")
    async def deaf(socket: WebSocket, who: CurrentSession) -> None:
        await socket.accept()
        await socket.send_text(who.user_id)
        try:
            await asyncio.sleep(3600)
        finally:
            app.state.cut.set()

    @app.get("/stream")
    async def stream(who: CurrentSession) -> StreamingResponse:
        async def events() -> AsyncIterator[str]:
            yield f"data: {who.user_id}\n\n"
            await asyncio.sleep(3600)

        return StreamingResponse(events(), media_type="text/event-stream")

    @app.get("/poll")
    async def poll(who: CurrentSession) -> str:
        await asyncio.sleep(3600)
        return who.user_id

    @app.get("/file")
    async def file(who: CurrentSession) -> Response:
        async def parts() -> AsyncIterator[bytes]:
            yield b"half"
            await asyncio.sleep(3600)

        return StreamingResponse(parts(), headers={"content-length": "8"})

    @app.post("/end-others-slowly")
    async def end_others(visit: Visitor, _: CurrentSession) -> int:
        await asyncio.sleep(1.5)  # until it counts as a long one
        count = await visit.revoke_others()
        await asyncio.sleep(1.5)
        return count

    @app.get("/public-stream")
    async def public(visit: Visitor) -> StreamingResponse:
        async def events() -> AsyncIterator[str]:
            for number in range(3):
                yield f"data: {number}\n\n"
                await asyncio.sleep(0.7)

        return StreamingResponse(events(), media_type="text/event-stream")

    return app


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="on", timeout_graceful_shutdown=1))
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    try:
        yield f"127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


@pytest.fixture
async def address(keeper) -> AsyncIterator[str]:
    async with served(application(keeper)) as address:
        yield address


def headers(address: str, token: str, origin: str | None = None) -> dict[str, str]:
    return {"Cookie": f"{COOKIE}={token}", "Origin": origin or f"http://{address}"}


async def start(keeper: Embedded, user_id: str = "7"):
    return await keeper.authority.sessions.start(user_id, client=people.at())


async def end(keeper: Embedded, started) -> None:
    await keeper.authority.sessions.revoke(started.session.id, by=await keeper.authority.verify(started.token))


async def test_a_websocket_is_closed_with_the_reason(keeper, address):
    started, other = await start(keeper), await start(keeper, "8")
    async with (
        connect(f"ws://{address}/ws", additional_headers=headers(address, started.token)) as socket,
        connect(f"ws://{address}/ws", additional_headers=headers(address, other.token)) as stays,
    ):
        await socket.send("hello")
        assert await socket.recv() == "7: hello"
        await end(keeper, started)
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(socket.recv(), SOON)
        assert (socket.close_code, socket.close_reason) == (4401, "user")
        await stays.send("still")
        assert await stays.recv() == "8: still"


async def test_an_application_that_does_not_listen_is_cut_off(keeper):
    app = application(keeper)
    async with served(app) as address:
        started = await start(keeper)
        async with connect(f"ws://{address}/deaf", additional_headers=headers(address, started.token)) as socket:
            assert await socket.recv() == "7"
            await end(keeper, started)
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(socket.recv(), SOON)
            await asyncio.wait_for(app.state.cut.wait(), SOON)


async def test_streams_polls_and_files_end(keeper, address):
    started = await start(keeper)
    async with httpx2.AsyncClient(base_url=f"http://{address}", headers=headers(address, started.token)) as client:
        async with client.stream("GET", "/stream") as stream:
            parts = stream.aiter_text()
            assert "data: 7" in await anext(parts)
            polling = asyncio.create_task(client.get("/poll", timeout=SOON))
            file = client.stream("GET", "/file")
            half = await file.__aenter__()
            await asyncio.sleep(1.5)  # until the two count as long ones
            began = perf_counter()
            await end(keeper, started)
            with pytest.raises(StopAsyncIteration):
                await asyncio.wait_for(anext(parts), SOON)
            print(f"stream closed after {1000 * (perf_counter() - began):.0f} ms")
            polled = await polling
            assert (polled.status_code, polled.json()["code"]) == (401, "session_revoked")
            with pytest.raises(httpx2.RemoteProtocolError):
                await half.aread()
            with suppress(Exception):
                await file.__aexit__(None, None, None)
        assert (await client.get("/stream")).status_code == 401


async def test_a_connection_by_the_secret_of_before_a_renewal_is_closed(keeper, address):
    """A stolen cookie must not go on in what its thief has open, once its owner ended all others (ASVS 7.2.4)."""
    started = await start(keeper)
    async with connect(f"ws://{address}/ws", additional_headers=headers(address, started.token)) as socket:
        await socket.send("hello")
        assert await socket.recv() == "7: hello"
        done = await keeper.authority.sessions.revoke_others(by=await keeper.authority.verify(started.token))
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(socket.recv(), SOON)
        assert socket.close_code == 4401
        async with connect(f"ws://{address}/ws", additional_headers=headers(address, done.renewed.token)) as again:
            await again.send("hello")
            assert await again.recv() == "7: hello"


async def test_who_renews_in_a_long_request_hears_its_end(keeper, address):
    started = await start(keeper)
    async with httpx2.AsyncClient(base_url=f"http://{address}", headers=headers(address, started.token)) as client:
        answer = await client.post("/end-others-slowly", timeout=SOON)
    assert answer.status_code == 200
    assert COOKIE in answer.headers["set-cookie"]


async def test_a_stream_that_is_nobodys_goes_on(keeper, address):
    async with httpx2.AsyncClient(base_url=f"http://{address}") as client:
        assert (await client.get("/public-stream")).text.count("data:") == 3


async def test_limits_close_connections_too(keeper, address, clock):
    started = await start(keeper)
    async with connect(f"ws://{address}/ws", additional_headers=headers(address, started.token)) as socket:
        await socket.send("hello")
        await socket.recv()
        clock.advance(days=61)
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(socket.recv(), SOON)
        assert (socket.close_code, socket.close_reason) == (4401, "idle")


class Blind(Embedded):
    """An authority whose watch fails in a way that nobody thought of."""

    async def watch(self, identity: Identity) -> OstiaryError:
        raise ZeroDivisionError


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_cannot_be_watched_is_closed(settings):
    keeper = Blind(settings)
    async with served(application(keeper)) as address:
        started = await start(keeper)
        async with connect(f"ws://{address}/ws", additional_headers=headers(address, started.token)) as socket:
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(socket.recv(), SOON)
            assert socket.close_code == 1013


async def test_a_page_of_another_site_opens_no_websocket(keeper, address):
    started = await start(keeper)
    for origin in ("https://evil.example", "null", f"http://{address}.evil.example"):
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"ws://{address}/ws", additional_headers=headers(address, started.token, origin))
        assert refused.value.response.status_code == 403
    with pytest.raises(InvalidStatus):
        await connect(f"ws://{address}/ws", additional_headers={"Cookie": f"{COOKIE}={started.token}"})
    await end(keeper, started)
    with pytest.raises(InvalidStatus):
        await connect(f"ws://{address}/ws", additional_headers=headers(address, started.token))


async def test_with_the_store_away_connections_close_and_nobody_is_called_signed_out(tmp_path_factory):
    with PrivatePostgres(tmp_path_factory.mktemp("pg")) as postgres:
        keeper = Embedded(postgres.url)
        await migrate.upgrade(keeper.authority.database)
        async with served(application(keeper)) as address:
            started = await start(keeper)
            async with connect(f"ws://{address}/ws", additional_headers=headers(address, started.token)) as socket:
                await socket.send("hello")
                await socket.recv()
                postgres.stop()
                began = perf_counter()
                with pytest.raises(ConnectionClosed):
                    await asyncio.wait_for(socket.recv(), 3 * MAX_STALENESS)
                assert (socket.close_code, socket.close_reason) == (1013, "store_unavailable")
                assert perf_counter() - began < MAX_STALENESS + LOOK_EVERY + 1
            with pytest.raises(InvalidStatus):
                await connect(f"ws://{address}/ws", additional_headers=headers(address, started.token))
            postgres.start()
            async with connect(f"ws://{address}/ws", additional_headers=headers(address, started.token)) as socket:
                await socket.send("back")
                assert await socket.recv() == "7: back"
