"""An authority elsewhere, asked over HTTP through the SDK: `pip install ostiary[sdk]` is all that this needs.

With a verifier it answers from memory, and hears of endings within milliseconds; without one it asks each time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final, Unpack

from ostiary.contract.shapes import Grant, Session
from ostiary.core.account import User
from ostiary.core.client import Client, Description
from ostiary.core.duration import format_duration
from ostiary.core.oauth.jws import looks_like_jwt
from ostiary.core.reach import Reach
from ostiary.core.taking import Taking
from ostiary.core.token import parse
from ostiary.errors import ConfigurationError, NotAllowed, OstiaryError, StoreUnavailable
from ostiary.integrations.identity import Begun, EndedOthers, Identity, Listed, Opening, identity, listed
from ostiary.integrations.remote_watch import MAX_STALENESS, asked, told
from ostiary.sdk import AsyncOstiary
from ostiary.sdk.verifier import CannotProve, Verified, Verifier
from ostiary.settings import Settings

PATIENCE: Final = 3.0  # seconds at most that the first request waits for the feed
NO_GRANT: Final = Grant(client_id=None, audience=(), scopes=())  # of an older server, which does not tell


class Remote:
    """Asks a server: for every request, so that each answer is read from the row there; or through a verifier.

    Attributes:
        client: the SDK's, for what the integrations do not offer.
        verifier: what answers who it is; None to ask the server each time.
    """

    def __init__(
        self,
        client: AsyncOstiary | str,
        *,
        verifier: Verifier | None = None,
        settings: Settings | None = None,
        audience: str | None = None,
        scope: str | None = None,
    ) -> None:
        """`client`, or only the server's URL.

        Args:
            client: with an administrator's CLI token as its `token`, it also starts sessions.
            verifier: for the same server, not entered: it is opened and closed with this.
            settings: how people reach this application, as for `Embedded`; nothing else of them is read.
            audience, scope: which access tokens are taken, see `Taking`; with neither, none is. A verifier is told
                by its own.

        Raises:
            ConfigurationError: `audience` or `scope` beside a verifier.
        """
        if verifier is not None and (audience is not None or scope is not None):
            raise ConfigurationError("give audience and scope to the verifier, as it is what answers")
        self._taking = Taking(audience, scope)
        self.client = client if isinstance(client, AsyncOstiary) else AsyncOstiary(client)
        self.verifier = verifier
        self.settings = settings or Settings()
        self._opening = asyncio.Lock()
        self._is_open = False

    async def open(self) -> None:
        """Follow the feed, if there is a verifier. A server that is away is no error here: each request is told."""
        if self.verifier is None or self._is_open:
            return
        async with self._opening:
            if self._opened():  # by somebody who came first
                return
            await self.verifier.__aenter__()
            with suppress(CannotProve):
                await self.verifier.wait_until_fresh(min(PATIENCE, self.verifier.max_staleness))
            self._is_open = True

    async def close(self) -> None:
        """Close the connections."""
        if self.verifier is not None:
            await self.verifier.close()
        await self.client.close()

    async def verify(self, credential: str, client: Client | None) -> Identity:
        """As `Keeper.verify`.

        Raises:
            StoreUnavailable: the server did not answer, or not as an authority does, and memory may not.
        """
        if self.verifier is not None:
            return await self._recalled(self.verifier, credential, client)
        if looks_like_jwt(credential) and not self._taking:
            self._taking.ensure_access_token((), ())  # nobody needs to be asked
        with _known():
            found = await self._as(credential, client).auth.whoami()
        told, token = found.user, found.token
        reach = Reach("session") if token is None else Reach("cli_token", tuple(token.scopes))
        if looks_like_jwt(credential):
            grant = found.grant or NO_GRANT
            reach = Reach("access_token", tuple(grant.scopes))
            self._taking.ensure_access_token(grant.audience, grant.scopes)
        elif token is not None:
            self._taking.ensure_cli_token(token.scopes)
        user = User(told.id, told.username, told.email, tuple(told.roles))
        return identity(user, reach, found.session, client, credential)

    async def watch(self, identity: Identity) -> OstiaryError:
        """As `Keeper.watch`: told by the feed; without a verifier, by asking every two seconds, which counts as use."""
        if self.verifier is None:
            return await asked(lambda credential: self.verify(credential, None), identity.credential, MAX_STALENESS)
        if identity.session_id is None:  # a CLI token has no end that the feed tells of
            return await asked(self.verifier.look, identity.credential, self.verifier.max_staleness)
        return await told(self.verifier, identity)

    async def start(self, user_id: str, client: Client, **opening: Unpack[Opening]) -> Begun:
        """Start a session of a user of the server's own directory, by their **username**.

        Raises:
            NotAllowed: `client` has no administrator's token.
            UserNotFound: no such user there.
            StoreUnavailable: the server did not answer; one may have been started.
        """
        unknown = set(opening) - {"label", "application_id"}
        if unknown:
            raise NotAllowed(f"a server elsewhere starts no session with {', '.join(sorted(unknown))}")
        with _known():
            made = await self.client.admin.sessions.start(
                user_id,
                expire_after=format_duration(self.settings.session_policy().lifetime),
                label=opening.get("label"),
                application_id=opening.get("application_id"),
            )
        return Begun(made.session.id, made.token)

    async def list(self, who: Identity) -> list[Listed]:
        """As `Keeper.list`."""
        with _known():
            return [_listed(session) for session in await self._by(who).sessions.list()]

    async def revoke(self, who: Identity, session_id: str) -> None:
        """As `Keeper.revoke`."""
        with self._ending(session_id=session_id):
            await self._by(who).sessions.revoke(session_id)

    async def revoke_others(self, who: Identity) -> EndedOthers:
        """As `Keeper.revoke_others`."""
        with self._ending(user_id=who.user_id):
            done = await self._by(who).sessions.revoke_others()
            return EndedOthers(done.count, done.token)

    async def revoke_all(self, who: Identity) -> int:
        """As `Keeper.revoke_all`."""
        with self._ending(user_id=who.user_id):
            return (await self._by(who).sessions.revoke_all()).count

    async def log_out(self, who: Identity) -> None:
        """As `Keeper.log_out`."""
        with self._ending(session_id=who.session_id):
            await self._by(who).auth.logout()

    async def let_go(self, credentials: Sequence[str], client: Client) -> None:
        """As `Keeper.let_go`."""
        for credential in credentials:
            token = parse(credential)
            with self._ending(session_id=token.id if token else None):
                await self._as(credential, client).auth.logout()

    async def _recalled(self, verifier: Verifier, credential: str, client: Client | None) -> Identity:
        try:
            if client is None:
                found = await verifier.look(credential)
            else:
                found = await verifier.verify(credential, ip=client.ip, user_agent=client.user_agent)
        except CannotProve as why:
            raise StoreUnavailable from why
        return _identity(found, client, credential)

    @contextmanager
    def _ending(self, *, session_id: str | None = None, user_id: str | None = None) -> Iterator[None]:
        """What was asked for here holds here at once, and not only when the feed tells; even if no answer came."""
        try:
            with _known():
                yield
        finally:
            if self.verifier is not None:
                self.verifier.forget(session_id=session_id, user_id=user_id)

    def _opened(self) -> bool:
        return self._is_open

    def _by(self, who: Identity) -> AsyncOstiary:
        return self._as(who.credential, who.client)

    def _as(self, credential: str, client: Client | None) -> AsyncOstiary:
        """Whoever holds the credential, on their own device: a session shows that, and not this application."""
        headers = [(b"authorization", f"Bearer {credential}".encode("latin-1", "replace"))]
        if client is not None and client.user_agent is not None:
            headers.append((b"user-agent", client.user_agent.encode("latin-1", "replace")))
        address = (client.ip, 0) if client is not None and client.ip is not None else None
        return self.client.for_request({"type": "http", "headers": headers, "client": address})


def _identity(found: Verified, client: Client | None, credential: str) -> Identity:
    """From a verifier's answer. It has no e-mail address to tell."""
    reach = Reach("session") if found.scopes is None else Reach("access_token", found.scopes)
    if found.token is not None:
        reach = Reach("cli_token", found.token.scopes)
    user = User(found.user.id, found.user.username, None, found.user.roles)
    return identity(user, reach, found.session, client, credential)


@contextmanager
def _known() -> Iterator[None]:
    """A server that does not answer as it should is a store that is away: nothing is known, so nobody is let in."""
    try:
        yield
    except OstiaryError as error:
        if error.status < 500:
            raise
        raise StoreUnavailable from error


def _listed(session: Session) -> Listed:
    told = session.client
    name = Description(told.browser, told.os, told.device, "unknown").name
    return listed(session, name, expires_at=session.expires_at, is_current=session.is_current)
