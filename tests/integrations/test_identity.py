"""Whoever tells of a sender, an authority in this process or a server elsewhere, tells the same of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import fields
from pathlib import Path

import pytest

from ostiary.core.client import seen
from ostiary.integrations.embedded import Embedded
from ostiary.integrations.identity import Identity, Keeper
from ostiary.integrations.remote import Remote
from ostiary.sdk import AsyncOstiary
from ostiary.sdk.verifier import Verifier
from ostiary.settings import Settings
from tests.support import people
from tests.support.processes import Server, serving

CLIENT = seen("203.0.113.7", people.FIREFOX)
LISTED = ("id", "name", "created_at", "last_used_at", "expires_at", "label", "application_id", "tenant", "is_current")


@pytest.fixture
async def server(database_url, authority, tmp_path: Path) -> AsyncIterator[Server]:
    await people.add_user(authority)
    await people.add_user(authority, "root", admin=True)
    with serving(database_url, tmp_path) as server:
        yield server


@pytest.fixture
async def keepers(server, database_url) -> AsyncIterator[dict[str, Keeper]]:
    """By name; each on the same database in the end."""
    root = AsyncOstiary(server.url, token=(await asyncio.to_thread(server.sign_in, "root"))[1])
    credential = (await root.tokens.create("app", scopes=["feed:read"])).token
    keepers: dict[str, Keeper] = {
        "embedded": Embedded(Settings(database_url=database_url), scope="gateway"),
        "asking": Remote(root, scope="gateway"),
        "remembering": Remote(server.url, verifier=Verifier(server.url, token=credential, scope="gateway")),
    }
    for keeper in keepers.values():
        await keeper.open()
    yield keepers
    for keeper in keepers.values():
        await keeper.close()


@pytest.fixture
async def credentials(server, keepers) -> dict[str, str]:
    """By what they are."""
    root = keepers["asking"].client
    session = (await asyncio.to_thread(server.sign_in))[1]
    admin = (await asyncio.to_thread(server.sign_in, "root"))[1]
    minted = await root.admin.sessions.start("ada", expire_after="1h", label="agent", application_id="shop")
    token = await root.tokens.create("ci", scopes=["gateway", "sessions:read"])
    powerful = await root.tokens.create("ci", scopes=["gateway", "admin"])
    return {
        "session": session, "admin": admin, "minted": minted.token, "token": token.token, "powerful": powerful.token,
    }  # fmt: skip


async def test_every_field_is_the_same_to_the_microsecond(keepers, credentials):
    for what, credential in credentials.items():
        told = {name: await keeper.verify(credential, CLIENT) for name, keeper in keepers.items()}
        expected = told.pop("embedded")
        assert (expected.ends_at is None) is (what in ("token", "powerful"))
        assert (expected.auth_time is None) is (what not in ("session", "admin"))
        for name, identity in told.items():
            email = None if name == "remembering" else expected.user.email  # a verifier is not told
            for field in fields(Identity):
                if field.name != "user":
                    assert getattr(identity, field.name) == getattr(expected, field.name), (what, name, field.name)
            for key in ("id", "username", "roles"):
                assert getattr(identity.user, key) == getattr(expected.user, key), (what, name, key)
            assert identity.user.email == email, (what, name)


async def test_a_list_is_the_same_but_for_who_asks(keepers, credentials):
    lists = []
    for name in ("embedded", "asking"):
        keeper = keepers[name]
        found = await keeper.list(await keeper.verify(credentials["session"], CLIENT))
        lists.append([{key: getattr(one, key) for key in LISTED} for one in found])
    assert lists[0] == lists[1] and len(lists[0]) == 2
