"""Text that no store keeps, in every place where text can be sent: refused by both databases alike, and never a 500."""

from __future__ import annotations

import base64
import itertools
import json
from typing import Any, cast

import pytest

from ostiary.application import create_app
from ostiary.core.token import new_id
from ostiary.errors import InvalidRequest
from ostiary.http.heads import ensure_readable
from tests.http.test_heads import STREAMS, answer
from tests.http.visitors import COOKIE, OPERATOR, add_people
from tests.support.people import at
from tests.support.routes import every_route, takes
from tests.support.routes import filled as with_values

NUL = "%00"
UNREADABLE = [NUL, "a%00b", "%FF", "%C0%80", "%ED%A0%80", "%ED%A0%BD%ED%B8%80", "%F8%88%80%80%80"]
ODD = [
    "%C2%80%C2%9B",
    "%EF%BF%BF",
    "%F3%A0%80%81",
    "9" * 400,
    "-1",
    "1e999",
    "%0A%0D",
    "%27--",
    "%25%5F%5C",
    "a" * 3900,
]
CURSORS = [
    b'"a\\u0000b"',
    b'[1,"sess_\\u0000"]',
    b'[99999999999999999999999,"x"]',
    b"-1",
    b"1e400",
    b'"\\ud800"',
    b"[[[[[",
]
IDS = {"session_id": "sess", "token_id": "ost", "client_id": "client", "plan_id": "plan", "resource_id": "res"}


@pytest.fixture
async def whole(settings, clock):
    async with create_app(settings, clock=clock) as app:
        await add_people(app.authority)
        yield app


@pytest.fixture
async def sent(whole) -> list[tuple[bytes, bytes]]:
    """An administrator who just signed in, on a page of ours."""
    user = (await whole.authority.accounts.find("root", by=OPERATOR)).user
    started = await whole.authority.sessions.start(user.id, client=at(), kind="browser", amr=("pwd",))
    cookie = f"{COOKIE}={started.token}".encode()
    return [(b"host", b"auth.test"), (b"cookie", cookie), (b"sec-fetch-site", b"same-origin")]


def walked() -> list[tuple[str, str]]:
    """The method and the path of each route."""
    found = [(route.method, route.path) for route in every_route()]
    assert len(found) > 100
    return [one for one in found if one[1] not in STREAMS]


def filled(path: str, name: str = "", value: str = "") -> str:
    usual = {wanted: new_id(cast("Any", prefix)) for wanted, prefix in IDS.items()}
    usual |= {"username": "ada", "name": "ostiary.css", "event_id": "1"}
    return with_values(path, usual | {name: value})


def names_of(method: str, path: str) -> list[str]:
    """The parameters that a route knows, and the filters that pages read by hand."""
    filters = (
        "user",
        "ip",
        "user_agent",
        "device",
        "application_id",
        "tenant",
        "status",
        "q",
        "reason",
        "created_before",
    )
    return [*takes(method, path), *filters, "cursor", "next", "code", "state", "page", "after", "before"]


async def test_no_path_holds_what_no_store_keeps(whole, sent):
    """In place of every parameter of every route, for every method."""
    for method, path in walked():
        for name in [*IDS, "username", "name", "event_id"]:
            if f"{{{name}}}" not in path:
                continue
            for text in [*UNREADABLE, "%C2%80", "%0A", "%7F"]:
                status, _ = await answer(whole, filled(path, name, text), method=method, headers=sent)
                assert status == 404, (method, path, text)
            for text in ("x" * 1100, "%F0%9F%98%80", "1" * 300, "%27%3B--"):
                status, _ = await answer(whole, filled(path, name, text), method=method, headers=sent)
                assert status < 500, (method, path, text)


async def test_no_query_holds_what_no_store_keeps(whole, sent):
    """As every parameter of every route, known to it or not."""
    for method, path in walked():
        if method != "GET" or path.startswith("/static"):
            continue
        where = filled(path)
        for name in dict.fromkeys(names_of("GET", path)):
            for text in [NUL, "%ED%A0%80", ODD[0]]:
                query = f"{name}={text}".encode()
                status, _ = await answer(whole, where, headers=sent, query_string=query)
                assert status < 500, (where, query)
                is_public = path in {"/healthz", "/readyz", "/verify"} or path.startswith(("/oauth/", "/.well-known"))
                if text != ODD[0] and not is_public and not path.startswith(("/api/open", "/api/docs")):
                    assert status in {403, 404, 422}, (where, query, status)


