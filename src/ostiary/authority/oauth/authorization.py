"""From a browser's authorization request to a code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ostiary.authority.acting import Acting, Acts, act
from ostiary.authority.oauth.keys import Keys
from ostiary.core.caller import Caller
from ostiary.core.event import Detail
from ostiary.core.needs import person
from ostiary.core.oauth.client import OAuthClient
from ostiary.core.oauth.code import LIFE, Code
from ostiary.core.oauth.request import AuthorizationRequest, read_request
from ostiary.core.oauth.resource import Resource, others
from ostiary.core.token import is_id, mint
from ostiary.errors import (
    AccessDenied,
    ClientNotFound,
    ConsentRequired,
    InvalidRequest,
    InvalidTarget,
    LoginRequired,
    ReauthenticationRequired,
)
from ostiary.storage import clients, codes, consents, events, resources, subjects, tree
from ostiary.storage.database import Connection


@dataclass(frozen=True, slots=True)
class Destination:
    """A client, and a redirect URI that is its own: from here on errors are sent there."""

    client: OAuthClient
    redirect_uri: str
    subject: str | None = None  # of the ID token that came as a hint
    resource: Resource | None = None  # what is registered under the URI that was asked for

    def read(self, asked: Mapping[str, str]) -> AuthorizationRequest:
        """What is asked for. Raises as `core.oauth.request.read_request`."""
        return read_request(asked, self.client, self.redirect_uri, subject=self.subject, resource=self.resource)


class Authorization(Acts):
    """Find the destination, grant."""

    def __init__(self, acting: Acting, keys: Keys) -> None:
        """Part of an `OAuth`."""
        super().__init__(acting)
        self._keys = keys

    async def destination(self, asked: Mapping[str, str]) -> Destination:
        """Where the answer may go. What fails here is told to the person, and never to the address that was given.

        Raises:
            ClientNotFound: no such client.
            InvalidRequest: no client, or a redirect URI that is not exactly one of the client's (RFC 9700 2.1).
        """
        client_id = asked.get("client_id")
        if client_id is None:
            raise InvalidRequest("client_id", "is required")
        async with self.database.reading() as db:
            found = await clients.find(db, client_id) if is_id(client_id) else None
            resource = await resources.named(db, asked["resource"]) if "resource" in asked else None
        if found is None:
            raise ClientNotFound
        redirect_uri = asked.get("redirect_uri")
        if redirect_uri is None or not found.client.accepts(redirect_uri):
            raise InvalidRequest("redirect_uri", "is not one that this application has registered")
        hint = await self._keys.read_hint(asked.get("id_token_hint"))
        return Destination(found.client, redirect_uri, str(hint["sub"]) if hint else None, resource)

    @act(person, with_user=True)
    async def grant(
        self,
        db: Connection,
        request: AuthorizationRequest,
        *,
        by: Caller,
        agreed: bool = False,
        confirmed: bool = False,
    ) -> str:
        """A code for the user who is signed in in this browser.

        Args:
            agreed: the user has just said yes.
            confirmed: the user has just proved who they are.

        Raises:
            NotAllowed: the caller is not somebody who signed in.
            LoginRequired: the hint of the request names another user (OIDC Core 3.1.2.1, 3.1.2.2).
            ReauthenticationRequired: the request asks for a fresher sign-in; or somebody has ended what this client
                held here since the last one, so that this device proves again who signs in there.
            InvalidTarget: the resource was removed meanwhile.
            AccessDenied: what the client holds here is suspended, whatever its user proves.
            ConsentRequired: a third party that the user has not agreed to, or not to all of this.
            Unauthenticated: the session ended meanwhile.
        """
        session = by.ensure_person()
        if request.subject is not None and request.subject != by.user.id:
            raise LoginRequired
        if request.needs_fresher_sign_in(session.proved_at, self._clock(), confirmed=confirmed):
            age = request.max_age
            raise ReauthenticationRequired(int(age.total_seconds()) if age is not None else 0)
        client = request.client
        cut_off = await subjects.hold(db, by.user.id)
        if await tree.was_sent_away(db, session.id, client.id, session.auth_time):
            raise ReauthenticationRequired(0)
        if await clients.find(db, client.id, hold=True) is None:
            raise ClientNotFound
        if request.resource is not None and await resources.find(db, request.resource.id, hold=True) is None:
            raise InvalidTarget
        now, resource_uri = self._clock(), request.resource.uri if request.resource else None
        if any(
            one.life(self.policy, now) == "suspended"
            for one in await tree.find_grants(db, session.id, client.id, resource_uri)
        ):
            raise AccessDenied("what this application holds here is suspended")
        if not agreed:
            await self._ensure_consent(db, request, by)
        elif client.third_party:
            kept = others(await consents.find(db, by.user.id, client.id), request.resource)
            await consents.replace(db, by.user.id, client.id, (*kept, *request.consents), now)
            detail: Detail = {"client_id": client.id, "scopes": " ".join(request.consents)}
            await events.add(db, [by.did("consent.granted", now, user_id=by.user.id, detail=detail)])
        token = mint("code")
        code = Code(
            id=token.id,
            client_id=client.id,
            user_id=by.user.id,
            session_id=session.id,
            redirect_uri=request.redirect_uri,
            scopes=request.scopes,
            resource=resource_uri,
            code_challenge=request.code_challenge,
            nonce=request.nonce,
            auth_time=session.auth_time,
            amr=session.amr,
            cut_off=cut_off,
            ip=by.client.ip,
            user_agent=by.client.user_agent,
            expires_at=now + LIFE,
        )
        await codes.add(db, code, token.digest)
        return token.text

    async def _ensure_consent(self, db: Connection, request: AuthorizationRequest, by: Caller) -> None:
        if "consent" in request.prompt:
            raise ConsentRequired
        if request.client.third_party:
            agreed = await consents.find(db, by.user.id, request.client.id)
            if not agreed or not set(request.consents) <= set(agreed):
                raise ConsentRequired
