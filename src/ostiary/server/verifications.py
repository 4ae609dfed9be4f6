"""Verifications for programs: who holds these credentials? Many in one request, each answered from its row."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Final, TypeAlias

import msgspec
from litestar import Router, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType

from ostiary.authority import Authority
from ostiary.core.caller import Caller
from ostiary.core.client import MAXIMUM_USER_AGENT, Client, seen
from ostiary.core.credential import CliToken
from ostiary.core.oauth import jws
from ostiary.core.session import Kind, Limit, Session
from ostiary.errors import InvalidRequest, OstiaryError, Unauthenticated
from ostiary.server import problems
from ostiary.server.access import SERVICE
from ostiary.server.gateway import VerifiedUser
from ostiary.server.refusals import Problem, refusals
from ostiary.server.requests import NO_NUL, Body
from ostiary.server.shapes import Instant, SessionId, TokenId

MAXIMUM: Final = 1000  # credentials in one request
MAXIMUM_BODY: Final = 1024 * 1024  # bytes: a thousand opaque tokens with address and agent fit several times
TURN: Final = 64  # credentials between two looks at other requests: the signatures of that many JWTs take a few ms

Remaining: TypeAlias = Annotated[float, Meta(ge=0, description="Seconds, if it is not used; counted from `now`.")]


class Asked(Body):
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


class VerificationsRequest(Body):
    """The credentials to look at."""

    credentials: Annotated[list[Asked], Meta(min_length=1, max_length=MAXIMUM)]


class FoundSession(Struct, kw_only=True):
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


class FoundToken(Struct, kw_only=True):
    """By which CLI token, and what it may do."""

    id: TokenId
    scopes: tuple[str, ...]
    expires_at: Instant | None


class Found(Struct, kw_only=True):
    """One answer: who holds the credential, or the error that its holder would get."""

    user: VerifiedUser | UnsetType = UNSET
    session: FoundSession | UnsetType | None = UNSET
    token: FoundToken | UnsetType | None = UNSET
    client_id: Annotated[
        str | UnsetType | None, Meta(description="The OAuth client that holds the session, or null.")
    ] = UNSET
    scopes: Annotated[
        tuple[str, ...] | UnsetType | None, Meta(description="Of the access token; null for any other credential.")
    ] = UNSET
    audience: Annotated[
        tuple[str, ...] | UnsetType,
        Meta(description="Only of an access token: whom it is for, beside this server."),
    ] = UNSET
    error: Problem | UnsetType = UNSET


class Verifications(Struct, kw_only=True):
    """The answers, in the order of the questions."""

    now: Annotated[Instant, Meta(description="By the server's clock.")]
    answers: list[Found]


@post(
    "/verifications",
    operation_id="verifications",
    summary="Who holds these credentials?",
    status_code=200,
    request_max_body_size=MAXIMUM_BODY,
    opt={SERVICE: True},
    responses=refusals(body=True),
    security=[{"bearer": []}, {"basic": []}],
)
async def verifications(
    data: JSONBody[VerificationsRequest],
    authority: NamedDependency[Authority],
    caller: NamedDependency[Caller],
    client: NamedDependency[Client],
) -> Verifications:
    """For programs that verify on behalf of others. Each credential is answered from its row, as of now.

    For OAuth clients by their own credentials and CLI tokens of administrators, with the scope `feed:read`. It never
    says more than the holder of the credential would hear. The use is recorded, unless it is none.
    """
    caller.ensure_service("feed:read")
    request_id = client.request_id or ""
    places = [_place(number, asked, authority, request_id) for number, asked in enumerate(data.credentials)]
    found: list[Caller | Unauthenticated] = []
    for start in range(0, len(places), TURN):
        turn = zip(data.credentials[start : start + TURN], places[start : start + TURN], strict=True)
        found += await asyncio.gather(*(_verified(authority, asked.token, place) for asked, place in turn))
    now = authority.clock()
    answers = [
        Found(error=_problem(one, request_id)) if isinstance(one, Unauthenticated) else _answer(one, authority, now)
        for one in found
    ]
    return Verifications(now=now, answers=answers)


def _place(number: int, asked: Asked, authority: Authority, request_id: str) -> Client | None:
    place = seen(asked.ip, asked.user_agent, request_id)
    if asked.ip is not None and place.ip is None:
        raise InvalidRequest(f"credentials[{number}].ip", "is not an IP address")
    return authority.kept(place) if asked.is_use else None


async def _verified(authority: Authority, token: str, place: Client | None) -> Caller | Unauthenticated:
    try:
        return await authority.verify(token, place)
    except Unauthenticated as refusal:
        return refusal


def _answer(caller: Caller, authority: Authority, now: datetime) -> Found:
    user, session, token = caller.told, caller.session, caller.token
    return Found(
        user=VerifiedUser(user.id, user.username, user.roles),
        session=_session(session, authority, now) if session else None,
        token=_token(token) if token else None,
        client_id=session.client_id if session else None,
        scopes=caller.granted,
        audience=caller.audience if caller.granted is not None else UNSET,
    )


def _session(session: Session, authority: Authority, now: datetime) -> FoundSession:
    ends_at, limit = session.deadline(authority.policy)
    return FoundSession(
        id=session.id,
        created_at=session.created_at,
        expires_at=min(session.expires_at, session.created_at + authority.policy.lifetime),
        auth_time=session.proved_at,
        kind=session.kind,
        tenant=session.tenant,
        application_id=session.application_id,
        amr=session.amr,
        remaining_s=max(0.0, (ends_at - now).total_seconds()),
        limit=limit,
    )


def _token(token: CliToken) -> FoundToken:
    return FoundToken(id=token.id, scopes=token.scopes, expires_at=token.expires_at)


def _problem(error: OstiaryError, request_id: str) -> Problem:
    return msgspec.convert(problems.members(error, request_id), Problem)


router = Router("/", route_handlers=[verifications], tags=["services"])
