"""The OpenAPI document: complete, and what it shows is right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from ostiary import errors
from ostiary.contract.api import operations
from ostiary.errors import NoCredentials
from ostiary.http.openapi import document
from ostiary.http.openapi_errors import WAYS
from tests.http.visitors import bearer, visitor

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # which makes no difference here

DOCUMENT = document()
OPERATIONS = {
    (method, path): operation
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method in {"get", "post", "put", "patch", "delete", "head", "options"}
}
OTHERWISE = {"metrics", "validate_cli_token", "follow_feed", "oauth_end_session"}  # not JSON, or not for a session
OTHERWISE |= {one.id for one in operations() if one.who == "access_token"}
OAUTHS = {one.id for one in operations() if one.speaks != "problem"}
SPEAKS = {one.id: one.speaks for one in operations()}
SENDS_NOTHING = NoCredentials.title
PUBLIC = {one["operationId"] for one in OPERATIONS.values() if {} in one.get("security", [])}


def test_every_promised_endpoint_is_described():
    assert {f"{method.upper()} {path}" for method, path in OPERATIONS} == {
        *(
            f"{call} /api/v1/auth{path}"
            for call, path in (
                ("POST", "/sessions"),
                ("GET", "/sessions"),
                ("GET", "/sessions/current"),
                ("GET", "/sessions/{session_id}/lag"),
                ("POST", "/sessions/{session_id}/revoke"),
                ("POST", "/sessions/{session_id}/label"),
                ("DELETE", "/sessions/{session_id}"),
                ("POST", "/sessions/revoke-others"),
                ("POST", "/sessions/revoke-all"),
                ("POST", "/logout"),
                ("GET", "/whoami"),
                ("POST", "/password"),
                ("POST", "/reauthenticate"),
                ("POST", "/cli-token"),
                ("GET", "/cli-token/validate"),
                ("GET", "/cli-tokens"),
                ("DELETE", "/cli-tokens/{token_id}"),
                ("POST", "/cli-tokens/{token_id}/rotate"),
            )
        ),
        *(
            f"{call} /api/v1/admin{path}"
            for call, path in (
                ("GET", "/sessions"),
                ("POST", "/sessions/{session_id}/revoke"),
                ("POST", "/sessions/plan"),
                ("GET", "/sessions/plan"),
                ("GET", "/sessions/plan/{plan_id}"),
                ("POST", "/sessions/plan/{plan_id}/apply"),
                ("POST", "/sessions/plan/{plan_id}/undo"),
                ("GET", "/users"),
                ("POST", "/users"),
                ("GET", "/users/{username}"),
                ("DELETE", "/users/{username}"),
                ("POST", "/users/{username}/sessions"),
                ("POST", "/users/{username}/logout"),
                ("POST", "/users/{username}/disable"),
                ("POST", "/users/{username}/enable"),
                ("POST", "/users/{username}/password"),
                ("POST", "/users/{username}/roles"),
                ("POST", "/users/{username}/export"),
                ("POST", "/users/{username}/erase"),
                ("GET", "/sessions/{session_id}/lag"),
                ("GET", "/verifiers"),
                ("GET", "/events"),
                ("GET", "/events/{event_id}/receipt"),
                ("GET", "/clients"),
                ("POST", "/clients"),
                ("GET", "/clients/{client_id}"),
                ("DELETE", "/clients/{client_id}"),
                ("POST", "/clients/{client_id}/secret"),
                ("POST", "/keys/rotate"),
                ("POST", "/neutralise"),
                ("POST", "/neutralise/apply"),
            )
        ),
        *(
            "GET /api/v1/admin/resources",
            "POST /api/v1/admin/resources",
            "GET /api/v1/admin/resources/{resource_id}",
            "DELETE /api/v1/admin/resources/{resource_id}",
            "POST /api/v1/setup",
            "GET /api/v1/feed",
            "POST /api/v1/verifications",
            "GET /verify",
            "GET /healthz",
            "GET /readyz",
            "GET /metrics",
        ),
        *(
            "GET /.well-known/openid-configuration",
            "GET /.well-known/oauth-authorization-server",
            "GET /.well-known/jwks.json",
            "POST /oauth/token",
            "POST /oauth/par",
            "POST /oauth/revoke",
            "POST /oauth/introspect",
            "GET /oauth/userinfo",
            "POST /oauth/userinfo",
            "GET /oauth/sessions",
            "POST /oauth/sessions/{session_id}/revoke",
            "POST /oauth/logout-all",
            "GET /oauth/logout",
            "POST /oauth/logout",
        ),
    }


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_every_operation_says_what_it_does_and_every_error_it_has(method, path):
    operation = OPERATIONS[method, path]
    assert operation["summary"] and operation["description"] and operation["tags"]
    statuses = set(operation["responses"])
    assert {"400", "500", "503"} <= statuses
    assert "422" in statuses or operation["operationId"] in OAUTHS
    assert {"401", "403"} <= statuses or operation["operationId"] in PUBLIC
    assert ("requestBody" in operation) == ("413" in statuses)
    assert ("415" in statuses) == ("requestBody" in operation and operation["operationId"] not in OAUTHS)
    for status, answer in operation["responses"].items():
        if int(status) >= 400:
            ways = {SPEAKS[operation["operationId"]]} - ({"oauth", "message"} if status == "414" else set())
            ways |= {"problem"} if status in {"404", "414"} else set()  # not found to be its own
            assert {
                media: content["schema"]["$ref"].rpartition("/")[2] for media, content in answer["content"].items()
            } == {WAYS[way].media_type: WAYS[way].shape.__name__ for way in ways}
            assert answer["description"]
            assert ("Retry-After" in answer.get("headers", {})) == (status in {"429", "503"})
            assert "WWW-Authenticate" in answer.get("headers", {}) or status != "401"


def test_every_error_of_the_tree_that_a_client_can_meet_has_an_example():
    shown = {
        name
        for operation in OPERATIONS.values()
        for answer in operation["responses"].values()
        for content in answer.get("content", {}).values()
        for name in content.get("examples", {})
    }
    assert shown == DOCUMENT["components"]["examples"].keys()
    every = {kind.code for kind in _leaves(errors.OstiaryError)}
    oauth = {kind.code for kind in _leaves(errors.OAuthError)}
    of_the_page = {"unsupported_response_type", "access_denied", "login_required", "consent_required"}
    of_the_page |= {"request_not_supported", "request_uri_not_supported", "registration_not_supported"}
    assert {name for name in shown if "." not in name} == every - oauth - {"configuration"}
    assert {name.removeprefix("oauth.") for name in shown if name.startswith("oauth.")} >= oauth - of_the_page


def _leaves(kind: type[errors.OstiaryError]) -> list[type[errors.OstiaryError]]:
    below = [one for one in kind.__subclasses__() if one.__module__.startswith(errors.__name__)]
    own = [kind] if kind in {errors.Conflict} or not below else []
    return own + [leaf for one in below for leaf in _leaves(one)]


def test_every_example_of_an_error_is_one():
    seen = 0
    for operation in OPERATIONS.values():
        for status, answer in operation["responses"].items():
            for content in answer.get("content", {}).values():
                for reference in content.get("examples", {}).values():
                    example = DOCUMENT["components"]["examples"][reference["$ref"].rpartition("/")[2]]
                    validator_of(content["schema"]).validate(example["value"])
                    assert str(example["value"].get("status", status)) == status
                    seen += 1
    assert seen > 100


def test_every_example_of_a_shape_is_one():
    seen = 0
    for schema in parts(DOCUMENT):
        for example in schema.get("examples", []) if isinstance(schema.get("examples"), list) else []:
            validator_of({name: value for name, value in schema.items() if name != "examples"}).validate(example)
            seen += 1
    assert seen > 100


def validator_of(schema: Any) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator({**schema, "components": DOCUMENT["components"]})


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in it."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from parts(inner)


def test_shapes_are_named_shortly_and_bounded():
    schemas = DOCUMENT["components"]["schemas"]
    assert all(name.isalpha() and len(name) <= 20 for name in schemas), sorted(schemas)
    taken = {one.takes.__name__ for one in operations() if one.speaks == "problem" and one.has_body}
    assert len(taken) > 12
    for name in taken:
        schema = schemas[name]
        assert schema["additionalProperties"] is False
        for field, inner in schema["properties"].items():
            for part in [inner, *inner.get("anyOf", [])]:
                if part.get("type") == "string" and "enum" not in part:
                    assert "maxLength" in part, (name, field)
                if part.get("type") == "array":
                    assert "maxItems" in part, (name, field)


def test_both_ways_to_send_a_credential_are_described():
    assert set(document()["components"]["securitySchemes"]) == {"cookie", "bearer", "basic"}
    assert document()["components"]["securitySchemes"]["cookie"]["name"] == "__Host-session"


@on_sqlite
async def test_who_has_no_credential_is_let_in_where_the_document_says_so_and_nowhere_else(app):
    async with visitor(app) as nobody:
        for (method, path), operation in OPERATIONS.items():
            answer = await nobody.request(method.upper(), path.replace("{", "").replace("}", ""))
            is_let_in = answer.status_code != 401 or SENDS_NOTHING not in answer.text
            assert is_let_in == (operation["operationId"] in PUBLIC), (operation["operationId"], answer.text)


@on_sqlite
async def test_the_document_is_served_to_anybody(app):
    async with visitor(app) as nobody:
        answer = await nobody.get("/api/openapi.json")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == document()
    assert answer.json()["openapi"].startswith("3.1")


@on_sqlite
async def test_answers_have_the_described_shape(app):
    checked = 0
    async with bearer(app, "root") as client:
        for (method, path), operation in OPERATIONS.items():
            if method != "get" or "{" in path or operation["operationId"] in OTHERWISE:
                continue
            answer = await client.get(path)
            schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
            jsonschema_rs.Draft202012Validator({**schema, "components": document()["components"]}).validate(
                answer.json()
            )
            checked += 1
    assert checked >= 8
