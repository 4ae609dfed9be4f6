"""How a handler declares the errors that it can answer with, for the OpenAPI document."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import Annotated, Final

from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example
from msgspec import UNSET, Meta, Struct, UnsetType

from ostiary import errors
from ostiary.errors import OstiaryError
from ostiary.server.problems import MEDIA_TYPE, TYPE_PREFIX
from ostiary.server.shapes import Instant


class Problem(Struct, kw_only=True):
    """An error (RFC 9457). Which of the last fields are there depends on `code`."""

    type: Annotated[str, Meta(examples=["urn:ostiary:error:session_revoked"])]
    title: str
    status: Annotated[int, Meta(ge=400, le=599)]
    code: Annotated[str, Meta(description="Stable, for programs.", examples=["session_revoked"])]
    detail: Annotated[str, Meta(description="For people.")]
    request_id: Annotated[str, Meta(description="Finds the request in the log.")]
    error: Annotated[str, Meta(description="As `detail`, for simple clients.")]
    message: Annotated[str, Meta(description="As `detail`, for simple clients.")]
    field: Annotated[str | UnsetType, Meta(description="invalid_request: which one is wrong.")] = UNSET
    why: Annotated[str | UnsetType, Meta(description="invalid_request: what is wrong with it.")] = UNSET
    revoked_at: Annotated[Instant | UnsetType, Meta(description="session_revoked, token_revoked")] = UNSET
    reason: Annotated[str | UnsetType, Meta(description="session_revoked")] = UNSET
    suspended_until: Annotated[
        Instant | UnsetType, Meta(description="session_revoked: until then it may come back; absent when it ended")
    ] = UNSET
    expired_at: Annotated[Instant | UnsetType, Meta(description="session_expired, token_expired, plan_stale")] = UNSET
    limit: Annotated[str | UnsetType, Meta(description="session_expired: `idle` or `lifetime`")] = UNSET
    max_age: Annotated[int | UnsetType, Meta(description="reauthentication_required: seconds")] = UNSET
    scope: Annotated[str | UnsetType, Meta(description="not_allowed: the scope that lacks")] = UNSET
    role: Annotated[str | UnsetType, Meta(description="not_allowed: the role that lacks")] = UNSET
    added: Annotated[int | UnsetType, Meta(description="plan_stale: sessions that match and are not pinned")] = UNSET
    tolerance: Annotated[int | UnsetType, Meta(description="plan_stale: how many of them were tolerated")] = UNSET
    max_sessions: Annotated[int | UnsetType, Meta(description="limit_reached")] = UNSET
    retry_after: Annotated[int | UnsetType, Meta(description="too_many_requests, store_unavailable: seconds")] = UNSET


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

# Any request can end so, whatever it asks for.
ANY: Final[tuple[type[OstiaryError], ...]] = (errors.InvalidRequest, errors.ServerFault, errors.StoreUnavailable)
# Any request that needs a caller.
CREDENTIAL: Final[tuple[type[OstiaryError], ...]] = (
    errors.NoCredentials,
    errors.SessionInvalid,
    errors.SessionExpired,
    errors.SessionRevoked,
    errors.TokenExpired,
    errors.TokenRevoked,
    errors.NotAllowed,
)


def refusals(*more: type[OstiaryError], public: bool = False, body: bool = False) -> dict[int, ResponseSpec]:
    """The error answers of one operation.

    Args:
        more: beyond what any request can be answered with.
        public: True if it works without a credential.
        body: True if it reads one.
    """
    kinds = [*ANY, *(() if public else CREDENTIAL), *more]
    by_status: dict[int, list[type[OstiaryError]]] = defaultdict(list)
    for kind in dict.fromkeys(kinds):
        by_status[kind.status].append(kind)
    statuses = {400: "The request cannot be read"}
    if body:
        statuses |= {
            408: "The body did not arrive in time",
            413: "The body is too large",
            415: "The body is not sent as JSON",
        }
    found = {status: _spec(title, []) for status, title in statuses.items()}
    for status, listed in sorted(by_status.items()):
        found[status] = _spec(" · ".join(f"`{kind.code}`" for kind in listed), listed)
    return found


def _spec(description: str, kinds: list[type[OstiaryError]]) -> ResponseSpec:
    return ResponseSpec(
        data_container=Problem,
        generate_examples=False,
        description=description,
        media_type=MEDIA_TYPE,
        examples=[_example(kind) for kind in kinds] or None,
    )


def _example(kind: type[OstiaryError]) -> Example:
    error = _SAMPLES.get(kind) or kind()
    fields = {
        name: value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
        for name, value in error.fields.items()
    }
    value = {
        "type": f"{TYPE_PREFIX}{error.code}",
        "title": error.title,
        "status": error.status,
        "code": error.code,
        "detail": error.message,
        "request_id": "5f2b9c0d8e7a41d6b3c2f1e0",
        "error": error.message,
        "message": error.message,
        **fields,
    }
    return Example(id=error.code, summary=error.title, value=value)
