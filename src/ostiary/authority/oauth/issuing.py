"""From a session to the tokens that a client gets."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from ostiary.authority.oauth.keys import Keys
from ostiary.core.account import User
from ostiary.core.oauth.claims import access_claims, id_claims
from ostiary.core.oauth.client import OAuthClient
from ostiary.core.policy import Policy
from ostiary.core.session import Session, lifetime_ends_at
from ostiary.settings import Settings


@dataclass(frozen=True, slots=True)
class Issued:
    """What the token endpoint answers.

    Attributes:
        expires_in: seconds that the access token lasts, if its session does.
    """

    session: Session
    access_token: str = field(repr=False)
    expires_in: int
    scopes: tuple[str, ...]
    refresh_token: str | None = field(default=None, repr=False)
    id_token: str | None = field(default=None, repr=False)


class Issuing:
    """Issue."""

    def __init__(self, settings: Settings, policy: Policy, clock: Callable[[], datetime], keys: Keys) -> None:
        """Part of an `OAuth`."""
        self._settings = settings
        self._policy = policy
        self._clock = clock
        self._keys = keys

    async def issue(
        self,
        session: Session,
        client: OAuthClient,
        scopes: tuple[str, ...],
        *,
        user: User | None = None,
        refresh_token: str | None = None,
        nonce: str | None = None,
    ) -> Issued:
        """Sign the tokens of a session; none of them outlives it. With `user` and the scope openid, an ID token too."""
        now = self._clock()
        expires_at = min(now + self._settings.access_token_lifetime, lifetime_ends_at(session, self._policy))
        access_token = await self._keys.sign_access_token(
            access_claims(
                session,
                client,
                scopes,
                issuer=self._settings.issuer,
                token_id=secrets.token_urlsafe(16),
                now=now,
                expires_at=expires_at,
            )
        )
        id_token = None
        if user is not None and "openid" in scopes:
            id_token = await self._keys.sign_id_token(
                id_claims(
                    session,
                    client,
                    user,
                    scopes,
                    issuer=self._settings.issuer,
                    nonce=nonce,
                    now=now,
                    expires_at=expires_at,
                )
            )
        expires_in = int(expires_at.timestamp()) - int(now.timestamp())
        return Issued(session, access_token, expires_in, scopes, refresh_token, id_token)
