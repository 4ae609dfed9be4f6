"""A node on a URL of two hosts while the primary is restarted under load, and the standby hears of nothing any more.

Twice in the ordinary run; twenty times in `make check-long`.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from ostiary.authority import Authority
from ostiary.settings import Settings
from tests.acceptance.conftest import add_people
from tests.support.people import at
from tests.support.primaries import Pair, migrated, pair
from tests.support.processes import serving

RESTARTS = [2, pytest.param(20, marks=pytest.mark.long)]
BETWEEN = 1.0  # seconds of load between two restarts, at least
SESSIONS = 150  # for each restart
EXPECTED = {200, 401, 503}


@pytest.fixture
def both(tmp_path_factory) -> Iterator[Pair]:
    with pair(tmp_path_factory.mktemp("pair")) as both:
        asyncio.run(migrated(both.primary.url))
        add_people(both.primary.url, ada="member", root="admin member")
        yield both


async def start_sessions(url: str, count: int) -> dict[str, str]:
    """Ids and tokens."""
    async with Authority(Settings(database_url=url)) as authority:
        started = [await authority.sessions.start("user_x", client=at()) for _ in range(count)]
        return {one.session.id: one.token for one in started}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("restarts", RESTARTS)
def test_the_primary_restarts_under_load_and_nothing_is_accepted_after_an_acknowledgement(both, home, restarts):
    tokens = asyncio.run(start_sessions(both.primary.url, SESSIONS * restarts))
    asyncio.run(both.pause())
    acknowledged: set[str] = set()
    statuses: Counter[tuple[str, int]] = Counter()
    wrong: list[object] = []
    is_over = threading.Event()
    with serving(both.url, home) as server:
        root = server.sign_in("root")[1]

        def verify() -> None:
            dice = random.Random()
            while not is_over.is_set():
                session_id = dice.choice(list(tokens))
                was_ended = session_id in acknowledged
                status = server.get("/verify", tokens[session_id])[0]
                statuses["verify", status] += 1
                if status not in EXPECTED or (status == 200 and was_ended):
                    wrong.append((session_id, status, was_ended))

        def revoke() -> None:
            for session_id, token in tokens.items():
                while not is_over.is_set():
                    status = server.ask("POST", f"/api/v1/admin/sessions/{session_id}/revoke", bearer=root)[0]
                    statuses["revoke", status] += 1
                    if status == 200:
                        acknowledged.add(session_id)
                        after = server.get("/verify", token)[0]
                        statuses["after", after] += 1
                        if after not in EXPECTED - {200}:
                            wrong.append((session_id, after, "at once"))
                        break
                    if status != 503:
                        wrong.append((session_id, status, "revoke"))
                    time.sleep(0.02)

        threads = [threading.Thread(target=work) for work in (verify, verify, verify, revoke)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(restarts):
                time.sleep(BETWEEN)
                both.primary.restart()
            deadline = time.monotonic() + 20
            before = len(acknowledged)
            while len(acknowledged) == before and before < len(tokens):
                assert time.monotonic() < deadline, "no recovery by itself"
                time.sleep(0.05)
        finally:
            is_over.set()
            for thread in threads:
                thread.join(60)
        ready = server.get("/readyz")[0]
    print(f"{restarts} restarts: {len(acknowledged)} acknowledged, {dict(statuses)}, wrong: {wrong[:5]}")
    assert ready == 200
    assert not wrong
    assert len(acknowledged) > restarts
