"""An error as it travels (RFC 9457)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from ostiary.contract.answer import LEFT_OUT, Answer, LeftOut
from ostiary.contract.shapes import Instant


class Problem(Answer, kw_only=True):
    """An error (RFC 9457). Which of the last fields are there depends on `code`."""

    type: Annotated[str, Meta(examples=["urn:ostiary:error:session_revoked"])]
    title: str
    status: Annotated[int, Meta(ge=400, le=599)]
    code: Annotated[str, Meta(description="Stable, for programs.", examples=["session_revoked"])]
    detail: Annotated[str, Meta(description="For people.")]
    request_id: Annotated[str, Meta(description="Finds the request in the log.")]
    error: Annotated[str, Meta(description="As `detail`, for simple clients.")]
    message: Annotated[str, Meta(description="As `detail`, for simple clients.")]
    field: Annotated[str | LeftOut, Meta(description="invalid_request: which one is wrong.")] = LEFT_OUT
    why: Annotated[str | LeftOut, Meta(description="invalid_request: what is wrong with it.")] = LEFT_OUT
    revoked_at: Annotated[Instant | LeftOut, Meta(description="session_revoked, token_revoked")] = LEFT_OUT
    reason: Annotated[str | LeftOut, Meta(description="session_revoked")] = LEFT_OUT
    suspended_until: Annotated[
        Instant | LeftOut, Meta(description="session_revoked: until then it may come back; absent when it ended")
    ] = LEFT_OUT
    expired_at: Annotated[Instant | LeftOut, Meta(description="session_expired, token_expired, plan_stale")] = LEFT_OUT
    limit: Annotated[str | LeftOut, Meta(description="session_expired: `idle` or `lifetime`")] = LEFT_OUT
    max_age: Annotated[int | LeftOut, Meta(description="reauthentication_required: seconds")] = LEFT_OUT
    scope: Annotated[str | LeftOut, Meta(description="not_allowed: the scope that lacks")] = LEFT_OUT
    role: Annotated[str | LeftOut, Meta(description="not_allowed: the role that lacks")] = LEFT_OUT
    added: Annotated[int | LeftOut, Meta(description="plan_stale: sessions that match and are not pinned")] = LEFT_OUT
    tolerance: Annotated[int | LeftOut, Meta(description="plan_stale: how many of them were tolerated")] = LEFT_OUT
    max_sessions: Annotated[int | LeftOut, Meta(description="limit_reached")] = LEFT_OUT
    retry_after: Annotated[int | LeftOut, Meta(description="too_many_requests, store_unavailable: seconds")] = LEFT_OUT
