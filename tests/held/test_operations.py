"""Every operation of the API, with its last byte held back: who is no longer the caller when it comes, does nothing.

The walk goes through the OpenAPI document, so that an operation that is added later is in it.
"""

from __future__ import annotations

import asyncio

import pytest

from ostiary.authority import Authority
from tests.held.connection import Asked, Held, ask, json_body
from tests.held.operations import (
    ALWAYS_DONE,
    EVERY,
    OF_NOBODY,
    OF_SESSIONS_ONLY,
    OF_TOKENS_ONLY,
    Operation,
    request_of,
)
from tests.held.people import (
    DEMOTED,
    OPERATOR,
    SUSPENDED,
    TO_A_SESSION,
    TO_A_TOKEN,
    Happens,
    Who,
    new_user,
    with_cli_token,
    with_session,
)
from tests.held.written import difference, dump
from tests.support.people import PASSWORD

BY_A_SESSION = [one for one in EVERY if one.name not in OF_NOBODY.keys() | OF_TOKENS_ONLY]
BY_A_TOKEN = [one for one in EVERY if one.name not in OF_NOBODY.keys() | OF_SESSIONS_ONLY]


@pytest.mark.parametrize("happens", TO_A_SESSION)
async def test_whose_session_ends_or_changes_before_the_last_byte_does_nothing(node, happens):
    authority, port = node
    await _hold_all(authority, port, BY_A_SESSION, await with_session(authority), happens, TO_A_SESSION[happens])


@pytest.mark.parametrize("happens", TO_A_TOKEN)
async def test_whose_cli_token_ends_or_changes_before_the_last_byte_does_nothing(node, happens):
    authority, port = node
    await _hold_all(authority, port, BY_A_TOKEN, await with_cli_token(authority), happens, TO_A_TOKEN[happens])


async def _hold_all(
    authority: Authority, port: int, operations: list[Operation], who: Who, name: str, happens: Happens
) -> None:
    chosen = [one for one in operations if name != DEMOTED or one.is_of_administrators]
    if name == SUSPENDED:  # its holder may let go of it: then it ends for good, which is written
        chosen = [one for one in chosen if one.name not in ALWAYS_DONE]
    asked = [await request_of(one, authority, who) for one in chosen]
    held = [await Held.send(port, one) for one in asked]
    await happens(authority, who)
    before = await dump(authority.database)
    answers = await asyncio.gather(*(one.finish() for one in held))
    wrong = {
        answer.name: answer.status
        for answer in answers
        if answer.status not in {401, 403} and (answer.name, answer.status) not in {(one, 200) for one in ALWAYS_DONE}
    }
    assert wrong == {}
    assert difference(before, await dump(authority.database)) == []


@pytest.mark.parametrize(("operations", "make"), [(BY_A_SESSION, with_session), (BY_A_TOKEN, with_cli_token)])
async def test_the_same_requests_are_done_for_whoever_is_still_the_caller(node, operations, make):
    """So that the tests above cannot pass because their requests could not be done at all."""
    authority, port = node
    refused = {}
    for operation in operations:
        answer = await ask(port, await request_of(operation, authority, await make(authority)))
        if answer.status not in {200, 201}:
            refused[operation.name] = answer.status
    assert refused == {}


@pytest.mark.parametrize("happens", ["disabled", "removed", "given a new password"])
async def test_whose_account_ends_or_changes_before_the_last_byte_of_a_sign_in_gets_no_session(node, happens):
    authority, port = node
    user = await new_user(authority)
    headers, body = json_body({"username": user.username, "password": PASSWORD, "transport": "bearer"})
    asked = Asked("sign_in", "POST", "/api/v1/auth/sessions", headers, body)
    held = await Held.send(port, asked)
    who = Who(user, OPERATOR, "")
    await TO_A_SESSION[happens](authority, who)
    before = await dump(authority.database)
    assert (await held.finish()).status == 401
    # That it was refused is counted, and told.
    kinds = {line.partition(": ")[0] for line in difference(before, await dump(authority.database))}
    assert kinds <= {"refusals", "events"}


async def test_an_installation_is_set_up_once_whoever_holds_back_the_last_byte(node):
    authority, port = node
    code = await authority.setup.make_code()
    requests = []
    for name in ("first", "second"):
        headers, body = json_body({"code": code, "username": name, "password": PASSWORD})
        requests.append(Asked(name, "POST", "/api/v1/setup", headers | {"Sec-Fetch-Site": "none"}, body))
    held = await Held.send(port, requests[0])
    assert (await ask(port, requests[1])).status == 201
    before = await dump(authority.database)
    assert (await held.finish()).status == 404
    assert difference(before, await dump(authority.database)) == []


def test_every_operation_is_walked():
    assert {one.name for one in EVERY} == {one.name for one in [*BY_A_SESSION, *BY_A_TOKEN]} | OF_NOBODY.keys()
    of_nobody = {one.name for one in EVERY if {} in one.described["security"]}
    assert OF_NOBODY.keys() | ALWAYS_DONE == of_nobody
