"""Every operation of the contract is a method of both clients: it asks what its server reads, and reads its answer."""

from __future__ import annotations

import asyncio
import copy
import inspect
import pickle
import re
import types
import typing
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import datetime
from functools import reduce
from typing import Annotated, Any, Literal, get_args, get_origin
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx2
import msgspec
import pytest
from msgspec import Struct, UnsetType, structs

from ostiary.contract.answer import SECRETS
from ostiary.contract.api import calls, operations
from ostiary.contract.calling import Incoming
from ostiary.contract.feed import HeartbeatData
from ostiary.contract.operation import Operation, Stream
from ostiary.contract.verifications import Credential
from ostiary.core.endings import Lost
from ostiary.http import reading
from ostiary.sdk import AsyncOstiary, Ostiary, UnusableAnswer
from ostiary.sdk.answers import read

CALLS = dict(calls())
EVERY = pytest.mark.parametrize("path", CALLS)
URL = "https://auth.test"
SECRET = "s3cret-s3cret"
CLIENTS = Ostiary(URL), AsyncOstiary(URL)
NEWER = "word_of_a_newer_server"


def test_every_operation_is_a_method():
    assert {operation for operation in CALLS.values() if operation.variant_of is None} == set(operations())
    assert {operation.variant_of for operation in CALLS.values()} - {None} <= set(operations())


@EVERY
def test_it_has_the_arguments_of_what_it_takes_and_says_what_it_does(path):
    operation = CALLS[path]
    wanted = inspect.signature(operation.takes).parameters
    for client in CLIENTS:
        method = found(client, path)
        shown = inspect.signature(method)
        assert [(one.name, one.kind, one.default) for one in shown.parameters.values()] == [
            (one.name, one.kind, one.default) for one in wanted.values()
        ]
        assert shown.return_annotation == operation.returns
        assert method.__name__ == path.rpartition(".")[2]
        words = inspect.getdoc(method) or ""
        assert words.startswith(operation.description)
        assert operation.description.endswith(".")
        assert all(f"{error.__name__}: " in words for error in operation.own_errors)
        with pytest.raises(TypeError):
            method(nonsense=1)


@EVERY
def test_both_clients_ask_what_the_server_reads(path):
    operation, asked = CALLS[path], []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return httpx2.Response(299, content=b"\xff")

    transport = httpx2.MockTransport(answer)
    secrets: dict[str, Any] = {"client_id": "client_a", "client_secret": "s", "token": "a.token", "retries": 0}
    with httpx2.Client(transport=transport) as http, may_fail(operation):
        done = found(Ostiary(URL, http_client=http, **secrets), path)(**arguments(operation))
        assert not isinstance(operation, Stream) or list(done)

    async def await_it() -> None:
        async with httpx2.AsyncClient(transport=transport) as http:
            client = AsyncOstiary(URL, http_client=http, **secrets)
            with may_fail(operation):
                done = found(client, path)({"authorization": "Bearer a.token"}, **arguments(operation))
                _ = [told async for told in done] if isinstance(operation, Stream) else await done

    asyncio.run(await_it())
    first, second = asked
    assert (first.method, first.url, first.content) == (second.method, second.url, second.content)
    assert first.headers.get("authorization") == second.headers.get("authorization")
    assert_read(operation, asked[0])
    scheme = {"nobody": None, "client": "Basic"}.get(operation.who, "Bearer")
    assert asked[0].headers.get("authorization", "").partition(" ")[0] == (scheme or "")


def test_a_service_without_a_token_asks_as_the_client_that_it_is():
    asked: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.headers["authorization"])
        return httpx2.Response(200, json={"now": "2026-01-15T12:00:00Z", "answers": []})

    with httpx2.Client(transport=httpx2.MockTransport(answer)) as http:
        client = Ostiary(URL, http_client=http, client_id="a", client_secret="b")
        assert client.services.verifications([Credential("a.token")]).answers == ()
        client.for_token("a.token").services.verifications([Credential("a.token")])
    assert asked == ["Basic YTpi", "Bearer a.token"]


@EVERY
@pytest.mark.parametrize("how", ["as it is", "newer", "sparse"])
def test_it_reads_the_answer_of_its_server_and_of_a_newer_one(path, how):
    operation = CALLS[path]
    sent = sample(operation.travels, how)
    content = b"text" if sent == "text" else msgspec.json.encode(sent)
    answer = read(operation, httpx2.Response(200, content=content, request=httpx2.Request("GET", URL)))
    if isinstance(answer, Struct):
        assert isinstance(answer, operation.answers)
        assert SECRET not in repr(answer)
        assert pickle.loads(pickle.dumps(answer)) == answer == copy.deepcopy(answer)
        with pytest.raises(AttributeError):
            setattr(answer, answer.__struct_fields__[0], None)
        for name in answer.__struct_fields__:
            assert not isinstance(getattr(answer, name), UnsetType | list)


