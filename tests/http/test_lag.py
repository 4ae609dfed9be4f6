"""The lag: who remembers sessions is known, and when each of them refuses one that ended."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import Any

import pytest

from ostiary.authority import verifiers as registry
from ostiary.core.verifier import LEASE
from tests.http.test_feed import FEED, events_of, on_sqlite, service
from tests.http.visitors import API, bearer, cli_token, exposition, script, visitor

pytestmark = on_sqlite  # tests/feed/test_verifiers.py has the rows on both stores


async def ask(client: Any, reader: str = "shop", **more: Any) -> str:
    """One request of a verifier; the position that it got."""
    answer = await client.get(FEED, params={"hold": 0, "reader": reader, **more})
    assert answer.status_code == 200, answer.text
    return str(events_of(answer.text)[-1][1]["position"])


@asynccontextmanager
async def verifying(client: Any, reader: str = "shop", **more: Any):
    """A verifier that asks, applies, and acknowledges with its next request, until it is stopped."""

    async def loop(position: str) -> None:
        while True:
            answer = await client.get(
                FEED, params={"hold": 1, "reader": reader, "after": position, "applied": position, **more}
            )
            position = events_of(answer.text)[-1][1]["position"]

    task = asyncio.create_task(loop(await ask(client, reader, **more)))
    try:
        yield task
    finally:
        task.cancel()


async def end_one(app, client: Any) -> str:
    """End a session of root's, who asks."""
    session_id = (await client.get(f"{API}/auth/sessions/current")).json()["id"]
    other = await app.authority.sessions.start(
        (await client.get(f"{API}/auth/whoami")).json()["user"]["id"], client=_nowhere()
    )
    assert session_id != other.session.id
    assert (await client.post(f"{API}/auth/sessions/{other.session.id}/revoke")).status_code == 200
    return str(other.session.id)


def _nowhere():
    from ostiary.core.client import Client

    return Client()


@pytest.fixture
def app_now(settings):
    """The server with a clock that goes: a lag is a span of time."""
    from ostiary.http.app import create_app
    from tests.http.visitors import add_people

    @asynccontextmanager
    async def run():
        async with create_app(settings) as app:
            await add_people(app.authority)
            yield app

    return run


async def test_without_verifiers_an_ending_is_everywhere_at_once(app_now):
    async with app_now() as app, bearer(app, "root") as root:
        ended = await end_one(app, root)
        lag = (await root.get(f"{API}/auth/sessions/{ended}/lag")).json()
        assert (lag["is_everywhere"], lag["verifiers"], lag["late"]) == (True, 0, [])


async def test_verifiers_acknowledge_and_the_lag_is_measured(app_now):
    async with (
        app_now() as app,
        bearer(app, "root") as root,
        service(app) as client,
        verifying(client, "one", name="Shop"),
        verifying(client, "two"),
    ):
        ended = await end_one(app, root)
        lag = (await root.get(f"{API}/auth/sessions/{ended}/lag", params={"wait": 5})).json()
        assert (lag["is_everywhere"], lag["verifiers"], lag["late"]) == (True, 2, [])
        assert 0 < lag["lag_ms"] < 4000  # less than the trust that would have run out
        again = (await root.get(f"{API}/admin/sessions/{ended}/lag")).json()
        assert again["is_everywhere"]
        await asyncio.sleep(0.3)
        text = exposition(app)
        assert "ostiary_revocation_lag_seconds_count 1.0" in text and "ostiary_verifiers 2.0" in text


async def test_a_verifier_that_stopped_is_named_with_the_instant_its_trust_runs_out(app_now):
    async with app_now() as app, bearer(app, "root") as root, service(app) as client, verifying(client, "well"):
        await ask(client, "stopped", name="Till 7", max_staleness=2)
        ended = await end_one(app, root)
        lag = (await root.get(f"{API}/auth/sessions/{ended}/lag", params={"wait": 0.5})).json()
        (late,) = lag["late"]
        assert (lag["is_everywhere"], lag["verifiers"], late["name"]) == (False, 2, "Till 7")
        (row,) = [one for one in await app.authority.verifiers.list(by=_root()) if one.reader == "stopped"]
        assert (row.trust_until - row.since).total_seconds() == 2
        assert late["trust_until"] == row.trust_until.isoformat().replace("+00:00", "Z")
        done = (await root.get(f"{API}/auth/sessions/{ended}/lag", params={"wait": 5})).json()
        assert done["is_everywhere"] and 1500 < done["lag_ms"] < 4000  # it ran out


def _root():
    from tests.http.visitors import OPERATOR

    return OPERATOR


async def test_an_acknowledgement_of_the_future_is_refused(app):
    async with service(app) as client:
        floor, time, node, serial, chain = (await ask(client)).split("-")
        ahead = f"{floor}-{int(time) + 10**6}-{node}-{serial}-{chain}"
        answer = await client.get(FEED, params={"hold": 0, "reader": "shop", "applied": ahead})
        assert (answer.status_code, answer.json()["field"]) == (422, "applied")
        (row,) = await app.authority.verifiers.list(by=_root())
        assert row.applied_at is None


