from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from ostiary.application import create_app
from ostiary.http.app import Application
from ostiary.storage import signing_keys
from ostiary.storage.signing_keys import StoredKey
from tests.http.visitors import ORIGIN, add_people
from tests.oauth.party import Party, register

KEY = "k" * 43  # what protects the signing keys here
_made: list[StoredKey] = []


@pytest.fixture
def make_app(settings, clock):
    """The server with its pages, and other settings if wanted: `async with make_app(...) as app`."""
    usual = {"public_url": ORIGIN, "key": KEY}
    return lambda **changes: create_app(replace(settings, **(usual | changes)), clock=clock)


async def lend_keys(app: Application) -> None:
    """Signing keys that were made once for all tests: making one takes longer than most tests do."""
    keys = app.authority.oauth.keys
    if not _made:
        await keys.ensure()
        async with app.authority.database.reading() as db:
            _made.extend(await signing_keys.published(db, app.authority.clock()))
        return
    async with app.authority.database.transaction() as db:
        await signing_keys.add(db, _made)


@pytest.fixture
async def app(make_app) -> AsyncIterator[Application]:
    """The server, with the users ada and eve and the administrator root."""
    async with make_app() as app:
        await add_people(app.authority)
        await lend_keys(app)
        yield app


@pytest.fixture
async def party(app) -> Party:
    """A confidential web client of the house."""
    return await register(app)


@pytest.fixture
async def public_party(app) -> Party:
    """A public native client of the house."""
    return await register(app, name="Phone", is_public=True, application_type="native")