async def test_no_filter_of_a_list_is_answered_with_a_fault(whole, sent):
    lists = [path for method, path in walked() if method == "GET" and path.startswith(LISTS)]
    assert len(lists) > 10
    texts = itertools.cycle([*UNREADABLE, *ODD])  # all of them come by, at one parameter or another
    for path in lists:
        for name in dict.fromkeys(names_of("GET", path)):
            for text in itertools.islice(texts, 3):
                query = f"{name}={text}".encode()
                status, _ = await answer(whole, filled(path), headers=sent, query_string=query)
                assert status < 500, (path, query)
        for cursor in CURSORS:
            query = b"cursor=" + base64.urlsafe_b64encode(cursor).rstrip(b"=")
            assert (await answer(whole, filled(path), headers=sent, query_string=query))[0] < 500, (path, cursor)


LISTS = ("/api/v1/admin", "/admin", "/api/v1/auth/sessions", "/settings")


def texts(schema: Any, document: Any) -> Any:
    """A value of a schema, with the text in every place where one can be."""
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for several in ("oneOf", "anyOf"):
        if several in schema:
            return texts(next(one for one in schema[several] if one.get("type") != "null"), document)
    kind = schema.get("type")
    if kind == "object":
        return {name: texts(part, document) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [texts(schema["items"], document)]
    return {"integer": 1, "number": 1.0, "boolean": True}.get(cast("str", kind), "TEXT")


async def test_no_field_of_a_body_is_answered_with_a_fault(whole, sent):
    document = json.loads((await answer(whole, "/api/openapi.json", headers=sent))[1])
    tried = 0
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if content is None or "logout" in path:
                continue
            whole_body = texts(content["schema"], document)
            for name in whole_body:
                usual = {"username": "ada", "password": "x", "transport": "bearer", "expire_after": "1h0m0s"}
                for text in ("\\u0000", "a\\u0000b", "\\ud800", "\\udc00x", "\\u0080\\u009b", "9" * 400):
                    body = {key: usual.get(key, value) for key, value in whole_body.items()}
                    body = {key: value for key, value in body.items() if key in {name, *usual}}
                    body[name] = whole_body[name] if "TEXT" in json.dumps(whole_body[name]) else "TEXT"
                    content_sent = json.dumps(body).replace("TEXT", text).encode()
                    status = await posted(whole, filled(path), method.upper(), sent, content_sent)
                    assert status < 500, (path, content_sent)
                    tried += 1
    assert tried > 100


async def posted(app, path: str, method: str, sent: list[tuple[bytes, bytes]], content: bytes) -> int:
    found: list[int] = []

    async def receive():
        return {"type": "http.request", "body": content, "more_body": False}

    async def note(message):
        if message["type"] == "http.response.start":
            found.append(int(message["status"]))

    headers = [*sent, (b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "https",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "state": {}, "headers": headers,
        "client": ("203.0.113.7", 1), "server": ("auth.test", 443),
    }  # fmt: skip
    await app(scope, receive, note)
    return found[0]


@pytest.mark.parametrize("header", [b"user-agent", b"x-request-id", b"cookie", b"authorization", b"last-event-id"])
async def test_no_header_is_answered_with_a_fault(whole, header):
    basic = base64.b64encode(b"client_\x00:\x00")
    for value in (
        b"\x80\x9b\xff",
        b"a" * 30_000,
        b"\xd8\x00\xed\xa0\x80",
        b"Basic " + basic,
        b"Bearer \xff.\xff.\xff",
    ):
        for path in ("/verify", "/api/v1/auth/whoami", "/sign-in", "/oauth/userinfo", "/api/v1/verifications"):
            for method in ("GET", "POST"):
                sent = [(b"host", b"auth.test"), (header, value)]
                status, _ = await answer(whole, path, method=method, headers=sent)
                assert status < 500, (path, value)


@pytest.mark.parametrize("query", [b"a=%00", b"%00=a", b"a=b&c=%FF", b"a=\xff", b"a=%ED%A0%80", b"a=%C2"])
def test_what_cannot_be_read_is_refused(query):
    with pytest.raises(InvalidRequest):
        ensure_readable(query)


@pytest.mark.parametrize("query", [b"", b"a=b", b"a=%C3%BC+x", b"a=%25%30%30", b"%F0%9F%98%80"])
def test_what_can_be_read_is(query):
    ensure_readable(query)
