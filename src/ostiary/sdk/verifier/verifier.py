"""The verifier: answers from memory while it can prove that its memory is fresh, asks the authority when it cannot."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self

import httpx2

from ostiary.contract.verifications import Credential
from ostiary.core.client import seen
from ostiary.core.endings import Changed, Ended, Entry
from ostiary.core.taking import Taking
from ostiary.core.token import is_id
from ostiary.errors import ConfigurationError, SessionInvalid
from ostiary.sdk.verifier.access_tokens import AccessTokens
from ostiary.sdk.verifier.answering import Answering
from ostiary.sdk.verifier.asker import Asker
from ostiary.sdk.verifier.clock import now
from ostiary.sdk.verifier.failures import CannotProve
from ostiary.sdk.verifier.feed import FeedReader
from ostiary.sdk.verifier.knowledge import Bounds, Knowledge
from ostiary.sdk.verifier.link import Link
from ostiary.sdk.verifier.memory import NEVER, Known
from ostiary.sdk.verifier.refusals import refusal_of
from ostiary.sdk.verifier.verified import Verified
from ostiary.sdk.verifier.watches import Watches

MAX_STALENESS: Final = 5.0  # seconds
REMEMBER: Final = 60.0  # seconds; asking again also reports the use of the session
MAXIMUM: Final = 100_000  # sessions: at most 64 MiB
TIMEOUT: Final = 3.0  # seconds for an answer of the authority
LOOK_EVERY: Final = 0.25  # seconds between two looks at what has expired


class Verifier:
    """Answers "who holds this?" for an application, on asyncio. One per process; use it as an async context manager.

    A session that was ended is refused at once where the feed brings the news, and at the latest `max_staleness`
    seconds after the ending was acknowledged, whatever fails in between.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        name: str | None = None,
        max_staleness: float = MAX_STALENESS,
        remember: float = REMEMBER,
        maximum: int = MAXIMUM,
        issuer: str | None = None,
        audience: str | None = None,
        scope: str | None = None,
        timeout: float = TIMEOUT,
        allow_plain_http: bool = False,
        http_client: httpx2.AsyncClient | None = None,
    ) -> None:
        """Nothing is sent until it is entered.

        Args:
            url: the authority's root, such as `https://auth.example.org`.
            token: a CLI token of an administrator with the scope `feed:read`; or
            client_id, client_secret: of a client with that scope.
            name: what the operator's list of verifiers calls this one.
            max_staleness: seconds, 0.5 to 3600: the bound.
            remember: seconds, at most, until a session is asked about again. Use is reported by asking.
            maximum: sessions remembered.
            issuer: of access tokens; the URL, unless the authority is known by another one outside.
            audience, scope: which access tokens are taken, see `Taking`; with neither, none is. A CLI token needs the
                scope `gateway`, or that one.
            timeout: seconds to wait for an answer; never more than `max_staleness`.
            allow_plain_http: let credentials travel unprotected to another machine.
            http_client: one of your own, for proxies or certificates; it is not closed with this object.

        Raises:
            ConfigurationError: one of these cannot be.
        """
        if not 0.5 <= max_staleness <= 3600:
            raise ConfigurationError("max_staleness: use 0.5 to 3600 seconds")
        if not 0 < remember <= 3600 or maximum < 1:
            raise ConfigurationError("remember, maximum: use more than nothing, and at most an hour")
        self._link = Link(
            url,
            token=token,
            client_id=client_id,
            client_secret=client_secret,
            timeout=min(timeout, max_staleness),
            allow_plain_http=allow_plain_http,
            http_client=http_client,
        )
        self._known = Knowledge(Bounds(max_staleness, remember, maximum))
        self._asker = Asker(self._link.ask, self._known, now)
        access_tokens = AccessTokens(self._link.keys, now, issuer=issuer or self._link.url, audience=audience)
        self._answering = Answering(self._known, self._asker, access_tokens, Taking(audience, scope))
        self._watches = Watches()
        self._feed = FeedReader(self._link, self._known, now, self._heard, name=name)
        self._tasks: set[asyncio.Task[None]] = set()

    # What an application asks.

    async def verify(self, token: str, *, ip: str | None = None, user_agent: str | None = None) -> Verified:
        """Who holds this credential.

        Args:
            token: a session token, CLI token or access token, as the client sent it.
            ip, user_agent: of the client; reported with the use.

        Raises:
            SessionInvalid, SessionExpired, SessionRevoked, TokenExpired, TokenRevoked: refused.
            NotAllowed: a token that works, without the scope that this application asks for.
            CannotProve: nobody can tell now. Let nobody in, and sign nobody out.
        """
        found = self.recall(token)
        if found is None:
            return await self._answering.ask(_asked(token, ip, user_agent))
        if found[1]:
            self.renew(token, ip, user_agent)
        return found[0]

    def recall(self, token: str) -> tuple[Verified, bool] | None:
        """The answer if memory has it and may give it, else None. From any thread; nothing is waited for.

        The second half is True if it is time to `renew` it: to one caller, once.
        """
        moment = now()
        known = self._answering.recall(token, moment)
        if known is None:
            return None
        is_due = moment >= known.renew_at
        if is_due:
            known.renew_at = NEVER
        return known.verified(), is_due

    def renew(self, token: str, ip: str | None, user_agent: str | None) -> None:
        """Ask again in the background, which also reports the use: in the thread of the event loop."""
        self._spawn(self._answering.renew(_asked(token, ip, user_agent)))

    async def look(self, token: str) -> Verified:
        """As `verify`, but the authority is asked, and it does not count as use: nothing idles later for it.

        Raises:
            Unauthenticated, CannotProve: as for `verify`.
        """
        return await self._answering.ask(Credential(token, is_use=False))

    def forget(self, *, session_id: str | None = None, user_id: str | None = None) -> None:
        """Ask again about these: for who has just ended them, and wants their next question to know it."""
        self._known.hear(Changed(session_id, user_id))

    async def watch(self, credential: str) -> Ended:
        """Wait until a session ends; for connections that are kept open. It does not count as use.

        Where nobody can tell whether it ended (everybody was logged out, or the feed has a gap) it returns with
        `reason` None: `look`, or close and let the client come back. A limit that passes is not told: `look` when
        `session.ends_at` has come.

        Args:
            credential: its token; or its id, if it was verified a moment ago.

        Raises:
            CannotProve: the feed has been away for longer than `max_staleness`; also at once.
            SessionInvalid, SessionExpired, SessionRevoked: it has ended already.
        """
        known = self._known.recall(credential, now()) if is_id(credential) else None
        if known is not None:
            return await self._watches.wait(known.session, known.user_id)
        if is_id(credential):
            raise CannotProve("nothing is known of this session; verify its token first, or watch that")
        known = self._answering.recall(credential, now())
        if known is not None:
            return await self._watches.wait(known.session, known.user_id)
        verified = await self.look(credential)
        if not self.is_fresh:
            raise CannotProve("the feed is away")
        if verified.session is None:
            raise SessionInvalid("this is no session, so it has no end to wait for")
        return await self._watches.wait(verified.session, verified.user.id)

    @property
    def is_fresh(self) -> bool:
        """Whether memory may answer. While it may not, every question goes to the authority."""
        return self._known.is_fresh(now())

    @property
    def max_staleness(self) -> float:
        """Seconds: the bound."""
        return self._known.bounds.max_staleness

    @property
    def server_time(self) -> datetime | None:
        """The server's clock, or a little later than it is; None before the feed came for the first time."""
        return self._known.server_time(now())

    @property
    def sessions(self) -> int:
        """How many sessions are remembered."""
        return len(self._known.memory)

    async def wait_until_fresh(self, within: float = 10.0) -> None:
        """Wait for the feed; not needed before `verify`, which asks until then.

        Raises:
            CannotProve: it did not come.
        """
        ends_at = now() + within
        while not self.is_fresh:
            if now() >= ends_at:
                raise CannotProve("the feed did not come") from self._feed.failure
            await asyncio.sleep(0.01)

    # The feed.

    def _heard(self, entry: Entry, known: Known | None) -> None:
        self._watches.hear(entry)
        if isinstance(entry, Ended) and known is not None and known.digest:
            # Its holder will retry, at every verifier at once; the feed has told all that the authority would.
            self._answering.refusals.keep(known.digest, refusal_of(entry), now(), entry.session_id)
        elif isinstance(entry, Changed) and entry.session_id is not None:
            self._answering.refusals.forget(entry.session_id)
        if not isinstance(entry, Ended) and (not isinstance(entry, Changed) or entry.keys):
            self._answering.access_tokens.forget()

    async def _sweep(self) -> None:
        """Give up what cannot be told any more, and what has expired."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            moment = now()
            if not self._known.is_fresh(moment):
                self._watches.give_up("the feed has been away for too long")
            self._known.memory.forget_expired(moment)

    # Beginning and ending.

    async def __aenter__(self) -> Self:
        """Begin to follow the feed."""
        self._spawn(self._feed.run())
        self._spawn(self._sweep())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """As `close`."""
        await self.close()

    async def close(self) -> None:
        """Forget everything, and close the connections."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        self._asker.close()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._known.fresh_until = -NEVER
        self._known.memory.forget_all()
        self._watches.give_up("the verifier was closed")
        await self._link.close()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def __repr__(self) -> str:
        """Without any secret."""
        return f"Verifier({self._link.url!r})"


def _asked(token: str, ip: str | None, user_agent: str | None) -> Credential:
    """A use, as the authority takes it: one that it would refuse would take along all that travel with it."""
    place = seen(ip, user_agent)
    return Credential(token, place.ip, place.user_agent)
