"""From a refresh token to its successor (RFC 6749 6, RFC 9700 4.14.2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ostiary.authority.acting import Acting, Acts
from ostiary.authority.ending import end_sessions
from ostiary.authority.oauth.issuing import Issued, Issuing
from ostiary.authority.oauth.keys import Keys
from ostiary.core.account import User
from ostiary.core.caller import Caller
from ostiary.core.client import Client
from ostiary.core.oauth import refresh
from ostiary.core.oauth.client import OAuthClient
from ostiary.core.oauth.refresh import Family
from ostiary.core.oauth.resource import ensure_same
from ostiary.core.oauth.scope import narrowed
from ostiary.core.session import Session
from ostiary.core.token import Token, parse
from ostiary.errors import InvalidGrant
from ostiary.settings import Settings
from ostiary.storage import accounts, clients, refresh_tokens, sessions, uses
from ostiary.storage.database import Connection, in_transaction


@dataclass(frozen=True, slots=True)
class Refreshed:
    """A family, its session, and the token that works now."""

    family: Family
    session: Session
    user: User
    token: Token


class Refreshing(Acts):
    """Refresh."""

    def __init__(self, acting: Acting, settings: Settings, keys: Keys, issuing: Issuing) -> None:
        """Part of an `OAuth`."""
        super().__init__(acting)
        self._grace = timedelta(seconds=settings.refresh_grace)
        self._native_grace = timedelta(seconds=settings.refresh_grace_native)
        self._keys = keys
        self._issuing = issuing

    async def refresh(
        self, text: str, *, client: OAuthClient, scope: str | None, at: Client, resource: str | None = None
    ) -> Issued:
        """Rotate. A repeat inside the grace gets the same successor; any later use of an old token ends the session.

        Args:
            scope: less than was granted, if wanted (RFC 6749 6).
            resource: whom the access token is to be for: the same as before, or nobody else.
            at: where the client called from. Of a public client that is where its user is.

        Raises:
            InvalidGrant: unknown, of another client, used before, or its session has ended.
            InvalidScope: more than was granted.
            InvalidTarget: another resource than was granted.
            UnauthorizedClient: the client is not registered for refreshing.
        """
        client.ensure_grant("refresh_token")
        token = parse(text)
        if token is None or not token.id.startswith("ort_"):
            raise InvalidGrant
        await self._keys.ensure()
        done = await self._refresh(token, client, scope, resource, at)
        if isinstance(done, InvalidGrant):
            raise done
        scopes = narrowed(scope, done.family.scopes)
        return await self._issuing.issue(done.session, client, scopes, user=done.user, refresh_token=done.token.text)

    @in_transaction
    async def _refresh(
        self, db: Connection, token: Token, client: OAuthClient, scope: str | None, resource: str | None, at: Client
    ) -> Refreshed | InvalidGrant:
        """A refusal is answered and not raised where a session was ended on the way to it."""
        key, now = self._keys.purpose_key("refresh tokens"), self._clock()
        grace = self._native_grace if client.application_type == "native" else self._grace
        family = await refresh_tokens.find(db, token.id)
        session = await sessions.find(db, family.session_id) if family else None
        if family is None or session is None or session.client_id != client.id:
            raise InvalidGrant
        verdict = family.judge(token, key, now, grace)
        if verdict == "unknown":
            raise InvalidGrant
        refusal = session.refusal(self.policy, now)
        if refusal is not None and verdict == "reused" and session.revoked is not None:
            # A copy is about: what a plan suspended must not come back by its undoing.
            return await self._end_reused(db, session, client, at, now)
        if refusal is not None:
            raise InvalidGrant(refusal.message)
        narrowed(scope, family.scopes)
        ensure_same(resource, session.resource)
        if await clients.find(db, client.id, hold=True) is None:
            raise InvalidGrant
        # From here on those who refresh the same session, and those who end it, take turns.
        place = at if client.is_public else Client(session.ip, session.user_agent)
        if not await uses.record(db, session, uses.Use(now, place.ip, place.user_agent)):
            raise InvalidGrant("the session was ended")
        family = await refresh_tokens.find(db, token.id)
        if family is None:
            raise InvalidGrant("the user signed in again since: there are newer tokens")
        match family.judge(token, key, now, grace):
            case "rotate":
                following = refresh.successor(key, token)
                if not await refresh_tokens.rotate(db, family, following.digest, now):
                    raise InvalidGrant
            case "repeat":
                following = refresh.successor(key, token)
            case _:
                return await self._end_reused(db, session, client, at, now)
        account = await accounts.find_by_id(db, session.user_id)
        return Refreshed(family, session, account.user if account else User(session.user_id), following)

    async def _end_reused(
        self, db: Connection, session: Session, client: OAuthClient, at: Client, now: datetime
    ) -> InvalidGrant:
        by = Caller(User(client.id), client=at)
        await end_sessions(db, sessions.by_id(session.id), reason="refresh_reuse", by=by, now=now)
        return InvalidGrant("the refresh token was used before: its session was ended for safety")
