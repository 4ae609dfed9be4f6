"""What holds for every operation of the contract, whichever is added."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from msgspec import structs

from ostiary.contract.operation import ANY, CREDENTIAL, Operation
from ostiary.errors import SessionNotFound
from ostiary.http.openapi import TAGS, document
from ostiary.http.routing import Routes, parameters
from tests.support import declared
from tests.support.routes import api_routes, every_route, filled, operations

EVERY = pytest.mark.parametrize("operation", operations(), ids=lambda operation: operation.id)
IN_FRONT = {"verify"}  # of the dispatch


def test_every_operation_has_a_handler():
    served = {(route.method, route.path) for route in api_routes()}
    assert served == {(one.method, one.path) for one in operations() if one.id not in IN_FRONT}


@EVERY
def test_an_operation_has_words(operation: Operation[..., Any, Any]) -> None:
    assert re.fullmatch(r"[A-Z].{3,60}[^.]", operation.summary)
    assert operation.takes.__doc__ and operation.description == inspect.cleandoc(operation.takes.__doc__)
    assert operation.group.tag in TAGS


@EVERY
def test_what_an_operation_takes_in_its_path_is_in_its_template_and_needed(operation: Operation[..., Any, Any]) -> None:
    named = set(re.findall(r"\{(\w+)\}", operation.path))
    fields = {field.encode_name: field for field in structs.fields(operation.takes)}
    assert named == {name for name, place in operation.places.items() if place == "path"}
    assert all(fields[name].required for name in named)


@EVERY
def test_what_is_asked_by_the_query_may_be_left_out(operation: Operation[..., Any, Any]) -> None:
    fields = {field.encode_name: field for field in structs.fields(operation.takes)}
    assert all(not fields[name].required for name, place in operation.places.items() if place == "query")


@EVERY
def test_an_operation_declares_each_error_once(operation: Operation[..., Any, Any]) -> None:
    own = operation.errors[len(ANY) :]
    if operation.who in {"caller", "service", "access_token"}:
        own = own[len(CREDENTIAL) :]
        assert not set(own) & set(CREDENTIAL)
    assert not set(own) & set(ANY) and max(Counter(own).values(), default=1) == 1
    assert len({kind.code for kind in operation.errors}) == len(operation.errors)


@EVERY
def test_an_operation_is_found_by_its_own_path_and_no_other(operation: Operation[..., Any, Any]) -> None:
    values = {name: f"{name}-x" for name in re.findall(r"\{(\w+)\}", operation.path)}
    found = Routes(every_route()).find(filled(operation.path, values))
    if operation.id in IN_FRONT:
        assert found is None
        return
    assert found is not None
    route = found[0][operation.method]
    assert route.path == operation.path
    assert parameters(route, found[1]) == values


def test_ids_are_unique_and_spelled_alike():
    ids = [one.id for one in operations()]
    assert max(Counter(ids).values()) == 1
    assert all(re.fullmatch(r"[a-z]+(?:_[a-z]+)*", name) for name in ids)


def test_shapes_have_unique_names():
    """Else a program that is made from the document would have two types of one name, or msgspec a long one."""
    kinds: list[Any] = [kind for one in operations() for kind in (one.takes, one.travels) if kind is not type(None)]
    _, schemas = msgspec.json.schema_components(kinds)
    assert [name for name in schemas if not name.isalpha()] == []
    taken = Counter(kind.__name__ for kind in {one.takes for one in operations()})
    assert [name for name, times in taken.items() if times > 1] == []


def test_every_shape_of_the_document_is_used():
    used = set(re.findall(r"#/components/schemas/(\w+)", msgspec.json.encode(document()).decode()))
    assert used == document()["components"]["schemas"].keys()


async def test_what_is_not_declared_is_seen():
    """The watch over all tests (tests/support/declared.py) can fail."""
    operation = next(one for one in operations() if one.id == "list_sessions")

    async def fails(*_: object) -> Any:
        raise SessionNotFound

    route = next(one for one in api_routes() if (one.method, one.path) == (operation.method, operation.path))
    (watched,) = declared.watched([replace(route, endpoint=fails)])
    exchange: Any = None
    with pytest.raises(SessionNotFound):
        await watched.endpoint(exchange, {}, b"")
    assert declared.seen == ["list_sessions does not declare session_not_found"]
    declared.seen.clear()
