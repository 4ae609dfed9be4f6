"""What the command line asks for is what the contract has: where it is, and what it takes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from msgspec import NODEFAULT, structs

import ostiary.cli
from ostiary.cli.operations import OPERATIONS, request_of
from ostiary.contract.api import operations
from ostiary.contract.operation import API

CONTRACT = {operation.id: operation for operation in operations()}
SOURCE = Path(ostiary.cli.__file__).parent
ASKING = {"ask", "ask_list", "ask_pages"}
OWN = {"most", "cursor"}  # of `ask_pages` itself


class Asked(NamedTuple):
    where: str
    operation: str
    names: frozenset[str]
    is_whole: bool  # no `**` among them


def asked() -> Iterator[Asked]:
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or getattr(node.func, "attr", None) not in ASKING:
                continue
            first, names = node.args[0], frozenset(one.arg for one in node.keywords if one.arg)
            if isinstance(first, ast.Constant):
                yield Asked(
                    f"{path.name}:{node.lineno}", str(first.value), names - OWN, len(node.keywords) == len(names)
                )


EVERY = list(asked())


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_is_where_the_contract_has_it(name):
    method, path = OPERATIONS[name]
    operation = CONTRACT[name]
    assert (method, API + path) == (operation.method, operation.path)
    assert (operation.sends, operation.speaks, operation.media_type) == ("json", "problem", "application/json")


@pytest.mark.parametrize("one", EVERY, ids=lambda one: one.where)
def test_each_call_gives_what_the_operation_takes(one):
    fields = structs.fields(CONTRACT[one.operation].takes)
    assert one.names <= {field.encode_name for field in fields}
    if one.is_whole:
        needed = {field.encode_name for field in fields if field.default is field.default_factory is NODEFAULT}
        assert needed <= one.names


def test_none_stands_there_for_nobody():
    constants = {
        node.value
        for path in SOURCE.rglob("*.py")
        if path.name != "operations.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
    }
    assert set(OPERATIONS) <= constants
    assert {one.operation for one in EVERY} <= set(OPERATIONS)
    assert len(EVERY) > 30


def test_what_is_taken_travels_where_the_contract_says():
    assert request_of("list_events", {"user": "a b", "limit": 2}) == (
        "GET",
        f"{API}/admin/events?user=a+b&limit=2",
        None,
    )
    assert request_of("set_password", {"username": "a/b", "new": "x"}) == (
        "POST", f"{API}/admin/users/a%2Fb/password", {"new": "x"},
    )  # fmt: skip
    assert request_of("delete_user", {"username": "ü"}) == ("DELETE", f"{API}/admin/users/%C3%BC", None)
    assert request_of("list_plans", {}) == ("GET", f"{API}/admin/sessions/plan", None)
