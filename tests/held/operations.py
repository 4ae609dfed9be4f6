"""One valid request of each operation of the API, made of its own description.

What the description cannot know, such as an id of something that exists, stands here by its name. OAuth's operations
take none of the credentials that are tried here: tests/oauth holds them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from ostiary.authority import Authority
from ostiary.core.oauth.client import Registration
from ostiary.core.oauth.resource import NewResource
from ostiary.core.selector import Selector
from ostiary.core.token import new_id
from ostiary.http.openapi import document
from ostiary.storage import clients
from tests.held.connection import Asked, json_body
from tests.held.people import OPERATOR, Who, new_user, with_cli_token, with_session
from tests.support.people import PASSWORD

DOCUMENT = document()


@dataclass(frozen=True)
class Operation:
    """As the document describes it."""

    name: str
    method: str
    path: str
    described: dict[str, Any]

    @property
    def is_of_administrators(self) -> bool:
        return self.path.startswith("/api/v1/admin/")


EVERY = [
    Operation(described["operationId"], method.upper(), path, described)
    for path, item in DOCUMENT["paths"].items()
    for method, described in item.items()
    if described["tags"] != ["OAuth"]
]
OF_NOBODY = {
    "is_alive": "nobody asks",
    "is_ready": "nobody asks",
    "sign_in": "somebody becomes a caller by it; the tests below",
    "set_up": "the same",
}
OF_TOKENS_ONLY = {"validate_cli_token", "follow_feed", "verifications", "metrics"}
OF_SESSIONS_ONLY = {"current_session", "reauthenticate", "change_password"}
ALWAYS_DONE = {"sign_out"}  # "It always works, signed in or not"


async def request_of(operation: Operation, authority: Authority, who: Who) -> Asked:
    """A request that does what the operation is for, if the caller may."""
    path = operation.path
    for parameter in operation.described.get("parameters", []):
        name = parameter["name"]
        if parameter["in"] == "path":
            make = IN_PATHS.get((operation.name, name)) or IN_PATHS.get(("", name))
            assert make is not None, f"{operation.name}: say in IN_PATHS what its {name} may be"
            path = path.replace(f"{{{name}}}", await make(authority, who))
        assert parameter["in"] == "path" or not parameter.get("required"), f"{operation.name}: give it a {name}"
    headers, body = {"Authorization": f"Bearer {who.secret}"}, None
    if "requestBody" in operation.described:
        ((media_type, content),) = operation.described["requestBody"]["content"].items()
        assert media_type == "application/json", operation.name
        fields = example(content["schema"]) or {}
        for name, make in IN_BODIES.get(operation.name, {}).items():
            fields[name] = await make(authority, who)
        more, body = json_body(fields)
        headers |= more
    return Asked(operation.name, operation.method, path, headers, body)


def example(schema: dict[str, Any]) -> Any:
    """A value that a schema allows: its own example, or the least that is complete."""
    if "$ref" in schema:
        return example(DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    for ready in ("examples", "enum"):
        if schema.get(ready):
            return schema[ready][0]
    for union in ("oneOf", "anyOf"):
        if union in schema:
            return example(schema[union][0])
    if schema.get("type") == "object":
        wanted = schema.get("required", [])
        return {name: example(part) for name, part in schema.get("properties", {}).items() if name in wanted}
    if schema.get("type") == "array":
        return [example(schema["items"])] * schema.get("minItems", 0)
    return {"string": "text", "integer": schema.get("minimum", 1), "number": 1, "boolean": False}[schema["type"]]


Make = Callable[[Authority, Who], Awaitable[Any]]


async def _own_session(authority: Authority, who: Who) -> str:
    return (await with_session(authority, who.user)).caller.session_id or ""


async def _anybodys_session(authority: Authority, _: Who) -> str:
    return await _own_session(authority, await with_session(authority))


async def _own_token(authority: Authority, who: Who) -> str:
    by = (await with_session(authority, who.user)).caller
    return (await authority.tokens.create(by=by)).token.id


async def _member(authority: Authority, _: Who) -> str:
    return (await new_user(authority)).username or ""


async def _disabled_member(authority: Authority, who: Who) -> str:
    username = await _member(authority, who)
    await authority.accounts.disable(username, by=OPERATOR)
    return username


async def _new_name(*_: object) -> str:
    return f"new-{new_id('user')[-12:]}"


async def _plan(authority: Authority, who: Who) -> str:
    of = await with_session(authority)
    return (await authority.plans.make(Selector(user=of.username), by=OPERATOR)).plan.id


async def _applied_plan(authority: Authority, who: Who) -> str:
    plan_id = await _plan(authority, who)
    await authority.plans.apply(plan_id, by=OPERATOR)
    return plan_id


async def _ending(authority: Authority, who: Who) -> str:
    session_id = await _anybodys_session(authority, who)
    await authority.administration.revoke(session_id, by=OPERATOR)
    return session_id


async def _own_ending(authority: Authority, who: Who) -> str:
    session_id = await _own_session(authority, who)
    await authority.administration.revoke(session_id, by=OPERATOR)
    return session_id


async def _client(authority: Authority, _: Who) -> str:
    wanted = Registration("Shop", redirect_uris=["https://shop.example/back"])
    client = wanted.check(new_id("client"), authority.clock())
    async with authority.database.transaction() as db:
        await clients.add(db, client, b"-" * 32)
    return client.id


async def _resource(authority: Authority, _: Who) -> str:
    wanted = NewResource(f"https://{new_id('res')}.example", "Notes")
    return (await authority.oauth.resources.add(wanted, by=OPERATOR)).id


async def _credentials(authority: Authority, _: Who) -> list[dict[str, Any]]:
    return [{"token": (await with_cli_token(authority)).secret, "is_use": False}]


def _text(text: str) -> Make:
    async def make(*_: object) -> str:
        return text

    return make


async def _other_roles(*_: object) -> list[str]:
    return ["admin", "member"]


# By operation and parameter; without an operation, for all the others.
IN_PATHS: dict[tuple[str, str], Make] = {
    ("", "session_id"): _own_session,
    ("revoke_any_session", "session_id"): _anybodys_session,
    ("show_lag", "session_id"): _own_ending,
    ("show_any_lag", "session_id"): _ending,
    ("", "token_id"): _own_token,
    ("", "username"): _member,
    ("enable_user", "username"): _disabled_member,
    ("", "plan_id"): _plan,
    ("undo_plan", "plan_id"): _applied_plan,
    ("receipt_of_ending", "event_id"): _ending,
    ("", "client_id"): _client,
    ("", "resource_id"): _resource,
}
IN_BODIES: dict[str, dict[str, Make]] = {
    "reauthenticate": {"password": _text(PASSWORD)},
    "change_password": {"current": _text(PASSWORD), "new": _text("another long password")},
    "add_user": {"username": _new_name},
    "set_roles": {"roles": _other_roles},
    "make_plan": {"user": _member},
    "preview_neutralise": {"credential": _anybodys_session},
    "neutralise": {"credential": _anybodys_session},
    "verifications": {"credentials": _credentials},
}
