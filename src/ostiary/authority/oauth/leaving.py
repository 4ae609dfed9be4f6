"""Logging out from a client: by its refresh token, or by sending the browser here (OIDC RP-Initiated Logout 1.0)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ostiary.authority.acting import Acting, Acts
from ostiary.authority.ending import end_sessions
from ostiary.authority.oauth.keys import Keys
from ostiary.core.account import User
from ostiary.core.caller import Caller
from ostiary.core.client import Client
from ostiary.core.oauth.client import OAuthClient
from ostiary.core.oauth.refresh import is_ours
from ostiary.core.session import Session
from ostiary.core.token import is_id, parse
from ostiary.errors import InvalidRequest
from ostiary.storage import clients, refresh_tokens, sessions
from ostiary.storage.database import Connection, in_transaction

Departed: TypeAlias = Literal["nothing", "named", "here"]  # what ended: nothing, what was named, and on this device


@dataclass(frozen=True, slots=True)
class Departure:
    """A logout that a client asks for.

    Attributes:
        client: who asks, where that is known.
        session: of the ID token that was sent as a hint: what the client calls its sign-in.
        redirect_uri: where to go afterwards, with the state; exactly registered by the client.
    """

    client: OAuthClient | None = None
    session: Session | None = None
    redirect_uri: str | None = None
    state: str | None = None


class Leaving(Acts):
    """Log out by a refresh token; read and do what a client asks for."""

    def __init__(self, acting: Acting, keys: Keys) -> None:
        """Part of an `OAuth`."""
        super().__init__(acting)
        self._keys = keys

    @in_transaction
    async def by_refresh_token(self, db: Connection, text: str, *, at: Client) -> bool:
        """End the session of a refresh token, be it the newest or an older one. False if there was none that lives."""
        token = parse(text)
        if token is None or not token.id.startswith("ort_"):
            return False
        family = await refresh_tokens.find(db, token.id)
        if family is None or not is_ours(self._keys.purpose_key("refresh tokens"), token):
            return False
        session = await sessions.find(db, family.session_id)
        if session is None:
            return False
        now = self._clock()
        by = Caller(User(session.user_id), client=at)
        ended = await end_sessions(db, sessions.by_id(session.id), reason="logout", by=by, now=now)
        return any(one.ended(self.policy, now) is None for one in ended)

    async def read(self, asked: Mapping[str, str]) -> Departure:
        """What is asked for. A hint counts if we signed it, whether or not it has expired; another is as good as none.

        Raises:
            InvalidRequest: client and hint do not fit, or the URI is not exactly registered.
        """
        hint = await self._keys.read_hint(asked.get("id_token_hint"))
        client_id = asked.get("client_id")
        if client_id is not None and hint is not None and hint.get("aud") != client_id:
            raise InvalidRequest("client_id", "is not whom the id_token_hint was issued to")
        client_id = client_id if client_id is not None else str(hint.get("aud")) if hint else None
        session_id = hint.get("sid") if hint else None
        async with self.database.reading() as db:
            found = await clients.find(db, client_id) if client_id is not None and is_id(client_id) else None
            session = await sessions.find(db, session_id) if isinstance(session_id, str) else None
        if session is not None and session.client_id != client_id:
            session = None
        client = found.client if found else None
        redirect_uri = asked.get("post_logout_redirect_uri")
        if redirect_uri is not None and (client is None or redirect_uri not in client.post_logout_redirect_uris):
            raise InvalidRequest("post_logout_redirect_uri", "is not one that this application has registered")
        return Departure(client, session, redirect_uri, asked.get("state"))

    async def depart(self, departure: Departure, credentials: Sequence[str], *, at: Client) -> Departed:
        """End the session that the hint names, unless the browser is signed in as somebody else.

        The browser's own are not ended by this, but by `SignOut`, as by every sign-out.

        Args:
            credentials: the session tokens that the browser sent, whether or not they work.

        Returns:
            "here" if what was named hangs, or hung, under what this browser holds: then that is to end, and nobody has
            to be asked. Any ID token of the same person names *something*: one from another device is a reason to ask.
        """
        return "nothing" if departure.session is None else await self._depart(departure.session, credentials, at)

    @in_transaction
    async def _depart(self, db: Connection, named: Session, credentials: Sequence[str], at: Client) -> Departed:
        user_ids, device_ids = set[str](), set[str]()
        for token in filter(None, map(parse, credentials)):
            if token.matches(await sessions.secret_hash(db, token.id)):
                held = await sessions.find(db, token.id)
                if held is not None:
                    user_ids.add(held.user_id)
                    device_ids.add(held.device_id)
        if not user_ids <= {named.user_id}:
            return "nothing"
        who = Caller(User(named.user_id), client=at)
        await end_sessions(db, sessions.by_id(named.id), reason="logout", by=who, now=self._clock())
        return "here" if device_ids <= {named.device_id} else "named"
