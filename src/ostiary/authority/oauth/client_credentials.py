"""A client that acts for itself (RFC 6749 4.4): one session for each, with the client as its user."""

from __future__ import annotations

from ostiary.authority.acting import Acting, Acts
from ostiary.authority.oauth.issuing import Issued, Issuing
from ostiary.authority.oauth.keys import Keys
from ostiary.authority.results import Beginning
from ostiary.authority.sessions import Sessions
from ostiary.core.client import Client
from ostiary.core.oauth.client import OAuthClient
from ostiary.core.oauth.resource import Resource
from ostiary.core.oauth.scope import SERVICE, granted
from ostiary.core.session import Session
from ostiary.errors import InvalidClient, InvalidGrant, InvalidTarget, SessionInvalid
from ostiary.storage import clients, resources, sessions, uses
from ostiary.storage.database import Connection, in_transaction


class ClientCredentials(Acts):
    """Grant."""

    def __init__(self, acting: Acting, sessions: Sessions, keys: Keys, issuing: Issuing) -> None:
        """Part of an `OAuth`."""
        super().__init__(acting)
        self._sessions = sessions
        self._keys = keys
        self._issuing = issuing

    async def grant(self, *, client: OAuthClient, scope: str | None, at: Client, resource: str | None = None) -> Issued:
        """An access token for the client's own session. Ending that session ends every token that it holds.

        There is one for this server, and one for each resource.

        Raises:
            UnauthorizedClient: the client is not registered for this.
            InvalidScope: nothing that a service, or this one, may have.
            InvalidTarget: a resource that is not registered, or not for this client.
            InvalidGrant: everything of the client was ended meanwhile.
        """
        client.ensure_grant("client_credentials")
        target = await self._target(resource, client) if resource is not None else None
        registered = target.scope_names if target else tuple(word for word in client.scopes if word in SERVICE)
        scopes = granted(scope, registered, unasked=registered)
        began = await self._sessions.begin(client.id)
        await self._keys.ensure()
        try:
            session = await self._session(client, target, at, began)
        except SessionInvalid:
            raise InvalidGrant("everything of this client was ended meanwhile; ask again") from None
        return await self._issuing.issue(session, client, scopes)

    async def _target(self, uri: str, client: OAuthClient) -> Resource:
        async with self.database.reading() as db:
            found = await resources.named(db, uri)
        if found is None or not found.allows(client):
            raise InvalidTarget
        return found

    @in_transaction
    async def _session(
        self, db: Connection, client: OAuthClient, target: Resource | None, at: Client, began: Beginning
    ) -> Session:
        """The client's live session, else a new one: a service that asks every few minutes is still one sign-in."""
        if await clients.find(db, client.id, hold=True) is None:
            raise InvalidClient
        if target is not None and await resources.find(db, target.id, hold=True) is None:
            raise InvalidTarget
        uri = target.uri if target is not None else None
        await self._sessions.hold_unchanged(db, began)
        now = self._clock()
        session = await sessions.newest_of_client(db, client.id, client.id, self.policy, now, uri)
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
            resource=uri,
        )
        return started.session
