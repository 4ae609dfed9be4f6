"""An authority elsewhere, asked over HTTP through the SDK: `pip install ostiary[sdk]` is all that this needs."""

from __future__ import annotations

import asyncio
from typing import Final, Unpack

from ostiary.core.account import User
from ostiary.core.client import Client, Description
from ostiary.core.duration import format_duration
from ostiary.core.oauth.jws import looks_like_jwt
from ostiary.errors import NotAllowed, OstiaryError, StoreUnavailable, Unauthenticated
from ostiary.integrations.identity import Begun, By, Identity, Listed, Opening
from ostiary.sdk import AsyncOstiary
from ostiary.sdk.results import Session
from ostiary.settings import Settings

ASK_EVERY: Final = 2.0  # seconds between two questions about the session of a live connection
MAX_STALENESS: Final = 5.0  # seconds for which a live connection may go on while nobody answers


class Remote:
    """Asks a server, for every request: what it answers is read from the row there.

    Attributes:
        client: the SDK's, for what the integrations do not offer.
    """

    def __init__(self, client: AsyncOstiary | str, *, settings: Settings | None = None) -> None:
        """`client`, or only the server's URL.

        Args:
            client: with an administrator's CLI token as its `token`, it also starts sessions.
            settings: how people reach this application, as for `Embedded`; nothing else of them is read.
        """
        self.client = client if isinstance(client, AsyncOstiary) else AsyncOstiary(client)
        self.settings = settings or Settings()

    async def open(self) -> None:
        """Nothing has to be opened."""

    async def close(self) -> None:
        """Close the connections."""
        await self.client.close()

    async def verify(self, credential: str, client: Client | None) -> Identity:
        """As `Keeper.verify`.

        Raises:
            StoreUnavailable: the server did not answer, or not as an authority does.
        """
        try:
            found = await self._as(credential, client).auth.whoami()
        except OstiaryError as error:
            raise _known(error) from error
        session, token = found.session, found.token
        by: By = "cli_token" if token else "access_token" if looks_like_jwt(credential) else "session"
        # What an access token was granted is not told here: it has no scope, rather than one too many.
        scopes = token.scopes if token else () if by == "access_token" else None
        return Identity(
            User(found.user.id, found.user.username, found.user.email, tuple(found.user.roles)),
            by,
            session_id=session.id if session else None,
            ends_at=session.expires_at if session else None,
            amr=session.amr if session else (),
            tenant=session.tenant if session else None,
            application_id=session.application_id if session else None,
            scopes=scopes,
            client=client or Client(),
            credential=credential,
        )

    async def watch(self, identity: Identity) -> OstiaryError:
        """As `Keeper.watch`, by asking again and again."""
        loop = asyncio.get_running_loop()
        proven = loop.time()
        while True:
            asked = loop.time()
            try:
                await self.verify(identity.credential, None)
                proven = asked
            except Unauthenticated as why:
                return why
            except OstiaryError:
                if loop.time() - proven > MAX_STALENESS:
                    return StoreUnavailable()
            await asyncio.sleep(ASK_EVERY)

    async def start(self, user_id: str, client: Client, **opening: Unpack[Opening]) -> Begun:
        """Start a session of a user of the server's own directory, by their **username**.

        Raises:
            NotAllowed: `client` has no administrator's token.
            UserNotFound: no such user there.
            StoreUnavailable: the server did not answer; one may have been started.
        """
        asked = set(opening) - {"label", "application_id"}
        if asked:
            raise NotAllowed(f"a server elsewhere starts no session with {', '.join(sorted(asked))}")
        try:
            made = await self.client.admin.sessions.start(
                user_id,
                expire_after=format_duration(self.settings.session_policy().lifetime),
                label=opening.get("label"),
                application_id=opening.get("application_id"),
            )
        except OstiaryError as error:
            raise _known(error) from error
        return Begun(made.session.id, made.token)

    async def list(self, who: Identity) -> list[Listed]:
        """As `Keeper.list`."""
        try:
            return [_listed(session) for session in await self._by(who).sessions.list()]
        except OstiaryError as error:
            raise _known(error) from error

    async def revoke(self, who: Identity, session_id: str) -> None:
        """As `Keeper.revoke`."""
        try:
            await self._by(who).sessions.revoke(session_id)
        except OstiaryError as error:
            raise _known(error) from error

    async def revoke_others(self, who: Identity) -> int:
        """As `Keeper.revoke_others`."""
        try:
            return (await self._by(who).sessions.revoke_others()).count
        except OstiaryError as error:
            raise _known(error) from error

    async def revoke_all(self, who: Identity) -> int:
        """As `Keeper.revoke_all`."""
        try:
            return (await self._by(who).sessions.revoke_all()).count
        except OstiaryError as error:
            raise _known(error) from error

    async def log_out(self, who: Identity) -> None:
        """As `Keeper.log_out`."""
        try:
            await self._by(who).auth.logout()
        except OstiaryError as error:
            raise _known(error) from error

    def _by(self, who: Identity) -> AsyncOstiary:
        return self._as(who.credential, who.client)

    def _as(self, credential: str, client: Client | None) -> AsyncOstiary:
        """Whoever holds the credential, on their own device: a session shows that, and not this application."""
        headers = [(b"authorization", f"Bearer {credential}".encode("latin-1", "replace"))]
        if client is not None and client.user_agent is not None:
            headers.append((b"user-agent", client.user_agent.encode("latin-1", "replace")))
        address = (client.ip, 0) if client is not None and client.ip is not None else None
        return self.client.for_request({"type": "http", "headers": headers, "client": address})


def _known(error: OstiaryError) -> OstiaryError:
    """A server that does not answer as it should is a store that is away: nothing is known, so nobody is let in."""
    return error if error.status < 500 else StoreUnavailable()


def _listed(session: Session) -> Listed:
    told = session.client
    name = Description(told.browser, told.os, told.device, "unknown").name
    return Listed(
        session.id,
        name,
        session.created_at,
        session.last_used_at,
        session.expires_at,
        ip=session.ip,
        user_agent=session.user_agent,
        label=session.label,
        application_id=session.application_id,
        tenant=session.tenant,
        is_current=session.is_current,
    )
