"""The same application, asking a server elsewhere: a real one, over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from ostiary.integrations.fastapi import CurrentSession, Visitor, install
from ostiary.integrations.remote import Remote
from ostiary.sdk import AsyncOstiary
from ostiary.sdk.verifier import Verifier
from ostiary.settings import Settings
from tests.support import people
from tests.support.people import PASSWORD
from tests.support.processes import Server, serving

COOKIE = "__Host-session"


def application(keeper: Remote) -> FastAPI:
    app = FastAPI()
    install(app, keeper)

    @app.post("/sign-in/{name}")
    async def sign_in(name: str, here: Visitor) -> str:
        return (await here.start(name)).session_id

    @app.get("/me")
    async def me(who: CurrentSession) -> list[str | None]:
        return [who.user.username, who.session_id, who.by]

    @app.get("/sessions")
    async def sessions(here: Visitor) -> dict[str, str]:
        return {one.id: one.name for one in await here.list()}

    @app.post("/sessions/{session_id}/revoke")
    async def revoke(session_id: str, here: Visitor) -> None:
        await here.revoke(session_id)

    @app.post("/log-out-everywhere")
    async def everywhere(here: Visitor) -> int:
        return await here.revoke_all()

    @app.post("/sign-out")
    async def sign_out(here: Visitor) -> None:
        await here.sign_out()

    return app


@pytest.fixture
async def server(database_url, authority, tmp_path: Path) -> AsyncIterator[Server]:
    await people.add_user(authority)
    await people.add_user(authority, "root", admin=True)
    with serving(database_url, tmp_path) as server:
        yield server


@pytest.fixture(params=["asking", "remembering"])
async def keeper(request, server) -> AsyncIterator[Remote]:
    admin = (await asyncio.to_thread(server.sign_in, "root", password=PASSWORD))[1]
    client, verifier = AsyncOstiary(server.url, token=admin), None
    if request.param == "remembering":
        verifier = Verifier(server.url, token=(await client.tokens.create("app", scopes=["feed:read"])).token)
    keeper = Remote(client, verifier=verifier, settings=Settings())
    yield keeper
    await keeper.close()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_an_application_asks_a_server_elsewhere(server, keeper, browse):
    app = application(keeper)
    laptop, phone = browse(app), browse(app, people.IPHONE)
    assert (await laptop.get("/me")).status_code == 401
    mine = (await laptop.post("/sign-in/ada")).json()
    other = (await phone.post("/sign-in/ada")).json()
    assert (await laptop.get("/me")).json() == ["ada", mine, "session"]
    assert (await phone.get("/me")).json() == ["ada", other, "session"]
    assert set((await laptop.get("/sessions")).json()) == {mine, other}
    assert (await laptop.post(f"/sessions/{other}/revoke")).status_code == 200
    refused = await phone.get("/me")
    assert (refused.status_code, refused.json()["code"], refused.json()["reason"]) == (401, "session_revoked", "user")
    stranger = (await asyncio.to_thread(server.sign_in, "root"))[0]
    assert (await laptop.post(f"/sessions/{stranger}/revoke")).status_code == 404
    assert (await laptop.post("/log-out-everywhere", headers={"sec-fetch-site": "cross-site"})).status_code == 403
    assert (await laptop.post("/log-out-everywhere")).json() == 1
    assert (await laptop.get("/me")).status_code == 401
    await laptop.post("/sign-in/ada")
    held = laptop.cookies[COOKIE]
    await laptop.post("/sign-out")
    assert (await browse(app, cookie=f"{COOKIE}={held}").get("/me")).json()["reason"] == "logout"
    nobody = await laptop.post("/sign-in/nobody")
    assert nobody.status_code == 404 and "set-cookie" not in nobody.headers

    await laptop.post("/sign-in/ada")
    held = laptop.cookies[COOKIE]
    watching = asyncio.create_task(keeper.watch(await keeper.verify(held, None)))
    await laptop.post("/log-out-everywhere")
    assert (await asyncio.wait_for(watching, 15)).code == "session_revoked"

    server.stop()
    away = await browse(app, cookie=f"{COOKIE}={held}").get("/me")
    assert (away.status_code, away.json()["code"]) == (503, "store_unavailable")
