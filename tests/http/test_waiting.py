"""Sign-ins that wait for their turn: so many, so long, and only for those who are still there."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from typing import Any

import pytest

from ostiary.authority import passwords
from ostiary.core.caller import Caller
from ostiary.http.app import Application
from tests.http.connections import connect, serving
from tests.support.people import PASSWORD, add_user


class Slow:
    """The hasher of an authority, held until the test lets it go on."""

    def __init__(self, authority, monkeypatch) -> None:
        self.free = threading.Event()
        self.begun = 0
        hasher = authority.sign_in._passwords
        monkeypatch.setattr(hasher, "_turns", asyncio.Semaphore(1))
        verify = hasher._verify

        def slowly(stored: str, password: str) -> Any:
            self.begun += 1
            assert self.free.wait(30)
            return verify(stored, password)

        monkeypatch.setattr(hasher, "_verify", slowly)

    async def is_at_work(self) -> None:
        async with asyncio.timeout(20):
            while not self.begun:  # noqa: ASYNC110 - it is in a thread
                await asyncio.sleep(0.01)


@pytest.fixture
async def slow(authority, monkeypatch):
    for name in ("ada", "bob", "eve"):
        await add_user(authority, name)
    made = Slow(authority, monkeypatch)
    yield made
    made.free.set()


async def asking(server, name: str):
    body = json.dumps({"username": name, "password": PASSWORD, "transport": "bearer"}).encode()
    reader, writer = await connect(server)
    head = b"POST /api/v1/auth/sessions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
    writer.write((head + b"Connection: close\r\n\r\n") % len(body) + body)
    return reader, writer


async def answer(connection) -> Any:
    reader, writer = connection
    found = await asyncio.wait_for(reader.read(), 20)
    await left(writer)
    return found


async def left(writer) -> None:
    writer.transport.abort()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def sessions_of_all(authority) -> Any:
    return (await authority.administration.search(by=Caller.operator("tests"))).count


async def test_what_waits_for_a_client_that_has_gone_is_neither_hashed_nor_begun(authority, slow):
    async with serving(Application(authority.settings, authority)) as server:
        first = await asking(server, "ada")
        await slow.is_at_work()
        others = [await asking(server, name) for name in ("bob", "eve")]
        await asyncio.sleep(0.3)
        for _, writer in (first, *others):
            await left(writer)
        await asyncio.sleep(0.3)
        slow.free.set()
        assert (await answer(await asking(server, "ada"))).startswith(b"HTTP/1.1 201")
    assert slow.begun == 2
    assert await sessions_of_all(authority) == 1


@pytest.mark.parametrize("most", ["MAXIMUM_WAIT", "MAXIMUM_WAITING"])
async def test_who_would_wait_too_long_is_told_when_to_come_again(authority, slow, monkeypatch, most):
    async with serving(Application(authority.settings, authority)) as server:
        first = await asking(server, "ada")
        await slow.is_at_work()
        monkeypatch.setattr(passwords, most, 1)
        second = await asking(server, "bob")
        await asyncio.sleep(0.3)
        third = await asking(server, "eve")
        refused = await answer(third)
        assert refused.startswith(b"HTTP/1.1 503")
        assert b"retry-after: " in refused
        slow.free.set()
        assert (await answer(first)).startswith(b"HTTP/1.1 201")
        late = await answer(second)
        assert late.startswith(b"HTTP/1.1 201" if most == "MAXIMUM_WAITING" else b"HTTP/1.1 503")
