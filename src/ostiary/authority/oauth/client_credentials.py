"""A client that acts for itself (RFC 6749 4.4): one session for each, with the client as its user."""

from __future__ import annotations

from ostiary.authority.acting import Acting, Acts
from ostiary.authority.oauth.issuing import Issued, Issuing
from ostiary.authority.oauth.keys import Keys
from ostiary.authority.results import Beginning
from ostiary.authority.sessions import Sessions
from ostiary.core.client import Client
from ostiary.core.oauth.client import OAuthClient
from ostiary.core.oauth.scope import SERVICE, granted
from ostiary.core.session import Session
from ostiary.errors import InvalidClient, InvalidGrant, SessionInvalid
from ostiary.storage import clients, sessions, uses
from ostiary.storage.database import Connection, in_transaction


class ClientCredentials(Acts):
    """Grant."""

    def __init__(self, acting: Acting, sessions: Sessions, keys: Keys, issuing: Issuing) -> None:
        """Part of an `OAuth`."""
        super().__init__(acting)
        self._sessions = sessions
        self._keys = keys
        self._issuing = issuing

    async def grant(self, *, client: OAuthClient, scope: str | None, at: Client) -> Issued:
        """An access token for the client's own session. Ending that session ends every token that it holds.

        Raises:
            UnauthorizedClient: the client is not registered for this.
            InvalidScope: nothing that a service, or this one, may have.
            InvalidGrant: everything of the client was ended meanwhile.
        """
        client.ensure_grant("client_credentials")
        registered = tuple(word for word in client.scopes if word in SERVICE)
        scopes = granted(scope, registered, unasked=registered)
        began = await self._sessions.begin(client.id)
        await self._keys.ensure()
        try:
            session = await self._session(client, at, began)
        except SessionInvalid:
            raise InvalidGrant("everything of this client was ended meanwhile; ask again") from None
        return await self._issuing.issue(session, client, scopes)

    @in_transaction
    async def _session(self, db: Connection, client: OAuthClient, at: Client, began: Beginning) -> Session:
        """The client's live session, else a new one: a service that asks every few minutes is still one sign-in."""
        if await clients.find(db, client.id, hold=True) is None:
            raise InvalidClient
        await self._sessions.hold_unchanged(db, began)
        now = self._clock()
        session = await sessions.newest_of_client(db, client.id, client.id, self.policy, now)
        if session is not None and await uses.record(db, session, uses.Use(now, at.ip, at.user_agent)):
            return session
        started = await self._sessions.start_within(
            db,
            client.id,
            client=at,
            kind="service",
            label=client.name,
            application_id=client.application_id,
            tenant=client.tenant,
            client_id=client.id,
        )
        return started.session
