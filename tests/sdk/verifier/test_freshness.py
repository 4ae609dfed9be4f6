"""What a verifier knows is as old as its request, however long the answer was on its way; nothing makes it fresher.

The network is turned by the test, and so is the clock: an answer takes as long as it says.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx2
import pytest

from ostiary.contract.verifications import Credential
from ostiary.sdk.verifier.asker import Asker
from ostiary.sdk.verifier.failures import CannotProve
from ostiary.sdk.verifier.feed import FeedReader
from ostiary.sdk.verifier.heard import Verdict
from ostiary.sdk.verifier.knowledge import Bounds, Knowledge
from ostiary.sdk.verifier.link import Link

STALENESS = 5.0
CREATED = datetime(2026, 1, 15, 12, tzinfo=UTC)


class Network:
    """An authority at the other end of a line on which time passes as the test says."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.before_the_answer = 0.0  # seconds from sending a request to its answer's first byte
        self.between_beats = 0.0
        self.beats = 1
        self.knowledge = Knowledge(Bounds(STALENESS, remember=60.0, maximum=10))
        self.link = Link(
            "https://sessions.example",
            token="ost_verifier.secret",
            client_id=None,
            client_secret=None,
            timeout=30,
            allow_plain_http=False,
            http_client=httpx2.AsyncClient(transport=httpx2.MockTransport(self._answer)),
        )
        self.feed = FeedReader(self.link, self.knowledge, self.clock, lambda *_: None, name=None)
        self.asker = Asker(self.link.ask, self.knowledge, self.clock)

    def clock(self) -> float:
        return self.now

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.now += self.before_the_answer
        if request.url.path == "/api/v1/feed":
            return httpx2.Response(200, content=self._heartbeats())
        user = {"id": "user_a", "username": "ada", "roles": []}
        answer = {"status": "invalid", "user": user}
        return httpx2.Response(200, json={"now": CREATED.isoformat(), "answers": [answer]})

    async def _heartbeats(self) -> AsyncIterator[bytes]:
        for number in range(self.beats):
            self.now += self.between_beats if number else 0.0
            data = '{"time": "2026-01-15T12:00:00Z", "position": "1-1-node-1-"}'
            yield f"event: heartbeat\ndata: {data}\n\n".encode()


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.mark.parametrize("request_", ["first", "later"])
async def test_freshness_counts_from_the_sending_of_the_request_not_from_its_answer(network, request_):
    if request_ == "later":
        await network.feed.request()
        network.now += 60
    network.before_the_answer = 3.0
    sent = network.now
    await network.feed.request()
    assert network.now == sent + 3.0
    assert network.knowledge.is_fresh(sent + STALENESS - 0.001)
    assert not network.knowledge.is_fresh(sent + STALENESS)


async def test_an_answer_that_took_longer_than_the_bound_proves_nothing(network):
    network.before_the_answer = STALENESS
    await network.feed.request()
    assert not network.knowledge.is_fresh(network.now)


async def test_only_the_first_heartbeat_of_a_request_makes_fresher(network):
    """A later one says that the server was alive when it wrote it, not when it arrived."""
    network.beats, network.between_beats = 4, 1.0
    sent = network.now
    await network.feed.request()
    assert network.now == sent + 3.0
    assert not network.knowledge.is_fresh(sent + STALENESS)


async def test_freshness_never_goes_back(network):
    await network.feed.request()
    before = network.knowledge.fresh_until
    network.knowledge.beat(network.now - 100, CREATED)
    assert network.knowledge.fresh_until == before


async def test_the_server_time_is_never_behind_what_it_may_be(network):
    """Counted from the sending: an access token is refused a little early, never late."""
    network.before_the_answer = 2.0
    await network.feed.request()
    told = network.knowledge.server_time(network.now)
    assert told is not None and (told - CREATED).total_seconds() == 2.0


async def test_a_question_is_as_old_as_its_sending(network):
    """The row was read some time after that; an ending since then may not have been heard."""
    network.before_the_answer = STALENESS + 0.5
    sent = network.now
    seen = []

    async def send(asked):
        question = next(iter(network.knowledge._questions))
        seen.append(question.sent)
        return await network.link.ask(asked)

    asker = Asker(send, network.knowledge, network.clock)
    answered = await asker.ask(Credential("sess_a.secret"))
    assert seen == [sent] == [answered.question.sent]
    verdict = network.knowledge.verdict(answered.question, network.now, "user_a", "sess_a", CREATED, None)
    assert verdict is Verdict.DOUBTFUL


async def test_a_feed_that_says_nothing_proves_nothing(network):
    network.beats = 0
    with pytest.raises(CannotProve):
        await network.feed.request()
    assert not network.knowledge.is_fresh(network.now)
    await asyncio.sleep(0)
