"""Signing keys grow old and are replaced by themselves, by one node of several; what they signed is still read."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from ostiary.authority.oauth.keys import OVERLAP
from ostiary.storage import signing_keys
from tests.http.visitors import visitor
from tests.oauth.party import person, tokens_of


async def kids(app) -> set[str]:
    async with visitor(app) as client:
        return {key["kid"] for key in (await client.get("/.well-known/jwks.json")).json()["keys"]}


async def test_keys_are_replaced_when_they_are_due_and_not_before(app, party, clock):
    rotation, age = app.authority.oauth.rotation, app.authority.settings.key_rotation
    async with app.authority.database.reading() as db:
        born = min(key.created_at for key in await signing_keys.published(db, clock()))
    clock.advance(seconds=(born + age - clock()).total_seconds() - 1)
    assert not await rotation.rotate_if_due()
    before = await kids(app)
    clock.advance(seconds=1)
    async with person(app) as ada:
        tokens = await party.sign_in(ada)
        assert await rotation.rotate_if_due()
        after = await kids(app)
        assert before < after and len(after) == 2 * len(before)
        assert not await rotation.rotate_if_due()
        assert (await party.introspect(tokens.access)).json()["active"]
        refreshed = tokens_of(await party.refresh(tokens.refresh))
        assert (await party.introspect(refreshed.access)).json()["active"]
    clock.advance(seconds=OVERLAP.total_seconds())
    app.authority.oauth.keys.forget()
    assert await kids(app) == after - before


async def test_of_two_nodes_one_replaces_them(app, make_app, clock):
    async with make_app() as other:
        clock.advance(seconds=timedelta(days=400).total_seconds())
        done = await asyncio.gather(
            app.authority.oauth.rotation.rotate_if_due(), other.authority.oauth.rotation.rotate_if_due()
        )
        assert sorted(done) == [False, True]
        for node in (app, other):
            node.authority.oauth.keys.forget()
        assert await kids(app) == await kids(other)


async def test_where_no_token_was_signed_yet_no_key_is_made(make_app, clock):
    async with make_app() as app:
        clock.advance(seconds=timedelta(days=400).total_seconds())
        assert not await app.authority.oauth.rotation.rotate_if_due()
        assert await kids(app) == set()
