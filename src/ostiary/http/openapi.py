"""The OpenAPI document: the contract, as other programs read it."""

from __future__ import annotations

import inspect
import types
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Struct

from ostiary import __version__
from ostiary.contract.api import operations
from ostiary.contract.fields import LOCATION, SHARED
from ostiary.contract.oauth import ProofInForm
from ostiary.contract.operation import Operation
from ostiary.http.cookies import SECURE_NAME
from ostiary.http.openapi_errors import HEADERS, WAYS, examples, response, responses

Object: TypeAlias = dict[str, Any]

DESCRIPTION: Final = """\
Who is signed in, from where and on which device, and how to end it now.

Send a credential in one of two places only: the session cookie, or `Authorization: Bearer` with a session token
(`sess_….secret`), a CLI token (`ost_….secret`) or an OAuth access token. A request that carries the cookie and changes
something must come from this origin: browsers say so by themselves, a script adds `Sec-Fetch-Site: none`. A bearer
needs nothing.

Errors are `application/problem+json` (RFC 9457) with a stable `code`; at the endpoints of OAuth, in its own words.
Times are RFC 3339 in UTC.
"""
TAGS: Final = {
    "signing in": "Sign in and out, and what a person does to their own account.",
    "my sessions": "The caller's own sessions.",
    "my CLI tokens": "The caller's own long-lived bearers.",
    "administration: sessions": "Anybody's sessions. Needs the role admin.",
    "administration: plans": "Ending many sessions at once. Needs the role admin.",
    "administration: users": "The directory of accounts. Needs the role admin.",
    "administration: audit trail": "What happened. Needs the role admin.",
    "administration: OAuth": "Clients and signing keys. Needs the role admin.",
    "administration: leaked credentials": "What hangs on a credential that leaked. Needs the role admin.",
    "services": "For programs that take part: OAuth clients, and CLI tokens of administrators.",
    "machines": "For proxies, orchestrators and monitoring.",
    "OAuth": "OAuth 2 and OpenID Connect, as their standards have them.",
}
SCHEMES: Final = {
    "cookie": {
        "type": "apiKey",
        "name": SECURE_NAME,
        "in": "cookie",
        "description": "Set by signing in with the transport `cookie`.",
    },
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A session token, a CLI token, or an OAuth access token.",
    },
    "basic": {
        "type": "http",
        "scheme": "basic",
        "description": "An OAuth client's id and secret; for services and OAuth only.",
    },
}
_COOKIE: Final[Object] = {"cookie": []}
_BEARER: Final[Object] = {"bearer": []}
_BASIC: Final[Object] = {"basic": []}
SECURITY: Final = {
    "nobody": [{}],
    "anybody": [{}, _COOKIE, _BEARER],
    "caller": [_COOKIE, _BEARER],
    "service": [_BEARER, _BASIC],
    "access_token": [_BEARER],
    "client": [_BASIC, {}],  # or in the form
}
REF: Final = "#/components/schemas/{name}"


@cache
def document() -> Object:
    """The whole document, made at the first question: a server that nobody asks starts faster."""
    paths: dict[str, Object] = {}
    for operation in operations():
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Ostiary",
            "version": __version__,
            "description": DESCRIPTION,
            "contact": {"name": "Whoever runs this server"},
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": words} for name, words in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": _components(),
            "examples": {name: one for operation in operations() for name, one in examples(operation).items()},
            "headers": HEADERS,
            "securitySchemes": SCHEMES,
        },
    }


def _operation(operation: Operation[..., Any, Any]) -> Object:
    found: Object = {
        "operationId": operation.id,
        "summary": operation.summary,
        "description": operation.description,
        "tags": [operation.group.tag],
        "security": SECURITY[operation.who],
    }
    parameters = [_parameter(operation, name) for name, place in operation.places.items() if place != "body"]
    if parameters:
        found["parameters"] = parameters
    if operation.has_body:
        media_type = "application/json" if operation.sends == "json" else "application/x-www-form-urlencoded"
        schema = {"$ref": REF.format(name=operation.takes.__name__)}
        found["requestBody"] = {"required": not operation.is_body_optional, "content": {media_type: {"schema": schema}}}
    found["responses"] = {str(operation.status): _answer(operation), **responses(operation)}
    if operation.redirects is not None:
        redirect = {**response(operation.speaks, operation.redirects), "headers": _headers(LOCATION)}
        found["responses"][str(operation.redirect_status)] = redirect
    return found


def _parameter(operation: Operation[..., Any, Any], name: str) -> Object:
    """A field of the path or query. That it may be left out is no value of it, so `null` is not in its schema."""
    schema = dict(_schemas()[operation.takes.__name__]["properties"][name])
    found: Object = {"name": name, "in": operation.places[name]}
    if "description" in schema:
        found["description"] = schema.pop("description")
    if found["in"] == "path":
        found["required"] = True
    found["schema"] = _without_null(schema)
    return found


def _without_null(schema: Object) -> Object:
    choices = [one for one in schema.pop("anyOf", []) if one != {"type": "null"}]
    if schema.get("default", ...) is None:
        del schema["default"]
    if "enum" in schema:
        schema["enum"] = [one for one in schema["enum"] if one is not None]
    if len(choices) == 1:
        return {**choices[0], **schema}
    return {**schema, "anyOf": choices} if choices else schema


def _answer(operation: Operation[..., Any, Any]) -> Object:
    found: Object = {"description": _words(operation)}
    if headers := {**operation.headers, **SHARED[operation.shared]}:
        found["headers"] = _headers(headers)
    if operation.answers is not types.NoneType:
        schema = {"type": "string"} if operation.answers is str else _reference(operation.travels)
        found["content"] = {operation.media_type: {"schema": schema}}
    return found


def _headers(words: Mapping[str, str]) -> Object:
    return {name: {"description": text, "schema": {"type": "string"}} for name, text in words.items()}


def _words(operation: Operation[..., Any, Any]) -> str:
    answers: Any = operation.travels  # a list is no type
    if isinstance(answers, type) and issubclass(answers, Struct):
        return inspect.cleandoc(answers.__doc__ or "").partition("\n")[0]
    return operation.summary


def _reference(answers: Any) -> Object:
    (schema,), _ = msgspec.json.schema_components([answers], ref_template=REF)
    return schema


@cache
def _schemas() -> dict[str, Object]:
    """Every shape that is taken or answered, by its name."""
    kinds: list[Any] = [ProofInForm, *(way.shape for way in WAYS.values())]
    for operation in operations():
        kinds.append(operation.takes)
        if operation.answers not in (types.NoneType, str):
            kinds.append(operation.travels)
    _, found = msgspec.json.schema_components(kinds, ref_template=REF)
    return found


def _components() -> dict[str, Object]:
    """What a reference leads to. Of what is taken only what comes in a body: the rest are parameters."""
    found = {name: dict(schema) for name, schema in _schemas().items()}
    proof = found.pop(ProofInForm.__name__)["properties"]
    for operation in operations():
        places = operation.places
        schema = found.get(operation.takes.__name__)
        if schema is None:
            continue
        if not operation.has_body:
            del found[operation.takes.__name__]
            continue
        taken = {name: inner for name, inner in schema["properties"].items() if places.get(name) == "body"}
        taken |= proof if operation.who == "client" else {}
        # A form has no null.
        schema["properties"] = {
            name: _without_null(dict(inner)) if operation.sends == "form" else inner for name, inner in taken.items()
        }
        if "required" in schema:
            schema["required"] = [name for name in schema["required"] if places.get(name) == "body"]
    return dict(sorted(found.items()))