def test_a_stream_is_read_as_it_comes():
    lines = [
        b"id: 1\nevent: heart",
        b'beat\ndata: {"time":"2026-01-15T12:00:00Z","position":"7"}\n',
        b"\nevent: newer\n",
    ]
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, content=b"".join([*lines, b"data: {}\n\n"])))
    with httpx2.Client(transport=transport) as http:
        first, second = Ostiary(URL, http_client=http).feed.follow(hold=1)
    assert isinstance(first, HeartbeatData)
    assert (first.position, second) == ("7", Lost())

    async def follow() -> list[object]:
        async with httpx2.AsyncClient(transport=transport) as http:
            return [told async for told in AsyncOstiary(URL, http_client=http).feed.follow(hold=1)]

    assert asyncio.run(follow()) == [first, second]


def may_fail(operation: Operation[..., Any, Any]) -> Any:
    """What was answered makes no sense, where any sense is made of it."""
    return nullcontext() if operation.answers is types.NoneType else pytest.raises(UnusableAnswer)


def found(client: object, path: str) -> Any:
    return reduce(getattr, path.split("."), client)


def arguments(operation: Operation[..., Any, Any]) -> dict[str, Any]:
    """One for each parameter."""
    hints = typing.get_type_hints(operation.takes)
    names = inspect.signature(operation.takes).parameters
    given = {"credentials": [Credential("text")]}
    return {name: given.get(name) or sample(hints[name], "as it is") for name in names}


def assert_read(operation: Operation[..., Any, Any], request: httpx2.Request) -> None:
    """The server's own operation reads it, and finds what was given."""
    server = operation.variant_of or operation
    url = urlsplit(str(request.url))
    pattern = re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", operation.path)
    matched = re.fullmatch(pattern, url.path)
    assert matched is not None
    assert request.method == operation.method
    parameters = {name: unquote(text) for name, text in matched.groupdict().items()}
    if server.sends == "form":
        taken = reading.convert(dict(parse_qsl(request.content.decode())), server.takes, is_text=True)
    else:
        content_type = request.headers.get("content-type")
        taken = reading.read(server, parameters, url.query.encode(), content_type, request.content)
    for name, given in arguments(operation).items():
        assert msgspec.to_builtins(getattr(taken, name)) == msgspec.to_builtins(given)
    tag = operation.takes.__struct_config__.tag_field
    assert tag is None or getattr(taken, tag) == operation.takes.__struct_config__.tag


def sample(kind: Any, how: str, name: str = "") -> Any:
    """What a server could write as `kind`: also a newer one, and one that leaves out what it may."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return sample(inner[0], how, name)
    if origin is Literal:
        return NEWER if how == "newer" else inner[0]
    if origin in (typing.Union, types.UnionType):
        return sample(inner[0], how, name)
    if origin in (tuple, Sequence, list):
        return [sample(inner[0], how)]
    if origin is dict:
        return {}
    if isinstance(kind, type) and issubclass(kind, Struct):
        members = {
            one.encode_name: sample(one.type, how, one.name) for one in structs.fields(kind) if is_sent(one, how)
        }
        return members | ({"of_a_newer_server": [1]} if how == "newer" else {})
    if kind is str:
        return SECRET if name in SECRETS else "text"
    return {int: 1, float: 1.5, bool: True, datetime: "2026-01-15T12:00:00Z"}.get(kind)


def is_sent(field: structs.FieldInfo, how: str) -> bool:
    may_lack = not field.required or {type(None), UnsetType} & set(get_args(plain(field.type)))
    return how != "sparse" or not may_lack


def plain(kind: Any) -> Any:
    return plain(get_args(kind)[0]) if get_origin(kind) is Annotated else kind


def test_what_follows_a_page_is_asked_for_the_same_sender():
    asked = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append((dict(parse_qsl(urlsplit(str(request.url)).query)), request.headers["authorization"]))
        page = {"users": [{"id": f"user_{len(asked)}", "roles": []}], "next_cursor": "2" if len(asked) == 1 else None}
        return httpx2.Response(200, json=page)

    sender: Incoming = {"authorization": "Bearer of.root"}
    with httpx2.Client(transport=httpx2.MockTransport(answer)) as http:
        users = list(Ostiary(URL, http_client=http).admin.users.list.each(sender, limit=1))
    assert [user.id for user in users] == ["user_1", "user_2"]
    assert asked == [({"limit": "1"}, "Bearer of.root"), ({"limit": "1", "cursor": "2"}, "Bearer of.root")]


@EVERY
def test_what_is_asked_shows_no_secret(path):
    asked = CALLS[path].takes(**dict.fromkeys(inspect.signature(CALLS[path].takes).parameters, SECRET))
    assert SECRET not in repr(asked)
