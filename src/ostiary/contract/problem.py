"""An error as it travels (RFC 9457)."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from ostiary.contract.shapes import Instant


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
