"""The two clients: every operation of the contract, blocking and async."""

from __future__ import annotations

from types import TracebackType
from typing import Final

import httpx2

from ostiary.contract.api import Calls
from ostiary.contract.calling import Awaiting, Blocking, Incoming
from ostiary.sdk.incoming import Holder, checked, holder_of
from ostiary.sdk.terms import Terms, checked_url
from ostiary.sdk.wire import AwaitingWire, BlockingWire

TIMEOUT: Final = 10.0  # seconds for each phase of a request: connect, send, first and next bytes
RETRIES: Final = 2  # attempts after the first


class Ostiary(Calls[Blocking]):
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
            timeout: seconds that each phase of a request may take.
            retries: how often a request may be sent again where that is safe.
            allow_plain_http: let credentials travel unprotected to another machine.
            http_client: one of your own, for proxies or certificates; it is not closed with this object.

        Raises:
            ConfigurationError: a URL that cannot be one.
            SessionInvalid: a token that cannot be one.
        """
        terms = Terms(checked_url(url, allow_plain_http=allow_plain_http), timeout, retries, client_id, client_secret)
        http = http_client or httpx2.Client(trust_env=False)
        self._own = None if http_client is not None else http
        self._wire = BlockingWire(terms, http, Holder(checked(token) if token is not None else None))
        super().__init__(self._wire)

    def for_request(self, request: Incoming) -> Ostiary:
        """The same authority, for whoever sent `request`; its connections are shared.

        The credential is the request's own bearer, else its session cookie, else an access token in the cookie
        `access_token`. Without any it asks as nobody: never with a token of this object.

        Raises:
            SessionInvalid: a credential that cannot be one.
        """
        return self._held_by(holder_of(request))

    def for_token(self, token: str) -> Ostiary:
        """The same authority, for the holder of `token`; its connections are shared.

        Raises:
            SessionInvalid: a token that cannot be one.
        """
        return self._held_by(Holder(checked(token)))

    def _held_by(self, holder: Holder) -> Ostiary:
        other = object.__new__(Ostiary)
        other._own = None
        other._wire = BlockingWire(self._wire.terms, self._wire.http, holder)
        Calls.__init__(other, other._wire)
        return other

    def close(self) -> None:
        """Close the connections; what was made by `for_request` or `for_token` leaves them to the first."""
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
        return f"Ostiary({self._wire.terms.url!r})"


class AsyncOstiary(Calls[Awaiting]):
    """The same for async programs, on asyncio or trio: every call is awaited."""

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        timeout: float = TIMEOUT,
        retries: int = RETRIES,
        allow_plain_http: bool = False,
        http_client: httpx2.AsyncClient | None = None,
    ) -> None:
        """As `Ostiary`."""
        terms = Terms(checked_url(url, allow_plain_http=allow_plain_http), timeout, retries, client_id, client_secret)
        http = http_client or httpx2.AsyncClient(trust_env=False)
        self._own = None if http_client is not None else http
        self._wire = AwaitingWire(terms, http, Holder(checked(token) if token is not None else None))
        super().__init__(self._wire)

    def for_request(self, request: Incoming) -> AsyncOstiary:
        """As `Ostiary.for_request`."""
        return self._held_by(holder_of(request))

    def for_token(self, token: str) -> AsyncOstiary:
        """As `Ostiary.for_token`."""
        return self._held_by(Holder(checked(token)))

    def _held_by(self, holder: Holder) -> AsyncOstiary:
        other = object.__new__(AsyncOstiary)
        other._own = None
        other._wire = AwaitingWire(self._wire.terms, self._wire.http, holder)
        Calls.__init__(other, other._wire)
        return other

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
        return f"AsyncOstiary({self._wire.terms.url!r})"