async def test_two_programs_under_one_name_are_two(app_now):
    """One that acknowledges does not speak for the other, which is stopped."""
    async with app_now() as app, bearer(app, "root") as root, service(app) as client:
        await ask(client, "same")
        async with verifying(client, "same"):
            ended = await end_one(app, root)
            lag = (await root.get(f"{API}/auth/sessions/{ended}/lag", params={"wait": 0.5})).json()
            assert (lag["is_everywhere"], lag["verifiers"], len(lag["late"])) == (False, 2, 1)


async def test_one_credential_cannot_acknowledge_for_another(app):
    async with service(app) as one, script(app, await cli_token(app, "root", scopes=["feed:read"])) as other:
        position = await ask(one)
        answer = await other.get(FEED, params={"hold": 0, "reader": "shop", "applied": position})
        assert answer.status_code == 422


async def test_a_million_names_are_bounded_and_forgotten(app, clock, monkeypatch):
    monkeypatch.setattr(registry, "MAXIMUM_OF_OWNER", 3)
    async with service(app) as client:
        for number in range(3):
            await ask(client, f"r{number}")
        answer = await client.get(FEED, params={"hold": 0, "reader": "r4"})
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
        assert len(app.authority.verifiers._known) == 3
        clock.advance(seconds=LEASE.total_seconds() + 120)
        await app.authority.verifiers._clean()
        await ask(client, "r4")
        assert [one.reader for one in await app.authority.verifiers.list(by=_root())] == ["r4"]


async def test_most_requests_write_nothing(app, clock, monkeypatch):
    writes = []
    own = app.authority.verifiers._write_rows

    async def counting(rows):
        writes.append(len(rows))
        await own(rows)

    monkeypatch.setattr(app.authority.verifiers, "_write_rows", counting)
    async with service(app) as client:
        position = await ask(client)
        for _ in range(50):
            clock.advance(seconds=0.1)
            position = await ask(client, after=position, applied=position)
        await asyncio.sleep(0.1)
        assert len(writes) <= 1
        clock.advance(seconds=LEASE.total_seconds())
        await ask(client, after=position, applied=position)
        (row,) = await app.authority.verifiers.list(by=_root())
        assert row.trust_until > clock()  # written before the answer, as it goes beyond what rows may be behind


async def test_the_lag_of_a_foreign_or_living_session_is_not_told(app):
    async with (
        bearer(app, "ada") as ada,
        bearer(app, "eve") as eve,
        bearer(app, "root") as root,
        visitor(app) as nobody,
    ):
        own = (await ada.get(f"{API}/auth/sessions/current")).json()["id"]
        missing = f"sess_{'a' * 26}"
        same = {"x-request-id": "same"}
        foreign = await eve.get(f"{API}/auth/sessions/{own}/lag", headers=same)
        unknown = await eve.get(f"{API}/auth/sessions/{missing}/lag", headers=same)
        assert foreign.status_code == 404 and foreign.text == unknown.text
        assert (await ada.get(f"{API}/auth/sessions/{own}/lag")).status_code == 409
        assert (await nobody.get(f"{API}/auth/sessions/{own}/lag")).status_code == 401
        assert (await ada.get(f"{API}/admin/sessions/{own}/lag")).status_code == 403
        assert (await ada.get(f"{API}/admin/verifiers")).status_code == 403
        assert (await root.get(f"{API}/admin/sessions/{own}/lag")).status_code == 409
        assert (await root.get(f"{API}/admin/sessions/{missing}/lag", params={"wait": 61})).status_code == 422


async def test_administrators_see_who_verifies(app):
    async with service(app) as client, bearer(app, "root") as root:
        await ask(client, "shop-1", name="Shop", max_staleness=3)
        (one,) = (await root.get(f"{API}/admin/verifiers")).json()["verifiers"]
        assert (one["reader"], one["name"], one["max_staleness"], one["applied_at"]) == ("shop-1", "Shop", 3, None)
        assert one["owner"].startswith("ost_") and one["address"] == "203.0.113.7"


async def test_the_lag_is_that_of_the_ending_that_holds(app_now):
    """P3: ended by a plan, brought back, ended again: what was known of the first ending says nothing of the second."""
    async with app_now() as app, bearer(app, "root") as root, service(app) as client:
        chosen = await app.authority.sessions.start("app|1", client=_nowhere(), application_id="shop")
        session_id = chosen.session.id
        made = (await root.post(f"{API}/admin/sessions/plan", json={"application_id": "shop"})).json()["plan_id"]
        async with verifying(client, name="Till 7", max_staleness=60):
            assert (await root.post(f"{API}/admin/sessions/plan/{made}/apply")).status_code == 200
            first = (await root.get(f"{API}/admin/sessions/{session_id}/lag", params={"wait": 5})).json()
            assert first["is_everywhere"]
            await asyncio.sleep(0.3)  # it has been measured, and what was measured is kept
        assert (await root.post(f"{API}/admin/sessions/plan/{made}/undo")).json()["restored"] == 1
        lives = await root.get(f"{API}/admin/sessions/{session_id}/lag")
        assert (lives.status_code, lives.json()["code"]) == (409, "conflict")
        assert (await root.post(f"{API}/admin/sessions/{session_id}/revoke")).status_code == 200
        second = (await root.get(f"{API}/admin/sessions/{session_id}/lag")).json()
        assert (second["is_everywhere"], [late["name"] for late in second["late"]]) == (False, ["Till 7"])
