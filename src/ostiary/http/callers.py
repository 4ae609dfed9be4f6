"""From a request to its caller: who holds the credential that was sent."""

from __future__ import annotations

from dataclasses import dataclass

from ostiary.authority import Authority
from ostiary.core.caller import Caller
from ostiary.core.client import Client
from ostiary.http.presented import MixedCredentials, Presented, holder, presented

__all__ = ["Identified", "MixedCredentials", "Presented", "identify", "presented"]


@dataclass(frozen=True, slots=True)
class Identified:
    """A verified caller, and whether the cookie is what they came with."""

    caller: Caller
    by_cookie: bool


async def identify(authority: Authority, given: Presented, client: Client | None) -> Identified:
    """Who holds these credentials, read from the row now.

    Raises:
        NoCredentials: nothing was sent.
        MixedCredentials: two that work, of two users.
        SessionInvalid, SessionExpired, SessionRevoked, TokenExpired, TokenRevoked: as `Authority.verify`.
        StoreUnavailable: nothing is known.
    """
    return Identified(*await holder(authority.verify, given, client))
