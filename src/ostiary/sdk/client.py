"""The two clients: every operation of the contract, blocking and async."""

from __future__ import annotations

import time
from dataclasses import replace
from types import TracebackType
from typing import Final

import httpx2

from ostiary.contract.api import Calls
from ostiary.contract.calling import Awaiting, Blocking, Incoming
from ostiary.sdk.authorization import Completed
from ostiary.sdk.id_tokens import IdToken, key_id
from ostiary.sdk.incoming import Holder, checked, holder_of
from ostiary.sdk.relying_party import Answered, RelyingParty
from ostiary.sdk.signing_keys import KeyCache
from ostiary.sdk.terms import Terms, terms
from ostiary.sdk.wire import AwaitingWire, BlockingWire

TIMEOUT: Final = 10.0  # seconds for each phase of a request: connect, send, first and next bytes
RETRIES: Final = 2  # attempts after the first


class Ostiary(Calls[Blocking], RelyingParty):
    """A session authority, as a blocking program asks it. It may be shared by threads.

    Every call takes the request that your application is answering in front of its arguments, if you want it to act
    for whoever sent that: `ostiary.sessions.list(request)`. Without one it acts for the holder of `token`.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        issuer: str | None = None,
        timeout: float = TIMEOUT,
        retries: int = RETRIES,
        allow_plain_http: bool = False,
        http_client: httpx2.Client | None = None,
    ) -> None:
        """Nothing is sent until something is asked.

        Args:
            url: the authority's root, such as `https://auth.example.org`.
            token: a session token, CLI token or access token; None asks as nobody.
            client_id, client_secret: for `oauth` and `services`; a public client has no secret.
            issuer: the authority's `public_url`, where `url` is another way to it than the one that browsers take.
            timeout: seconds that each phase of a request may take.
            retries: how often a request may be sent again where that is safe.
            allow_plain_http: let credentials travel unprotected to another machine.
            http_client: one of your own, for proxies or certificates; it is not closed with this object.

        Raises:
            ConfigurationError: a URL or a number that cannot be one.
            SessionInvalid: a token that cannot be one.
        """
        asked = terms(url, timeout, retries, client_id, client_secret, issuer, allow_plain_http=allow_plain_http)
        http = http_client or httpx2.Client(trust_env=False)
        self._own = None if http_client is not None else http
        self._keys = KeyCache()
        self._ask_by(BlockingWire(asked, http, Holder(checked(token) if token is not None else None)))

    def for_request(self, request: Incoming) -> Ostiary:
        """The same authority, for whoever sent `request`; its connections are shared.

        The credential is the request's own bearer, else its session cookie, else an access token in the cookie
        `access_token`. Without any it asks as nobody: never with a token of this object.

        Raises:
            SessionInvalid: a credential that cannot be one.
        """
        return self._sharing(self._terms, holder_of(request))

    def for_token(self, token: str) -> Ostiary:
        """The same authority, for the holder of `token`; its connections are shared.

        Raises:
            SessionInvalid: a token that cannot be one.
        """
        return self._sharing(self._terms, Holder(checked(token)))

    def with_options(self, *, timeout: float | None = None, retries: int | None = None) -> Ostiary:
        """The same authority and holder, for a call that may take longer or must not: its connections are shared.

            ostiary.with_options(timeout=2, retries=0).sessions.list(request)

        Raises:
            ConfigurationError: a number that cannot be one.
        """
        return self._sharing(_with(self._terms, timeout, retries), self._wire.holder)

    def callback(self, answer: Answered, checks: str) -> Completed:
        """Complete a sign-in: who it is, and the tokens. Each answer works once.

        Args:
            answer: the request that the browser came with, its address, or the fields of that.
            checks: what `authorization_url()` gave to keep; take them out of the browser now.

        Raises:
            CallbackMismatch: this browser did not begin this.
            AccessDenied, LoginRequired, ConsentRequired, OAuthError: the authority said no.
            InvalidGrant: the code was used, or is too old.
            IdTokenInvalid: nobody is signed in by it.
            Unreachable, StoreUnavailable: it is not known; nobody is signed in.
        """
        code, kept = self._code(answer, checks)
        tokens = self.oauth.exchange(code, redirect_uri=kept.redirect_uri, code_verifier=kept.code_verifier)
        claims = self.verify_id_token(tokens.id_token or "", nonce=kept.nonce, max_age=kept.max_age)
        return Completed(claims, tokens)

    def verify_id_token(self, id_token: str, *, nonce: str | None = None, max_age: int | None = None) -> IdToken:
        """Who an ID token of this client speaks of, by the authority's published keys (OIDC Core 3.1.3.7).

        It says who signed in, once; whether the session still lives, `oauth.introspect` and a verifier say.

        Raises:
            IdTokenInvalid: not signed by the authority, for another client, expired, or not of this sign-in.
            Unreachable: the keys could not be read.
        """
        kid = key_id(id_token)
        now = time.monotonic()
        if self._keys.find(kid) is None and self._keys.may_look(now):
            self._keys.keep(self.oauth.discovery.keys(), now)
        return self._id_token(id_token, self._keys.find(kid), nonce, max_age)

    def _sharing(self, asked: Terms, holder: Holder) -> Ostiary:
        other = object.__new__(Ostiary)
        other._own = None
        other._keys = self._keys
        other._ask_by(BlockingWire(asked, self._wire.http, holder))
        return other

    def _ask_by(self, wire: BlockingWire) -> None:
        self._wire = wire
        self._terms = wire.terms
        Calls.__init__(self, wire)

    def close(self) -> None:
        """Close the connections; what was made of this object leaves them to it."""
        if self._own is not None:
            self._own.close()

    def __enter__(self) -> Ostiary:
        """Close with the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        """As `close`."""
        self.close()

    def __repr__(self) -> str:
        """Without any secret."""
        return f"Ostiary({self._terms.url!r})"


