"""Several applications in one process share nothing; each begins and ends when it is told to."""

from __future__ import annotations

import asyncio
import threading

import pytest

from ostiary.application import create_app
from ostiary.errors import ConfigurationError
from ostiary.settings import Settings
from tests.http.visitors import API, script, sign_in, visitor
from tests.support import databases


async def test_each_answers_from_its_own_database(make_app, app, tmp_path):
    elsewhere = await databases.new_sqlite(tmp_path, tmp_path / "template.db")
    async with make_app(database_url=elsewhere) as other:
        token = (await sign_in(visitor(app), transport="bearer")).json()["token"]
        here, there = script(app, token), script(other, token)
        answers = await asyncio.gather(*(who.get(f"{API}/auth/sessions") for _ in range(20) for who in (here, there)))
        assert [answer.status_code for answer in answers] == [200, 401] * 20


def lifespan_of(app):
    """Speak the protocol by hand: what is said to the application, and what it says."""
    said: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    heard: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    task = asyncio.create_task(app({"type": "lifespan"}, said.get, heard.put))
    return task, lambda phase: said.put_nowait({"type": f"lifespan.{phase}"}), heard


async def test_it_opens_and_closes_when_the_server_says_so(make_app):
    app = make_app()
    task, say, heard = lifespan_of(app)
    say("startup")
    assert await heard.get() == {"type": "lifespan.startup.complete"} and app.is_open
    say("shutdown")
    assert await heard.get() == {"type": "lifespan.shutdown.complete"} and not app.is_open
    await task


def test_closed_in_its_first_moment_it_leaves_nothing_behind(tmp_path):
    """A connection was being opened by a thread, which found its loop gone; pytest fails for a trace of a thread."""
    url = asyncio.run(databases.new_sqlite(tmp_path, tmp_path / "template.db"))
    failed: list[object] = []

    async def once() -> None:
        app = create_app(Settings(database_url=url))
        await app.open()
        await app.close()

    before, threading.excepthook = threading.excepthook, failed.append
    try:
        for _ in range(20):
            asyncio.run(once())
        for thread in threading.enumerate():
            if "_connection_worker_thread" in thread.name:
                thread.join(5)
    finally:
        threading.excepthook = before
    assert failed == []


async def test_a_server_is_told_why_it_does_not_open(make_app, monkeypatch):
    app = make_app()

    async def fails():
        raise ConfigurationError("the reason")

    monkeypatch.setattr(app, "open", fails)
    task, say, heard = lifespan_of(app)
    say("startup")
    assert await heard.get() == {"type": "lifespan.startup.failed", "message": "the reason"}
    with pytest.raises(ConfigurationError):
        await task
