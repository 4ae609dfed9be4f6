from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from ostiary.server.app import Application, create_app
from tests.server.visitors import add_people


@pytest.fixture
def make_app(settings, clock):
    """The server with other settings, on the same database: `async with make_app(...) as app`."""
    return lambda **changes: create_app(replace(settings, **changes), clock=clock)


@pytest.fixture
async def app(make_app) -> AsyncIterator[Application]:
    """The server, with the users ada and eve and the administrator root."""
    async with make_app() as app:
        await add_people(app.authority)
        yield app