class AsyncOstiary(Calls[Awaiting], RelyingParty):
    """The same for async programs, on asyncio or trio: every call is awaited."""

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        issuer: str | None = None,
        timeout: float = TIMEOUT,
        retries: int = RETRIES,
        allow_plain_http: bool = False,
        http_client: httpx2.AsyncClient | None = None,
    ) -> None:
        """As `Ostiary`."""
        asked = terms(url, timeout, retries, client_id, client_secret, issuer, allow_plain_http=allow_plain_http)
        http = http_client or httpx2.AsyncClient(trust_env=False)
        self._own = None if http_client is not None else http
        self._keys = KeyCache()
        self._ask_by(AwaitingWire(asked, http, Holder(checked(token) if token is not None else None)))

    def for_request(self, request: Incoming) -> AsyncOstiary:
        """As `Ostiary.for_request`."""
        return self._sharing(self._terms, holder_of(request))

    def for_token(self, token: str) -> AsyncOstiary:
        """As `Ostiary.for_token`."""
        return self._sharing(self._terms, Holder(checked(token)))

    def with_options(self, *, timeout: float | None = None, retries: int | None = None) -> AsyncOstiary:
        """As `Ostiary.with_options`."""
        return self._sharing(_with(self._terms, timeout, retries), self._wire.holder)

    async def callback(self, answer: Answered, checks: str) -> Completed:
        """As `Ostiary.callback`."""
        code, kept = self._code(answer, checks)
        tokens = await self.oauth.exchange(code, redirect_uri=kept.redirect_uri, code_verifier=kept.code_verifier)
        claims = await self.verify_id_token(tokens.id_token or "", nonce=kept.nonce, max_age=kept.max_age)
        return Completed(claims, tokens)

    async def verify_id_token(self, id_token: str, *, nonce: str | None = None, max_age: int | None = None) -> IdToken:
        """As `Ostiary.verify_id_token`."""
        kid = key_id(id_token)
        now = time.monotonic()
        if self._keys.find(kid) is None and self._keys.may_look(now):
            self._keys.keep(await self.oauth.discovery.keys(), now)
        return self._id_token(id_token, self._keys.find(kid), nonce, max_age)

    def _sharing(self, asked: Terms, holder: Holder) -> AsyncOstiary:
        other = object.__new__(AsyncOstiary)
        other._own = None
        other._keys = self._keys
        other._ask_by(AwaitingWire(asked, self._wire.http, holder))
        return other

    def _ask_by(self, wire: AwaitingWire) -> None:
        self._wire = wire
        self._terms = wire.terms
        Calls.__init__(self, wire)

    async def close(self) -> None:
        """As `Ostiary.close`."""
        if self._own is not None:
            await self._own.aclose()

    async def __aenter__(self) -> AsyncOstiary:
        """Close with the block."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        """As `close`."""
        await self.close()

    def __repr__(self) -> str:
        """Without any secret."""
        return f"AsyncOstiary({self._terms.url!r})"


def _with(asked: Terms, timeout: float | None, retries: int | None) -> Terms:
    kept = asked if timeout is None else replace(asked, timeout=timeout)
    return kept if retries is None else replace(kept, retries=retries)
