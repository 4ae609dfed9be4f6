from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from ostiary.application import create_app
from ostiary.http.app import Application
from tests.http.visitors import ORIGIN, add_people
from tests.oauth.conftest import lend_keys

KEY = "k" * 43  # for what is signed


@pytest.fixture
def make_app(settings, clock):
    """The whole application with other settings, on the same database: `async with make_app(...) as app`."""
    usual = {"public_url": ORIGIN, "key": KEY}
    return lambda **changes: create_app(replace(settings, **(usual | changes)), clock=clock)


@pytest.fixture
async def app(make_app) -> AsyncIterator[Application]:
    """With the users ada and eve and the administrator root."""
    async with make_app() as app:
        await add_people(app.authority)
        await lend_keys(app)
        yield app
