"""Applications with an authority inside, asked without a network, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import httpx2
import pytest

from ostiary.integrations.embedded import Embedded
from tests.support.people import FIREFOX

ORIGIN = "https://app.example.test"
OURS = {"sec-fetch-site": "same-origin"}  # as browsers say of a request that a page of this origin makes


@pytest.fixture
async def keeper(settings, clock) -> AsyncIterator[Embedded]:
    keeper = Embedded(settings, clock=clock)
    yield keeper
    await keeper.close()


@pytest.fixture
async def browse() -> AsyncIterator[Callable[..., httpx2.AsyncClient]]:
    """A browser of one's own, with its own cookies."""
    opened: list[httpx2.AsyncClient] = []

    def browse(app, agent: str = FIREFOX, **headers: str) -> httpx2.AsyncClient:
        transport = httpx2.ASGITransport(app, client=("203.0.113.7", 50_000))
        headers = {"user-agent": agent, **OURS, **headers}
        opened.append(httpx2.AsyncClient(transport=transport, base_url=ORIGIN, headers=headers))
        return opened[-1]

    yield browse
    for client in opened:
        await client.aclose()
