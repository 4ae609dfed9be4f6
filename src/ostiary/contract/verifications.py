"""Verifications for programs: who holds these credentials? Many in one request, each answered from its row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, TypeAlias

from msgspec import Meta, Struct

from ostiary.contract.answer import LEFT_OUT, Answer, LeftOut
from ostiary.contract.calling import W
from ostiary.contract.fields import NO_NUL
from ostiary.contract.operation import Namespace, Operation, Takes
from ostiary.contract.problem import Problem
from ostiary.contract.shapes import Instant, SessionId, TokenId
from ostiary.contract.verify import VerifiedUser
from ostiary.core.client import MAXIMUM_USER_AGENT
from ostiary.core.oauth import jws
from ostiary.core.session import Kind, Limit

MAXIMUM: Final = 1000  # credentials in one request
MAXIMUM_BODY: Final = 1024 * 1024  # bytes: a thousand opaque tokens with address and agent fit several times

Remaining: TypeAlias = Annotated[float, Meta(ge=0, description="Seconds, if it is not used; counted from `now`.")]


class Credential(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One credential, and where it was used."""

    token: Annotated[str, Meta(min_length=1, max_length=jws.MAXIMUM_LENGTH)]
    ip: Annotated[
        Annotated[str, Meta(max_length=64)] | None,
        Meta(description="Recorded as the address of use.", examples=["203.0.113.7"]),
    ] = None
    user_agent: Annotated[
        Annotated[str, Meta(max_length=8192, pattern=NO_NUL)] | None,
        Meta(description=f"Recorded as the agent of use, cut to {MAXIMUM_USER_AGENT} characters."),
    ] = None
    is_use: Annotated[bool, Meta(description="False only looks: the session does not live longer for it.")] = True

    def __repr__(self) -> str:
        """Without the secret."""
        return "Credential(…)"


class FoundSession(Answer, kw_only=True):
    """By which session."""

    id: SessionId
    created_at: Instant
    expires_at: Instant
    auth_time: Annotated[
        Instant | None, Meta(description="Null where an administrator made it: nobody proved who they are.")
    ]
    kind: Kind
    tenant: str
    application_id: str | None
    amr: tuple[str, ...]
    remaining_s: Remaining
    limit: Annotated[Limit, Meta(description="The limit that would end it then.")]


class FoundToken(Answer, kw_only=True):
    """By which CLI token, and what it may do."""

    id: TokenId
    scopes: tuple[str, ...]
    expires_at: Instant | None


class Found(Answer, kw_only=True):
    """One answer: who holds the credential, or the error that its holder would get."""

    user: VerifiedUser | LeftOut = LEFT_OUT
    session: FoundSession | LeftOut | None = LEFT_OUT
    token: FoundToken | LeftOut | None = LEFT_OUT
    client_id: Annotated[
        str | LeftOut | None, Meta(description="The OAuth client that holds the session, or null.")
    ] = LEFT_OUT
    scopes: Annotated[
        tuple[str, ...] | LeftOut | None, Meta(description="Of the access token; null for any other credential.")
    ] = LEFT_OUT
    audience: Annotated[
        tuple[str, ...] | LeftOut,
        Meta(description="Only of an access token: whom it is for, beside this server."),
    ] = LEFT_OUT
    error: Problem | LeftOut = LEFT_OUT


class Verifications(Answer, kw_only=True):
    """The answers, in the order of the questions."""

    now: Annotated[Instant, Meta(description="By the server's clock.")]
    answers: Sequence[Found]


class AskVerifications(Takes):
    """For programs that verify on behalf of others. Each credential is answered from its row, as of now.

    For OAuth clients by their own credentials and CLI tokens of administrators, with the scope `feed:read`. It never
    says more than the holder of the credential would hear. The use is recorded, unless it is none.
    """

    credentials: Annotated[Sequence[Credential], Meta(min_length=1, max_length=MAXIMUM)]


class Services(Namespace[W]):
    """What programs ask that take part."""

    tag = "services"

    verifications = Operation(
        "POST",
        "/api/v1/verifications",
        AskVerifications,
        Verifications,
        id="verifications",
        summary="Who holds these credentials?",
        who="service",
        maximum_body=MAXIMUM_BODY,
        repeatable=True,
    )
