"""An authority in the application's own process, on the application's own database, for its own users."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Unpack

import structlog

from ostiary.authority import Authority
from ostiary.authority.authority import utc_now
from ostiary.core.account import User
from ostiary.core.caller import Caller
from ostiary.core.client import Client, describe
from ostiary.core.oauth.jws import looks_like_jwt
from ostiary.core.policy import Policy
from ostiary.core.session import Session, lifetime_ends_at
from ostiary.core.taking import Taking
from ostiary.errors import (
    OstiaryError,
    SessionInvalid,
    SessionNotFound,
    SessionRevoked,
    StoreUnavailable,
    Unauthenticated,
)
from ostiary.feed import Poll
from ostiary.integrations.identity import Begun, EndedOthers, Identity, Listed, Opening, identity, listed
from ostiary.settings import Settings

log = structlog.get_logger(__name__)

LOOK_EVERY: Final = 2.5  # seconds between two looks at the clock for a live connection
MAX_STALENESS: Final = 5.0  # seconds for which a live connection may go on while the store is away


class Embedded:
    """Asks the authority in this process: every answer is read from the row, as a server's own is.

    Attributes:
        authority: all of it, for what the integrations do not offer.
    """

    def __init__(
        self,
        settings: Settings | str,
        *,
        audience: str | None = None,
        scope: str | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """`settings`, or only the database's URL. Nothing is opened yet.

        Args:
            audience, scope: which access tokens are taken, see `Taking`; with neither, none is.

        Raises:
            ConfigurationError: a setting contradicts another, or the database's URL cannot be used.
        """
        self.settings = settings if isinstance(settings, Settings) else Settings(database_url=settings)
        self.authority = Authority(self.settings, clock=clock)
        self._taking = Taking(audience, scope)
        self._polled_at = 0.0  # when the feed last knew what had happened, on the loop's clock
        self.authority.feed.polled.append(self._polled)
        self._opening = asyncio.Lock()
        self._is_open = False

    async def open(self) -> None:
        """Begin to record use.

        Raises:
            ConfigurationError: the database has not the schema that this version needs.
        """
        if self._is_open:
            return
        async with self._opening:
            if self._opened():  # by somebody who came first
                return
            try:
                await self.authority.ensure_migrated()
            except StoreUnavailable as why:  # an application starts without its store, and answers 503
                log.warning("store.unavailable", cause=why.cause, why=why.sentence)
            await self.authority.__aenter__()
            self._is_open = True

    async def close(self) -> None:
        """Write down what use is still unrecorded, and give every connection back."""
        self._is_open = False
        await self.authority.close()

    async def verify(self, credential: str, client: Client | None) -> Identity:
        """As `Keeper.verify`, from the row."""
        if looks_like_jwt(credential) and not self._taking:
            self._taking.ensure_access_token((), ())  # whoever it is: the use of its session is not noted, either
        return self._identity(await self.authority.verify(credential, self._kept(client)), client, credential)

    async def watch(self, identity: Identity) -> OstiaryError:
        """As `Keeper.watch`: told by the feed within milliseconds; by the clock where a limit passes."""
        loop = asyncio.get_running_loop()
        told = loop.create_task(self._told(identity.session_id, identity.credential)) if identity.session_id else None
        ends_at, proven = identity.ends_at, loop.time()
        try:
            while True:
                within = max(0.1, (ends_at - self.authority.clock()).total_seconds()) if ends_at else LOOK_EVERY
                await asyncio.wait({told} if told else {loop.create_future()}, timeout=min(within, LOOK_EVERY))
                if told is not None and told.done():
                    return StoreUnavailable() if told.cancelled() else told.result()
                try:
                    if told is None:
                        await self.authority.verify(identity.credential)
                        proven = loop.time()
                    elif ends_at is not None and self.authority.clock() >= ends_at:
                        ends_at = await self._deadline(identity)
                except (SessionNotFound, Unauthenticated) as why:
                    return why
                except StoreUnavailable:
                    pass  # for a while
                if loop.time() - max(proven, self._polled_at) > MAX_STALENESS:
                    return StoreUnavailable()
        finally:
            if told is not None:
                told.cancel()

    async def start(self, user_id: str, client: Client, **opening: Unpack[Opening]) -> Begun:
        """As `Keeper.start`.

        Raises:
            LimitReached: the policy's limit, when it says deny.
            InvalidRequest: label, application id or tenant too long.
        """
        started = await self.authority.sessions.start(user_id, client=self.authority.kept(client), **opening)
        return Begun(started.session.id, started.token)

    def _kept(self, client: Client | None) -> Client | None:
        return None if client is None else self.authority.kept(client)

    async def list(self, who: Identity) -> list[Listed]:
        """As `Keeper.list`."""
        by = await self._caller(who)
        return [self._listed(session, by.session_id) for session in await self.authority.sessions.list(by=by)]

    async def revoke(self, who: Identity, session_id: str) -> None:
        """As `Keeper.revoke`."""
        await self.authority.sessions.revoke(session_id, by=await self._caller(who))

    async def revoke_others(self, who: Identity) -> EndedOthers:
        """As `Keeper.revoke_others`."""
        done = await self.authority.sessions.revoke_others(by=await self._caller(who))
        return EndedOthers(done.count, done.renewed.token if done.renewed else None)

    async def revoke_all(self, who: Identity) -> int:
        """As `Keeper.revoke_all`."""
        return (await self.authority.sessions.revoke_all(by=await self._caller(who))).count

    async def log_out(self, who: Identity) -> None:
        """As `Keeper.log_out`."""
        await self.authority.sessions.log_out(by=await self._caller(who))

    async def let_go(self, credentials: Sequence[str], client: Client) -> None:
        """As `Keeper.let_go`."""
        await self.authority.sign_out.of(credentials, at=self.authority.kept(client))

    async def _told(self, session_id: str, credential: str) -> OstiaryError:
        """The ending of a session, or that this is its secret no more: then a copy of it may be what came."""
        ended = asyncio.create_task(self.authority.feed.watch(session_id))
        refused = asyncio.create_task(self._refused(session_id, credential))
        try:
            await asyncio.wait((ended, refused), return_when=asyncio.FIRST_COMPLETED)
            if ended.done():  # it says more
                return SessionRevoked(ended.result().at, ended.result().reason or "policy")
            return refused.result()
        except OstiaryError:
            return StoreUnavailable()  # not known, or more are watched than there is room for
        finally:
            ended.cancel()
            refused.cancel()

    async def _refused(self, session_id: str, credential: str) -> OstiaryError:
        async with self.authority.feed.doubts(session_id) as doubt:
            while True:
                await doubt.wait()
                doubt.clear()
                try:
                    await self.authority.verify(credential)
                except SessionInvalid as why:
                    return why
                except StoreUnavailable:
                    await asyncio.sleep(LOOK_EVERY)
                    doubt.set()
                except Unauthenticated:
                    pass  # it ended, and why is told by who waits for that

    async def _deadline(self, identity: Identity) -> datetime:
        """When the session ends now, as it was used meanwhile."""
        by = Caller(User(identity.user_id))
        session = await self.authority.sessions.find(identity.session_id or "", by=by)
        session.ensure_live(self.authority.policy, self.authority.clock())
        return session.ends_at(self.authority.policy)

    def _polled(self, poll: Poll | None) -> None:
        if poll is not None:
            self._polled_at = asyncio.get_running_loop().time()

    def _opened(self) -> bool:
        return self._is_open

    async def _caller(self, who: Identity) -> Caller:
        # Read again: the act is the credential's own, as it is now, not as it was when the request began.
        return await self.authority.verify(who.credential, self._kept(who.client))

    def _identity(self, caller: Caller, client: Client | None, credential: str) -> Identity:
        if caller.granted is not None:
            self._taking.ensure_access_token(caller.audience, caller.granted)
        elif caller.token is not None:
            self._taking.ensure_cli_token(caller.token.scopes)
        held = _Held.of(caller.session, self.authority.policy) if caller.session else None
        return identity(caller.told, caller.reach, held, client, credential)

    def _listed(self, session: Session, current: str | None) -> Listed:
        name, ends_at = describe(session.user_agent).name, lifetime_ends_at(session, self.authority.policy)
        return listed(session, name, expires_at=ends_at, is_current=session.id == current)


@dataclass(frozen=True, slots=True)
class _Held:
    """A row, as `identity` takes it."""

    id: str
    ends_at: datetime
    auth_time: datetime | None
    amr: tuple[str, ...]
    tenant: str
    application_id: str | None

    @classmethod
    def of(cls, session: Session, policy: Policy) -> _Held:
        return cls(
            session.id,
            session.ends_at(policy),
            session.proved_at,
            session.amr,
            session.tenant,
            session.application_id,
        )
