"""The errors of each operation, for the OpenAPI document: by status, with an example of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeAlias

from msgspec import Meta, Struct

from ostiary import errors
from ostiary.contract.operation import Operation, Speaks
from ostiary.contract.problem import Problem
from ostiary.errors import OstiaryError
from ostiary.server.problems import MEDIA_TYPE, members

Object: TypeAlias = dict[str, Any]


class OAuthProblem(Struct):
    """An error in OAuth's words (RFC 6749 5.2)."""

    error: Annotated[str, Meta(description="Stable, for programs.", examples=["invalid_grant"])]
    error_description: Annotated[str, Meta(description="For people.")]


class MessageProblem(Struct):
    """An error of the sessions namespace."""

    message: Annotated[str, Meta(description="For people.")]


SHAPES: Final[Mapping[Speaks, type[Struct]]] = {
    "problem": Problem,
    "oauth": OAuthProblem,
    "message": MessageProblem,
}
_AT: Final = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
_SAMPLES: Final[dict[type[OstiaryError], OstiaryError]] = {
    errors.SessionExpired: errors.SessionExpired(_AT, "idle"),
    errors.SessionRevoked: errors.SessionRevoked(_AT, "user"),
    errors.TokenExpired: errors.TokenExpired(_AT),
    errors.TokenRevoked: errors.TokenRevoked(_AT),
    errors.ReauthenticationRequired: errors.ReauthenticationRequired(900),
    errors.UserNotFound: errors.UserNotFound("ada"),
    errors.LimitReached: errors.LimitReached(5),
    errors.PlanStale: errors.PlanStale("3 sessions that match came since it was made", added=3, tolerance=0),
    errors.InvalidRequest: errors.InvalidRequest("password", "use at least 8 characters"),
    errors.TooManyRequests: errors.TooManyRequests(60),
}


def responses(operation: Operation[..., Any, Any]) -> dict[str, Object]:
    """The answers of an operation that are errors, by status."""
    titles = {400: "The request cannot be read"}
    if operation.has_body:
        titles |= {
            408: "The body did not arrive in time",
            413: "The body is too large",
            415: "The body is not sent as it has to be",
        }
    by_status: dict[int, list[type[OstiaryError]]] = defaultdict(list)
    for kind in dict.fromkeys(operation.errors):
        status = 400 if operation.speaks != "problem" and kind.status == 422 else kind.status
        by_status[status].append(kind)
    found = {status: _response(operation, title, []) for status, title in titles.items()}
    for status, kinds in by_status.items():
        found[status] = _response(operation, " · ".join(f"`{kind.code}`" for kind in kinds), kinds)
    return {str(status): found[status] for status in sorted(found)}


def _response(operation: Operation[..., Any, Any], description: str, kinds: list[type[OstiaryError]]) -> Object:
    content: Object = {"schema": {"$ref": f"#/components/schemas/{SHAPES[operation.speaks].__name__}"}}
    if operation.speaks == "problem" and kinds:
        content["examples"] = {kind.code: {"summary": kind.title, "value": _example(kind)} for kind in kinds}
    media_type = MEDIA_TYPE if operation.speaks == "problem" else "application/json"
    return {"description": description, "content": {media_type: content}}


def _example(kind: type[OstiaryError]) -> Object:
    found = members(_SAMPLES.get(kind) or kind(), "5f2b9c0d8e7a41d6b3c2f1e0")
    return {name: _text(value) if isinstance(value, datetime) else value for name, value in found.items()}


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
