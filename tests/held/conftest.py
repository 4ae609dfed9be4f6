from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ostiary.application import create_app
from ostiary.authority import Authority
from tests.http.connections import serving
from tests.oauth.conftest import lend_keys

KEY = "k" * 43  # for what is signed


@pytest.fixture
def make_node(settings, clock) -> Callable[..., AbstractAsyncContextManager[tuple[Authority, int]]]:
    """A server with its pages on this test's database: its authority, and the port it listens on."""

    @asynccontextmanager
    async def make(**changes: Any) -> AsyncIterator[tuple[Authority, int]]:
        changed = replace(settings, key=KEY, retention=timedelta(days=3650), **changes)
        async with create_app(changed, clock=clock) as app:
            await lend_keys(app)
            async with serving(app) as server:
                yield app.authority, server.servers[0].sockets[0].getsockname()[1]

    return make


@pytest.fixture
async def node(make_node) -> AsyncIterator[tuple[Authority, int]]:
    async with make_node() as node:
        yield node
