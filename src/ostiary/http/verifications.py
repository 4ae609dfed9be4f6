"""Verifications for programs: who holds these credentials? Many in one request, each answered from its row."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Final

import msgspec

from ostiary.authority import Authority
from ostiary.contract.answer import LEFT_OUT
from ostiary.contract.problem import Problem
from ostiary.contract.verifications import (
    AskVerifications,
    Credential,
    Found,
    FoundSession,
    FoundToken,
    Services,
    Verifications,
)
from ostiary.contract.verify import VerifiedUser
from ostiary.core.caller import Caller
from ostiary.core.client import Client, seen
from ostiary.core.session import Session, lifetime_ends_at
from ostiary.errors import InvalidRequest, OstiaryError, Unauthenticated
from ostiary.http import problems
from ostiary.http.exchange import Exchange
from ostiary.http.operations import serves

TURN: Final = 64  # credentials between two looks at other requests: the signatures of that many JWTs take a few ms


@serves(Services.verifications)
async def verifications(asked: AskVerifications, exchange: Exchange) -> Verifications:
    """It never says more than the holder of the credential would hear."""
    exchange.caller.ensure_service("feed:read")
    authority, request_id = exchange.authority, exchange.request_id
    places = [_place(number, one, authority, request_id) for number, one in enumerate(asked.credentials)]
    found: list[Caller | Unauthenticated] = []
    for start in range(0, len(places), TURN):
        turn = zip(asked.credentials[start : start + TURN], places[start : start + TURN], strict=True)
        found += await asyncio.gather(*(_verified(authority, one.token, place) for one, place in turn))
    now = authority.clock()
    answers = [
        Found(error=_problem(one, request_id)) if isinstance(one, Unauthenticated) else _answer(one, authority, now)
        for one in found
    ]
    return Verifications(now=now, answers=answers)


def _place(number: int, asked: Credential, authority: Authority, request_id: str) -> Client | None:
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
        token=FoundToken.of(token) if token else None,
        client_id=session.client_id if session else None,
        scopes=caller.granted,
        audience=caller.audience if caller.granted is not None else LEFT_OUT,
    )


def _session(session: Session, authority: Authority, now: datetime) -> FoundSession:
    ends_at, limit = session.deadline(authority.policy)
    return FoundSession.of(
        session,
        expires_at=lifetime_ends_at(session, authority.policy),
        auth_time=session.proved_at,
        remaining_s=max(0.0, (ends_at - now).total_seconds()),
        limit=limit,
    )


def _problem(error: OstiaryError, request_id: str) -> Problem:
    return msgspec.convert(problems.members(error, request_id), Problem)
