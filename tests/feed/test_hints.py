"""Wake-ups by real brokers: they save the time until the next poll, and nothing else depends on them."""

from __future__ import annotations

import asyncio
import os
import socket

import pytest

from ostiary.authority import tasks
from ostiary.authority.tasks import Tasks
from ostiary.errors import ConfigurationError
from ostiary.feed import Feed, hints
from ostiary.feed import feed as loop
from ostiary.feed.hints import open_hints
from tests.feed.test_following import SOON, end, ending, told_of
from tests.support.databases import skip

BROKERS = {
    "redis": os.environ.get("OSTIARY_TEST_REDIS", "redis://127.0.0.1:6379"),
    "nats": os.environ.get("OSTIARY_TEST_NATS", "nats://127.0.0.1:4222"),
}


@pytest.fixture(params=BROKERS)
def broker(request, monkeypatch) -> str:
    """A real one, with a channel of this test's own."""
    url = BROKERS[request.param]
    host, _, port = url.rpartition("/")[2].partition(":")
    try:
        socket.create_connection((host, int(port)), timeout=2).close()
    except OSError:
        skip(f"nothing answers at {url}")
    monkeypatch.setattr(hints, "CHANNEL", f"ostiary.test.{os.urandom(4).hex()}")
    return url


@pytest.fixture
def no_polls(monkeypatch) -> None:
    monkeypatch.setattr(loop, "POLL_EVERY", 60.0)


async def hinted(node) -> None:
    """Until the node hears hints: it wakes itself when it has connected."""
    heard = asyncio.Event()
    node.feed.woken.append(lambda source: heard.set() if source == "hint" else None)
    await node.feed.follow()
    await asyncio.wait_for(heard.wait(), SOON)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # PostgreSQL has wake-ups of its own
async def test_a_broker_wakes_other_nodes(make_authority, broker, no_polls, clock):
    async with make_authority(wake_url=broker) as one, make_authority(wake_url=broker) as other:
        await hinted(other)
        follower, _ = await other.feed.follow()
        (ended,) = await end(one, ending(clock))
        told = await follower.next(SOON)
        assert told is not None and told_of(told) == [ended]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_broker_that_went_away_is_found_again(make_authority, broker, monkeypatch, clock):
    monkeypatch.setattr(tasks, "BACK_OFF", (0.01,))
    async with make_authority(wake_url=broker) as node:
        await hinted(node)
        again = asyncio.Event()
        node.feed.woken.append(lambda source: again.set() if source == "hint" else None)
        connected, node.feed._hints._connect = node.feed._hints._connect, _refuse
        await cut(node)
        await asyncio.sleep(0.05)
        assert not again.is_set()
        follower, _ = await node.feed.follow()
        (ended,) = await end(node, ending(clock))
        assert told_of(await follower.fresh()) == [ended]
        node.feed._hints._connect = connected
        await asyncio.wait_for(again.wait(), SOON)


async def _refuse() -> hints.Line:
    raise ConnectionRefusedError


async def cut(node) -> None:
    """Take the connection away that the node hears by: as if the broker had ended."""
    line = node.feed._hints._hearing
    if isinstance(line, hints._NatsLine):
        line._client._transport.close()
        return
    for connection in line._client.connection_pool._in_use_connections:
        connection._writer.close()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_broker_that_does_not_answer_delays_nobody(make_authority, clock):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        for scheme in ("redis", "nats"):
            async with make_authority(wake_url=f"{scheme}://127.0.0.1:{silent.getsockname()[1]}") as node:
                follower, _ = await node.feed.follow()
                (ended,) = await asyncio.wait_for(end(node, ending(clock)), 1.0)
                assert told_of(await asyncio.wait_for(follower.fresh(), 1.0)) == [ended]


@pytest.mark.parametrize("url", ["amqp://:hunter2@localhost", "localhost:6379", "http://x", "redis:/x:hunter2@"])
def test_a_url_that_cannot_be_used_is_refused_without_repeating_it(url):
    try:
        open_hints(url, lambda: None)
    except ConfigurationError as refused:
        assert "hunter2" not in refused.message and "wake_url" in refused.message
    else:
        assert url.startswith("redis:")


def test_the_feed_of_a_wrong_url_is_refused_when_it_is_made(authority, clock):
    with pytest.raises(ConfigurationError):
        Feed(authority.database, clock, Tasks(), "amqp://localhost")
