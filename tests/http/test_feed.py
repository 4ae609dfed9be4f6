"""`GET /api/v1/feed`: for services only, bounded, and over when it has to be."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import time
from contextlib import asynccontextmanager
from typing import Any

import pytest

from ostiary.core.oauth.client import Registration
from ostiary.http import feed as door
from ostiary.http import feed_readers, link
from ostiary.http.front import Front
from tests.http.visitors import API, OPERATOR, bearer, browser, cli_token, exposition, script, signed_in, visitor

FEED = f"{API}/feed"
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # what it does has no SQL of its own


def events_of(text: str) -> list[tuple[str, Any]]:
    found = []
    for block in text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        found.append((fields["event"], json.loads(fields["data"])))
    return found


@asynccontextmanager
async def service(app, *scopes: str):
    """A CLI token of an administrator."""
    async with script(app, await cli_token(app, "root", scopes=list(scopes or ["feed:read"]))) as client:
        yield client


async def oauth_client(app, *scopes: str, **more: Any):
    registration = Registration("shop", grants=["client_credentials"], scopes=scopes, **more)
    return await app.authority.oauth.clients.add(registration, by=OPERATOR)


def basic(client_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


async def test_what_ends_is_told_with_a_position_to_go_on_from(app):
    async with service(app) as client, signed_in(app) as ada:
        first = events_of((await client.get(FEED, params={"hold": 0})).text)
        assert [name for name, _ in first] == ["heartbeat"]
        own = (await ada.get(f"{API}/auth/sessions/current")).json()["id"]
        await ada.post(f"{API}/auth/logout")
        answer = await client.get(FEED, params={"hold": 0, "after": first[-1][1]["position"]})
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-accel-buffering"] == "no"
        (ended, told), (beat, heart) = events_of(answer.text)[-2:]
        assert (ended, told["session_id"], told["reason"], beat) == ("ended", own, "logout", "heartbeat")
        again = await client.get(FEED, params={"hold": 0}, headers={"last-event-id": heart["position"]})
        assert [name for name, _ in events_of(again.text)] == ["heartbeat"]


async def test_a_reader_with_an_id_is_answered_at_once_and_keeps_its_lineage(app):
    async with service(app) as client, signed_in(app) as ada:
        first = events_of((await client.get(FEED, params={"hold": 0, "reader": "shop"})).text)[-1][1]
        began = time.monotonic()
        waiting = asyncio.create_task(
            client.get(FEED, params={"hold": 20, "reader": "shop", "after": first["position"]})
        )
        await asyncio.sleep(0.1)
        await ada.post(f"{API}/auth/logout")
        told = events_of((await waiting).text)
        assert time.monotonic() - began < 10
        assert "ended" in [name for name, _ in told] and told[-1][0] == "heartbeat"
        lineages = {data["position"].rsplit("-", 1)[1] for name, data in told if name == "heartbeat"}
        assert lineages == {first["position"].rsplit("-", 1)[1]} != {""}


@on_sqlite
async def test_nobody_and_people_hear_nothing(app):
    async with visitor(app) as nobody, bearer(app, "root") as person, signed_in(app, "root") as in_a_browser:
        assert (await nobody.get(FEED)).status_code == 401
        assert (await person.get(FEED)).status_code == 403
        assert (await in_a_browser.get(FEED)).status_code == 403
    for username, scopes in (("root", ["sessions:read", "sessions:revoke"]), ("ada", ["sessions:read"])):
        async with script(app, await cli_token(app, username, scopes=scopes)) as client:
            answer = await client.get(FEED)
            assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    async with bearer(app, "ada") as member:
        made = await member.post(f"{API}/auth/cli-token", json={"scopes": ["feed:read"]})
        assert made.status_code == 403


@on_sqlite
async def test_a_token_stops_to_work_with_the_role_of_its_user(app):
    async with service(app, "admin") as client:
        assert (await client.get(FEED, params={"hold": 0})).status_code == 200
        await app.authority.accounts.set_roles("eve", ["admin"], by=OPERATOR)
        await app.authority.accounts.set_roles("root", ["member"], by=OPERATOR)
        assert (await client.get(FEED, params={"hold": 0})).status_code == 403


@on_sqlite  # where the key that clients need makes itself
async def test_an_oauth_client_follows_by_its_own_credentials(app):
    shop, other = await oauth_client(app, "feed:read"), await oauth_client(app, "gateway")
    async with visitor(app, authorization=basic(shop.client.id, shop.secret)) as client:
        assert (await client.get(FEED, params={"hold": 0})).status_code == 200
    async with visitor(app, authorization=basic(other.client.id, other.secret)) as client:
        answer = await client.get(FEED, params={"hold": 0})
        assert (answer.status_code, answer.json()["scope"]) == (403, "feed:read")
    async with visitor(app) as client:
        form = {"grant_type": "client_credentials", "client_id": shop.client.id, "client_secret": shop.secret}
        token = (await client.post("/oauth/token", data=form)).json()["access_token"]
    async with visitor(app, authorization=f"Bearer {token}") as client:
        assert (await client.get(FEED, params={"hold": 0})).status_code == 200


@on_sqlite
async def test_wrong_credentials_of_clients_have_one_answer(app):
    shop = await oauth_client(app, "feed:read")
    public = await app.authority.oauth.clients.add(
        Registration("phone", is_public=True, redirect_uris=["https://x.test/"], scopes=["feed:read"]), by=OPERATOR
    )
    wrong = [
        basic(shop.client.id, "A" * 43),
        basic(shop.client.id, ""),
        basic("client_" + "a" * 26, shop.secret),
        basic(public.client.id, ""),
        basic("root", "x"),
        "Basic",
        "Basic !!!",
        "basic " + base64.b64encode(b"\xff\xfe:").decode(),
    ]
    answers = set()
    for header in wrong:
        async with visitor(app, authorization=header) as client:
            answer = await client.get(FEED, params={"hold": 0}, headers={"x-request-id": "same"})
            answers.add((answer.status_code, answer.text))
    assert len(answers) == 1 and answers.pop()[0] == 401


@on_sqlite
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hold", "-1"), ("hold", "301"), ("hold", "nan"), ("hold", "inf"), ("hold", "x"), ("hold", "1e999"),
        ("after", "x"), ("after", "1" * 200), ("after", "1-1-aaaaaaaa-0-\0"), ("applied", "0"),
        ("reader", ""), ("reader", "a" * 65), ("reader", "a b"), ("reader", "é"), ("name", "\0"), ("name", "n" * 65),
        ("name", "a\nb"), ("max_staleness", "0"), ("max_staleness", "nan"), ("max_staleness", "4000"), ("other", "1"),
    ],
)  # fmt: skip
async def test_garbage_is_refused_by_name(app, name, value):
    async with service(app) as client:
        answer = await client.get(FEED, params={"hold": 0, name: value} if name != "hold" else {name: value})
        assert (answer.status_code, answer.json()["field"]) == (422, name)


@on_sqlite
async def test_a_position_of_the_future_is_lost_and_harms_nobody(app):
    async with service(app) as client:
        answer = await client.get(FEED, params={"hold": 0, "after": "999999-1795606159591477-aaaaaaaa-0-"})
        assert [name for name, _ in events_of(answer.text)] == ["lost", "heartbeat"]


@on_sqlite
async def test_the_number_of_readers_is_bounded(app, monkeypatch):
    monkeypatch.setattr(feed_readers, "MAXIMUM", 2)
    async with service(app) as client:
        held = [asyncio.create_task(client.get(FEED, params={"hold": 1.5})) for _ in range(2)]
        await asyncio.sleep(0.5)
        answer = await client.get(FEED, params={"hold": 0})
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
        assert "ostiary_feed_readers 2.0" in exposition(app)
        await asyncio.gather(*held)
        assert (await client.get(FEED, params={"hold": 0})).status_code == 200


@on_sqlite
async def test_a_stream_ends_when_its_credential_does(app, monkeypatch):
    monkeypatch.setattr(door, "CHECK_EVERY", 0.1)
    async with service(app) as client, bearer(app, "root") as root:
        (token,) = (await root.get(f"{API}/auth/cli-tokens")).json()
        following = asyncio.create_task(client.get(FEED, params={"hold": 60}))
        await asyncio.sleep(0.3)
        assert not following.done()
        await root.delete(f"{API}/auth/cli-tokens/{token['id']}")
        # What the last poll told may still be in it or not: the credential is looked at by itself.
        assert events_of((await asyncio.wait_for(following, 10)).text)[0][0] == "heartbeat"
        assert (await client.get(FEED, params={"hold": 0})).status_code == 401


@on_sqlite
async def test_a_stream_ends_with_its_process(app):
    async with service(app) as client:
        following = asyncio.create_task(client.get(FEED))
        await asyncio.sleep(0.3)
        app.authority.feed.hang_up()
        assert events_of((await asyncio.wait_for(following, 5)).text)[-1][0] == "heartbeat"
        assert (await client.get(FEED)).status_code == 503


@on_sqlite
async def test_who_takes_nothing_is_hung_up_on(app, monkeypatch):
    """A real connection whose other end does not read: the server's memory of it stays small, then it is closed."""
    monkeypatch.setattr(link, "READ_TIMEOUT", 0.5)
    token = await cli_token(app, "root", scopes=["feed:read"])
    async with live(app) as port:
        with socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            slow.connect(("127.0.0.1", port))
            slow.sendall(f"GET {FEED} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n".encode())
            deadline = time.monotonic() + 20
            while app.context.readers._open == 0 and time.monotonic() < deadline:  # noqa: ASYNC110 - nothing to wait on
                await asyncio.sleep(0.05)
            while app.context.readers._open == 1 and time.monotonic() < deadline:
                app.authority.feed.memory.add([door_entry()] * 5000)
                await app.authority.feed.fresh()
                await asyncio.sleep(0.05)
            assert app.context.readers._open == 0


def door_entry():
    from ostiary.core.endings import Changed

    return Changed(user_id="user_" + "a" * 26)


@asynccontextmanager
async def live(app):
    import uvicorn

    config = uvicorn.Config(app, port=0, http=Front, ws="none", lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - it says so in no other way
        await asyncio.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        app.authority.feed.hang_up()
        await serving


@on_sqlite
async def test_another_site_cannot_have_a_browser_follow(app):
    async with browser(app, **{"sec-fetch-site": "cross-site"}) as client:
        assert (await client.get(FEED)).status_code == 401
