"""Introspection over a connection: what is answered and refused, whatever is sent, and never from the past."""

from __future__ import annotations

import asyncio
import base64
from urllib.parse import urlencode

import pytest

from ostiary.errors import StoreUnavailable
from ostiary.http import dispatch
from tests.http.connections import WAIT, connect, send, serving
from tests.http.visitors import exposition
from tests.oauth.party import person, register

FORM = b"Content-Type: application/x-www-form-urlencoded"


def basic(client_id: str, secret: str | None) -> bytes:
    return b"Authorization: Basic " + base64.b64encode(f"{client_id}:{secret}".encode())


def question(body: bytes, *lines: bytes, line: bytes = b"POST /oauth/introspect HTTP/1.1") -> bytes:
    head = (line, b"Host: auth.test", b"X-Request-ID: same", *lines)
    return b"\r\n".join(head) + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body


@pytest.fixture
async def ask(app):
    """Sends a request over a connection; gives status and content."""
    async with serving(app) as server:

        async def asked(request: bytes) -> tuple[int, bytes]:
            head, _, content = (await send(server, request)).partition(b"\r\n\r\n")
            return int(head.split()[1]), content.partition(b"HTTP/1.1 ")[0]

        yield asked


async def test_what_a_token_is_is_told_to_its_client_alone(app, party, ask):
    other = await register(app, name="Other")
    async with person(app) as ada, person(app) as phone:
        mine, ended = await party.sign_in(ada), await party.sign_in(phone)
        await phone.post(f"/api/v1/auth/sessions/{ended.sid}/revoke")
    ours = basic(party.id, party.secret)
    for token, active in (
        (mine.access, True),
        (mine.refresh, True),
        (ended.access, False),
        (ended.refresh, False),
        (mine.id, False),
        (mine.access[:-1] + ("A" if mine.access[-1] != "A" else "Q"), False),
        ("unknown", False),
    ):
        for more in ({}, {"token_type_hint": "refresh_token"}, {"padding": "x" * 16_384}):
            status, content = await ask(question(urlencode({"token": token, **more}).encode(), FORM, ours))
            assert (status, b'"active":true' in content) == (200, active), token
    form = {"token": mine.access, "client_id": party.id, "client_secret": str(party.secret)}
    status, content = await ask(question(urlencode(form).encode(), FORM + b"; charset=utf-8"))
    assert (status, b'"active":true' in content) == (200, True)
    foreign = question(urlencode({"token": mine.access}).encode(), FORM, basic(other.id, other.secret))
    assert await ask(foreign) == (200, b'{"active":false}')


async def test_what_is_refused_says_why(app, party, public_party, ask):
    async with person(app) as ada:
        body = urlencode({"token": (await party.sign_in(ada)).access}).encode()
    ours = basic(party.id, party.secret)
    for expected, asked in (
        (401, question(body, FORM)),
        (401, question(body, FORM, basic(party.id, "A" * 43))),
        (401, question(body, FORM, b"Authorization: Basic !!!")),
        (401, question(body, FORM, b"Authorization: Bearer x")),
        (401, question(body + f"&client_id={public_party.id}".encode(), FORM)),
        (400, question(body + b"&client_secret=x", FORM, ours)),
        (400, question(body + b"&" + body, FORM, ours)),
        (400, question(b"token=", FORM, ours)),
        (400, question(b"token=%00", FORM, ours)),
        (400, question(b"token=\xff", FORM, ours)),
        (400, question(b"token_type_hint=access_token", FORM, ours)),
        (400, question(body, b"Content-Type: application/json", ours)),
        (400, question(body, ours)),
        (405, question(body, FORM, ours, line=b"PUT /oauth/introspect HTTP/1.1")),
        (404, question(body, FORM, ours, line=b"POST /oauth/introspec HTTP/1.1")),
    ):
        assert (await ask(asked))[0] == expected, asked


async def test_who_does_not_send_the_body_waits_no_longer_than_anywhere(app, party, monkeypatch):
    monkeypatch.setattr(dispatch, "BODY_TIMEOUT", 0.1)
    async with serving(app) as server:
        reader, writer = await connect(server)
        whole = question(b"token=unknown", FORM, basic(party.id, party.secret))
        writer.write(whole.partition(b"token=")[0])
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), WAIT)
        assert head.startswith(b"HTTP/1.1 408 ")
        writer.close()


async def test_without_a_store_nothing_is_known_and_nothing_is_called_inactive(app, party, monkeypatch, ask):
    async with person(app) as ada:
        body = urlencode({"token": (await party.sign_in(ada)).access}).encode()

    async def away(ids):
        raise StoreUnavailable

    monkeypatch.setattr(app.authority.oauth.inspection._rows, "_ask", away)
    status, content = await ask(question(body, FORM, basic(party.id, party.secret)))
    assert status == 503
    assert b"active" not in content


async def test_the_log_and_the_metrics_know_of_it(app, party, ask):
    async with person(app) as ada:
        body = urlencode({"token": (await party.sign_in(ada)).access}).encode()
    assert (await ask(question(body, FORM, basic(party.id, party.secret))))[0] == 200
    counts = exposition(app)
    name = 'ostiary_http_request_duration_seconds_count{method="POST",route="/oauth/introspect",status="200"}'
    assert f"{name} 1.0" in counts


async def test_a_signature_that_was_seen_does_not_outlive_its_key_or_its_time(app, party, clock):
    async with person(app) as ada:
        first = await party.sign_in(ada)
        for _ in range(2):
            assert (await party.introspect(first.access)).json()["active"] is True
        clock.advance(seconds=300)
        assert (await party.introspect(first.access)).json() == {"active": False}  # its own end, not its session's
        second = await party.sign_in(ada)
        assert (await party.introspect(second.access)).json()["active"] is True
        async with person(app, "root") as root:
            await root.post("/api/v1/admin/keys/rotate", json={"at_once": True})
        assert (await party.introspect(second.access)).json() == {"active": False}
        third = await party.sign_in(ada)
        assert (await party.introspect(third.access)).json()["active"] is True
        await ada.post(f"/api/v1/auth/sessions/{third.sid}/revoke")
        assert (await party.introspect(third.access)).json() == {"active": False}


async def test_signatures_that_were_seen_are_kept_by_their_hash_and_not_for_ever(app, party, monkeypatch):
    monkeypatch.setattr("ostiary.authority.oauth.keys.MAXIMUM_VERIFIED", 2)
    keys = app.authority.oauth.keys
    keys._verified.clear()
    async with person(app) as ada:
        tokens = [(await party.sign_in(ada)).access for _ in range(3)]
    for token in tokens:
        assert (await party.introspect(token)).json()["active"] is True
        assert token not in repr(keys._verified)
    assert len(keys._verified) == 2
    assert (await party.introspect(tokens[0])).json()["active"] is True
