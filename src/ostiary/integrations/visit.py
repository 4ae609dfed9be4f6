"""One request to an application: who sent it, and what its answer must carry.

Every framework's part is made of this.
"""

from __future__ import annotations

import asyncio
import inspect
import secrets
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, Unpack

from ostiary.core.account import User
from ostiary.core.client import seen
from ostiary.core.token import is_id, is_session_token
from ostiary.errors import InvalidRequest, NotAllowed, OstiaryError, SessionInvalid, SessionNotFound, Unauthenticated
from ostiary.http.addresses import Addresses
from ostiary.http.asgi import Scope
from ostiary.http.cookies import CLEAR_SITE_DATA, accepted_names, cookie_for
from ostiary.http.origins import SAFE_METHODS, ensure_own_origin
from ostiary.http.presented import MAXIMUM_COOKIES, MixedCredentials, Presented, holder, presented
from ostiary.integrations.identity import Begun, Identify, Identity, Keeper, Listed, Opening
from ostiary.settings import ForwardedHeader, Network

KEY: Final = "ostiary.visit"  # of the scope
MAXIMUM_USER_ID: Final = 255  # characters
_KEPT_HEADERS: Final = frozenset({"origin", "sec-fetch-site"})


class Visit:
    """Nothing is looked up before somebody asks: a public page does not depend on the store.

    Attributes:
        identity: who sent it, once somebody asked; `identify` finds there whom it is asked about.
        headers: what the answer must carry.
        token: the session's new one, where an act of this request gave it a new secret.
    """

    def __init__(
        self,
        keeper: Keeper,
        scope: Scope,
        *,
        identify: Identify | None = None,
        request: Any = None,
        check_origin: bool = True,
    ) -> None:
        """`request` is what `identify` gets: the framework's own; by default the scope."""
        self._keeper = keeper
        self._identify = identify
        self._request = scope if request is None else request
        self._headers_sent = scope["headers"]
        self._must_be_ours = scope["type"] == "websocket" or scope.get("method") not in SAFE_METHODS
        self._check_origin = check_origin
        self.request_id = secrets.token_hex(12)
        self.arrival = _addresses(keeper.settings.trusted_proxies, keeper.settings.forwarded_header).arrival(scope)
        self.cookie = cookie_for(self.arrival, keeper.settings)
        agent = next((value.decode("latin-1") for name, value in self._headers_sent if name == b"user-agent"), None)
        self.client = seen(self.arrival.ip, agent, self.request_id)
        self.identity: Identity | None = None
        self.token: str | None = None
        self._by_cookie = False
        self._is_settled = False
        self._renewing = asyncio.Lock()
        self.headers: list[tuple[bytes, bytes]] = []

    async def current(self) -> Identity:
        """The verified sender.

        Raises:
            Unauthenticated: nobody, or not any more.
            NotAllowed: it changes something with the cookie, and was not sent by a page of this origin.
            StoreUnavailable: nothing is known; the answer is 503.
        """
        identity = await self.verified()
        if self._identify is None or self._is_settled:
            return identity
        try:
            answer = self._identify(self._request)
            user = await answer if inspect.isawaitable(answer) else answer
        except BaseException:
            self.identity = None
            raise
        return self.settle(user)

    async def verified(self) -> Identity:
        """The verified sender, before the application had its say.

        Raises:
            Unauthenticated, NotAllowed, StoreUnavailable: as for `current`.
        """
        if self.identity is None:
            self.identity = await self._verified(self._presented())
        return self.identity

    def settle(self, user: User | None) -> Identity:
        """The verified sender as the application knows them.

        Raises:
            SessionInvalid: the application does not know them any more.
            MixedCredentials: to the application, the request is from somebody else.
        """
        identity, self.identity = self.identity, None
        if identity is None or user is None:
            raise SessionInvalid("the application does not know this user any more")
        if user.id != identity.user.id:
            raise MixedCredentials
        user = replace(user, roles=identity.reach.roles_of(user))
        self.identity, self._is_settled = replace(identity, user=user), True
        return self.identity

    async def current_or_none(self) -> Identity | None:
        """The verified sender, or None for nobody.

        Raises:
            NotAllowed, StoreUnavailable: as for `current`. A store that is away does not make anybody a stranger.
        """
        try:
            return await self.current()
        except Unauthenticated:
            return None

    async def start(self, user_id: str, *, cookie: bool = True, **opening: Unpack[Opening]) -> Begun:
        """Start a session of a user whom the application has just signed in: always a new one, under a new secret.

        Whatever session the client came with is not taken over (session fixation): it ends, also a suspended one.

        Args:
            user_id: opaque to us, at most 255 characters. It must never be one that a person may choose.
            cookie: True to give it to the browser; False to hand the token to the client in your own answer.
            opening: the rest, see `Opening`.

        Raises:
            InvalidRequest: a cookie over plain http that nobody allowed; a user id that cannot be one.
            NotAllowed: the request was sent by a page of another origin.
            StoreUnavailable: nothing was started.
        """
        if not 0 < len(user_id) <= MAXIMUM_USER_ID or not user_id.isprintable():
            raise InvalidRequest("user_id", f"use 1 to {MAXIMUM_USER_ID} printable characters")
        given = self._presented()
        self._ensure_ours(given, must_say=False)
        if cookie:
            self.cookie.ensure_may_be_set()
        begun = await self._keeper.start(user_id, self.client, **opening)
        await self._let_go(given.cookies)
        if cookie:
            self._answer_with(self.cookie.holding(begun.token))
        self.identity, self._is_settled = None, False
        return begun

    async def sign_out(self) -> None:
        """End every session that came along, and have the browser forget it. It always works.

        Raises:
            StoreUnavailable: nothing was ended, and the cookie stays.
        """
        given = self._presented()
        self._ensure_ours(given, must_say=bool(given.cookies))
        who = await self._held_before(given) if given.bearer is not None else None
        if who is not None and who.by != "session":
            await self._keeper.log_out(who)
        await self._let_go(given.cookies if given.bearer is None else (given.bearer, *given.cookies))
        self.identity = None
        if given.cookies or given.bearer is None:
            self.forget()

    async def list(self) -> list[Listed]:
        """The sender's live sessions, most recently used first."""
        return await self._keeper.list(await self.current())

    async def revoke(self, session_id: str) -> None:
        """End one of the sender's sessions.

        Raises:
            SessionNotFound: there is none, or it is somebody else's: nobody can tell which.
        """
        who = await self.current()
        if not is_id(session_id):
            raise SessionNotFound
        await self._keeper.revoke(who, session_id)
        if session_id == who.session_id:
            self.forget()

    async def revoke_others(self) -> int:
        """End every session of the sender's user but this one; how many.

        This one gets a new secret: the answer sets the cookie anew. Whoever sent it as a bearer needs `token`.
        """
        who = await self.current()
        async with self._renewing:
            done = await self._keeper.revoke_others(who)
            if done.token is not None:
                self.identity, self.token = replace(who, credential=done.token), done.token
                if self._by_cookie:
                    self._answer_with(self.cookie.holding(done.token))
        return done.count

    async def renewed(self, identity: Identity) -> Identity | None:
        """The sender under the secret that this very request was given in place of that one's, if it was."""
        async with self._renewing:
            now = self.identity
            return now if now is not None and now.credential != identity.credential else None

    async def revoke_all(self) -> int:
        """Log out everywhere, here too; how many sessions ended."""
        count = await self._keeper.revoke_all(await self.current())
        self.forget()
        return count

    def forget(self) -> None:
        """Have the browser forget its session, which has ended."""
        self.identity = None
        self._answer_with(self.cookie.cleared)
        self.headers.append((b"clear-site-data", CLEAR_SITE_DATA.encode()))

    def _presented(self) -> Presented:
        return presented(self._headers_sent, accepted_names(self._keeper.settings))

    async def _verified(self, given: Presented) -> Identity:
        self._ensure_ours(given, must_say=bool(given.cookies))
        identity, self._by_cookie = await holder(self._keeper.verify, given, self.client)
        return identity

    def _ensure_ours(self, given: Presented, *, must_say: bool) -> None:
        if self._check_origin and self._must_be_ours and given.bearer is None:
            headers = {
                name.decode("latin-1"): value.decode("latin-1")
                for name, value in self._headers_sent
                if name.decode("latin-1") in _KEPT_HEADERS
            }
            ensure_own_origin(headers, self.arrival, self._keeper.settings.public_url, must_say=must_say)

    async def _held_before(self, given: Presented) -> Identity | None:
        """The session that came along, if it works. Several of several users: none of them is anybody's word."""
        try:
            identity, _ = await holder(self._keeper.verify, given, None)
        except (Unauthenticated, NotAllowed):
            return None  # what this application does not take is no session of it
        return identity

    async def _let_go(self, credentials: Sequence[str]) -> None:
        own = [text for text in dict.fromkeys(credentials) if is_session_token(text)][:MAXIMUM_COOKIES]
        if own:
            await self._keeper.let_go(own, self.client)

    def _answer_with(self, cookie: str) -> None:
        self.headers = [(name, value) for name, value in self.headers if name not in {b"set-cookie", b"cache-control"}]
        self.headers += [(b"set-cookie", cookie.encode()), (b"cache-control", b"no-store")]


@lru_cache(maxsize=8)
def _addresses(trusted: tuple[Network, ...], header: ForwardedHeader) -> Addresses:
    return Addresses(trusted, header)


def visit_of(scope: Any) -> Visit:
    """The visit of a request that came through the middleware.

    Raises:
        RuntimeError: it did not; the application is not put together as its author thinks, and nobody is let in.
    """
    found = scope.get(KEY)
    if not isinstance(found, Visit):
        raise RuntimeError("the Ostiary middleware is not in front of this application")
    return found


def words(error: OstiaryError) -> str:
    """Why, in a word or two, for places that take no more: a WebSocket's closing reason (at most 123 bytes)."""
    return str(error.fields.get("reason") or error.fields.get("limit") or error.code)[:100]
