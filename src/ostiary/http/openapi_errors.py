"""The errors of an operation, as the OpenAPI document has them: each with its words, its headers and an example.

They are made by what answers them, so the document cannot say anything else than the server does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType, to_builtins

from ostiary import errors
from ostiary.contract.operation import Operation, Speaks
from ostiary.contract.problem import Problem
from ostiary.core.oauth.fields import code_of
from ostiary.errors import OstiaryError
from ostiary.http import problems
from ostiary.http.oauth import failures as oauth

Object: TypeAlias = dict[str, Any]


class OAuthProblem(Struct):
    """An error in OAuth's words (RFC 6749 5.2)."""

    error: Annotated[str, Meta(description="Stable, for programs.", examples=["invalid_grant"])]
    error_description: Annotated[str, Meta(description="For people.")]


class MessageProblem(Struct):
    """An error of the sessions namespace."""

    message: Annotated[str, Meta(description="For people.")]
    code: Annotated[str, Meta(description="Where there is something to do: what it is.")] | UnsetType = UNSET
    max_age: (
        Annotated[
            int, Meta(description="With `reauthentication_required`: the oldest proof that would do, in seconds.")
        ]
        | UnsetType
    ) = UNSET


@dataclass(frozen=True, slots=True)
class Way:
    """How an error is said.

    Attributes:
        content: what is in it.
        told: what the description of its status calls it.
    """

    shape: type[Struct]
    media_type: str
    status: Callable[[OstiaryError], int]
    headers: Callable[[OstiaryError], Mapping[str, str]]
    content: Callable[[OstiaryError], Object]
    told: Callable[[OstiaryError], str]


REQUEST_ID: Final = "5f2b9c0d8e7a41d6b3c2f1e0"
WAYS: Final[Mapping[Speaks, Way]] = {
    "problem": Way(
        Problem,
        problems.MEDIA_TYPE,
        lambda error: error.status,
        lambda error: {name.decode(): value.decode() for name, value in problems.headers(error)},
        lambda error: problems.members(error, REQUEST_ID),
        lambda error: f"`{error.code}`",
    ),
    "oauth": Way(
        OAuthProblem,
        "application/json",
        oauth.status_of,
        oauth.headers_of,
        oauth.in_oauths_words,
        lambda error: f"`{code_of(error)}`",
    ),
    "message": Way(
        MessageProblem,
        "application/json",
        oauth.status_of,
        oauth.headers_of,
        oauth.in_a_message,
        lambda error: str(oauth.in_a_message(error)["message"]),
    ),
}
HEADERS: Final[Mapping[str, Object]] = {
    "WWW-Authenticate": {
        "description": "What would be accepted, and what is wrong with what was sent (RFC 6750 3, RFC 9470 3).",
        "schema": {"type": "string"},
    },
    "Retry-After": {"description": "Seconds until it is worth asking again.", "schema": {"type": "string"}},
}
_AT: Final = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
_SAMPLES: Final[dict[type[OstiaryError], OstiaryError]] = {
    errors.SessionExpired: errors.SessionExpired(_AT, "idle"),
    errors.SessionRevoked: errors.SessionRevoked(_AT, "user"),
    errors.TokenExpired: errors.TokenExpired(_AT),
    errors.TokenRevoked: errors.TokenRevoked(_AT),
    errors.ReauthenticationRequired: errors.ReauthenticationRequired(900),
    errors.NotAllowed: errors.NotAllowed(scope="sessions:revoke"),
    errors.UserNotFound: errors.UserNotFound("ada"),
    errors.LimitReached: errors.LimitReached(5),
    errors.PlanStale: errors.PlanStale("3 sessions that match came since it was made", added=3, tolerance=0),
    errors.InvalidRequest: errors.InvalidRequest("password", "use at least 8 characters"),
    errors.TooManyRequests: errors.TooManyRequests(60),
}


def responses(operation: Operation[..., Any, Any]) -> dict[str, Object]:
    """The answers of an operation that are errors, by status."""
    way = WAYS[operation.speaks]
    by_status: dict[int, list[OstiaryError]] = defaultdict(list)
    for kind in dict.fromkeys(operation.errors):
        by_status[way.status(sample(kind))].append(sample(kind))
    titles = {400: "The request cannot be read"}
    if operation.has_body:
        titles |= {408: "The body did not arrive in time", 413: "The body is too large"}
        if operation.speaks == "problem":
            titles[415] = "The body is not sent as JSON"
    found = {status: response(operation.speaks, title) for status, title in titles.items()}
    for status, kinds in by_status.items():
        found[status] = response(operation.speaks, " · ".join(dict.fromkeys(map(way.told, kinds))), kinds)
    if "path" in operation.places.values():  # with a value that cannot be one, it leads nowhere
        found[404] = {**found[404], "content": _problem("")["content"] | found[404]["content"]}
    if {"path", "query"} & set(operation.places.values()):
        found[414] = _problem("The path or the query is too long")
    return {str(status): found[status] for status in sorted(found)}


def _problem(description: str) -> Object:
    """What is refused before anybody looks at which operation it is for."""
    return response("problem", description)


def response(speaks: Speaks, description: str, samples: list[OstiaryError] | None = None) -> Object:
    """One answer that is an error."""
    way, samples = WAYS[speaks], samples or []
    content: Object = {"schema": {"$ref": f"#/components/schemas/{way.shape.__name__}"}}
    if samples:
        names = [_name(speaks, error) for error in samples]
        content["examples"] = {name: {"$ref": f"#/components/examples/{name}"} for name in names}
    headers = {name for error in samples for name in way.headers(error)}
    found: Object = {"description": description}
    described = {name: {"$ref": f"#/components/headers/{name}"} for name in HEADERS if name.lower() in headers}
    if described:
        found["headers"] = described
    return {**found, "content": {way.media_type: content}}


def examples(operation: Operation[..., Any, Any]) -> dict[str, Object]:
    """What the answers of an operation refer to."""
    way, samples = WAYS[operation.speaks], map(sample, operation.errors)
    return {
        _name(operation.speaks, error): {"summary": error.title, "value": to_builtins(way.content(error))}
        for error in samples
    }


def sample(kind: type[OstiaryError]) -> OstiaryError:
    """One of its kind."""
    return _SAMPLES.get(kind) or kind()


def _name(speaks: Speaks, error: OstiaryError) -> str:
    return error.code if speaks == "problem" else f"{speaks}.{error.code}"
