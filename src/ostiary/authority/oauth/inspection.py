"""What a client may ask about tokens: introspection (RFC 7662), revocation (RFC 7009), its user (OIDC Core 5.3)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ostiary.authority.acting import Acting, Acts
from ostiary.authority.batch import Batch
from ostiary.authority.ending import end_sessions
from ostiary.authority.oauth.clients import Clients
from ostiary.authority.oauth.keys import Keys
from ostiary.authority.oauth.resources import Resources
from ostiary.core.account import User
from ostiary.core.caller import Caller
from ostiary.core.client import Client
from ostiary.core.oauth.claims import AccessToken, audience_of, sign_in_claims, user_claims
from ostiary.core.oauth.client import OAuthClient
from ostiary.core.oauth.jws import looks_like_jwt
from ostiary.core.oauth.refresh import is_ours
from ostiary.core.oauth.scope import NAMESPACE
from ostiary.core.session import Session
from ostiary.core.token import Token, parse
from ostiary.errors import InvalidClient, NotAllowed, SessionInvalid
from ostiary.storage import accounts, refresh_tokens, sessions
from ostiary.storage.database import Connection, in_transaction
from ostiary.storage.hot import SessionRow

INACTIVE: dict[str, Any] = {"active": False}


@dataclass(frozen=True, slots=True)
class Known:
    """A token of ours that was looked up, whether or not its session lives."""

    session: Session
    scopes: tuple[str, ...]
    access: AccessToken | None
    is_newest: bool = True
    username: str | None = None


class Inspection(Acts):
    """Introspect, revoke, tell of the user."""

    def __init__(
        self, acting: Acting, keys: Keys, rows: Batch[SessionRow], clients: Clients, resources: Resources
    ) -> None:
        """Part of an `OAuth`."""
        super().__init__(acting)
        self._rows = rows
        self._clients = clients
        self._resources = resources
        self._keys = keys

    async def introspect(self, text: str, *, client: OAuthClient) -> dict[str, Any]:
        """What a token is, to the client that got it or another one of the same application.

        An access token for a resource is told of to the client that got it, and to those that its resource names.

        Ended, expired, unknown and foreign have one answer (RFC 7662 2.2).

        Raises:
            InvalidClient: a public client cannot prove who asks.
        """
        if client.is_public:
            raise InvalidClient
        known = await (self._of_access_token(text) if looks_like_jwt(text) else self._of_refresh_token(text))
        if known is None or not known.is_newest or not await self._concerns(known, client):
            return INACTIVE
        if known.session.refusal(self.policy, self._clock()) is not None:
            return INACTIVE
        return self._described(known)

    async def _of_access_token(self, text: str) -> Known | None:
        """As `_known`, by a read that many share: applications ask with every request."""
        try:
            access = await self._keys.read_access_token(text, for_resources=True)
        except SessionInvalid:
            return None
        found = await self._rows.get(access.session_id)
        if found is None or not access.is_of(found.session):
            return None
        return Known(found.session, access.scopes, access, username=found.user.username)

    async def _of_refresh_token(self, text: str) -> Known | None:
        async with self.database.reading() as db:
            known = await self._known(db, text)
            account = await accounts.find_by_id(db, known.session.user_id) if known else None
        return replace(known, username=account.user.username) if known and account else known

    def _described(self, known: Known) -> dict[str, Any]:
        session, access = known.session, known.access
        answer: dict[str, Any] = {
            "active": True,
            "iss": self._keys.issuer,
            "sub": session.user_id,
            "aud": audience_of(session, session.client_id, self._keys.issuer),
            "client_id": session.client_id,
            "sid": session.id,
            "scope": " ".join(known.scopes),
            **sign_in_claims(session),
            "tenant_id": session.tenant,
            "exp": access.expires_at if access else int(session.ends_at(self.policy).timestamp()),
            "iat": access.issued_at if access else int(session.created_at.timestamp()),
        }
        if access is not None:
            answer |= {"token_type": "Bearer", "jti": access.id}
        if known.username is not None and "profile" in known.scopes:
            answer["username"] = known.username
        return answer

    async def revoke(self, text: str, *, client: OAuthClient, at: Client) -> None:
        """End the session of a token of this client; unknown and foreign tokens change nothing (RFC 7009 2.2).

        Nor does an access token for a resource, where its client cannot prove who asks: the resource was shown it.
        """
        await self._revoke(text, client, at)

    @in_transaction
    async def _revoke(self, db: Connection, text: str, client: OAuthClient, at: Client) -> None:
        known = await self._known(db, text)
        if known is not None and client.is_public and known.access is not None and known.session.resource is not None:
            return
        if known is not None and known.session.client_id == client.id:
            by = Caller(User(client.id), client=at)
            chosen = sessions.by_id(known.session.id)
            await end_sessions(db, chosen, reason="logout", by=by, now=self._clock())

    async def user_info(self, by: Caller) -> dict[str, Any]:
        """What the access token lets its client know of its user.

        Raises:
            NotAllowed: it was not granted `openid`, or it is no access token.
        """
        if by.granted is None or "openid" not in by.granted:
            raise NotAllowed("this access token lacks the scope openid", scope="openid")
        async with self.database.reading() as db:
            account = await accounts.find_by_id(db, by.user.id)
        return user_claims(account.user if account is not None else by.user, by.granted)

    async def at_the_namespace(self, by: Caller) -> Caller:
        """The holder of an access token, as far as the sessions namespace goes.

        The users of a client of the house are signed in by it, so it needs no scope to show and end their sessions
        there; existing clients ask for none. A third party has to be granted it.
        """
        client_id = by.session.client_id if by.session is not None else None
        if by.granted is None or client_id is None or client_id == by.user.id:
            return by
        found = await self._clients.registered(client_id)
        if found is None or found.client.third_party:
            return by
        return replace(by, granted=tuple(dict.fromkeys((*by.granted, *NAMESPACE))))

    async def _known(self, db: Connection, text: str) -> Known | None:
        """Whatever kind of token it is: a hint about that is not needed (RFC 7009 2.1)."""
        if looks_like_jwt(text):
            try:
                access = await self._keys.read_access_token(text, for_resources=True)
            except SessionInvalid:
                return None
            session = await sessions.find(db, access.session_id)
            return Known(session, access.scopes, access) if session and access.is_of(session) else None
        token = parse(text)
        if token is None or not token.id.startswith("ort_"):
            return None
        return await self._known_refresh_token(db, token)

    async def _known_refresh_token(self, db: Connection, token: Token) -> Known | None:
        family = await refresh_tokens.find(db, token.id)
        if family is None or not is_ours(self._keys.purpose_key("refresh tokens"), token):
            return None
        session = await sessions.find(db, family.session_id)
        return Known(session, family.scopes, None, token.matches(family.secret_hash)) if session else None

    async def _concerns(self, known: Known, client: OAuthClient) -> bool:
        holder = known.session.client_id
        if holder == client.id:
            return True
        if known.session.resource is not None:
            resource = await self._resources.registered(known.session.resource)
            return known.access is not None and resource is not None and client.id in resource.introspect
        found = await self._clients.registered(holder) if holder else None
        return found is not None and found.client.application_id == client.application_id
