"""The connection to the authority: asks, follows the feed, fetches keys. Its failures never look like a refusal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Final

import httpx2
import msgspec

from ostiary.contract.feed import Feed, FollowFeed, HeartbeatData
from ostiary.contract.oauth import Discovery
from ostiary.contract.verifications import AskVerifications, Credential, Services, Verifications
from ostiary.core.endings import Entry
from ostiary.errors import ConfigurationError, OstiaryError, SessionInvalid
from ostiary.sdk.answers import read, refusal
from ostiary.sdk.failures import Unreachable, UnusableAnswer
from ostiary.sdk.incoming import Holder, checked
from ostiary.sdk.terms import AGENT, terms
from ostiary.sdk.verifier.failures import CannotProve
from ostiary.sdk.wire import AwaitingWire

MAXIMUM_KEYS: Final = 256 * 1024  # bytes of a key set


class Link:
    """To one authority, with the verifier's own credential."""

    def __init__(
        self,
        url: str,
        *,
        token: str | None,
        client_id: str | None,
        client_secret: str | None,
        timeout: float,
        allow_plain_http: bool,
        http_client: httpx2.AsyncClient | None,
    ) -> None:
        """Nothing is sent yet.

        Raises:
            ConfigurationError: no URL of an authority, or not exactly one credential.
        """
        self._terms = terms(url, timeout, 0, client_id, client_secret, allow_plain_http=allow_plain_http)
        self._holder = _holder(token, client_id, client_secret)
        self._own = http_client is None
        self._http = http_client or httpx2.AsyncClient(trust_env=False, limits=httpx2.Limits(max_connections=16))

    @property
    def url(self) -> str:
        """The authority's root."""
        return self._terms.url

    async def ask(self, asked: Sequence[Credential]) -> Verifications:
        """Who holds these credentials, by their rows, after this call.

        Raises:
            CannotProve: no answer in time, or none that says.
        """
        request = self._terms.request(Services.verifications, AskVerifications(asked), self._holder)
        try:
            async with asyncio.timeout(self._terms.timeout):
                response = await self._ask(request)
        except (httpx2.RequestError, TimeoutError) as why:
            raise CannotProve("the authority did not answer") from why
        if response.status_code != httpx2.codes.OK:
            raise _no_proof(response)
        try:
            found = read(Services.verifications, response)
        except UnusableAnswer:
            raise CannotProve("the authority's answer cannot be read") from None
        if len(found.answers) != len(asked):
            raise CannotProve("the authority answered something else")
        return found

    async def _ask(self, request: httpx2.Request) -> httpx2.Response:
        """Twice if need be: the other end may have closed a connection that was kept, and asking changes nothing."""
        try:
            return await self._http.send(request, auth=None, follow_redirects=False)
        except (httpx2.NetworkError, httpx2.RemoteProtocolError):
            return await self._http.send(request, auth=None, follow_redirects=False)

    async def follow(self, asked: FollowFeed, silence: float) -> AsyncGenerator[Entry | HeartbeatData, None]:
        """One request for the feed.

        Args:
            silence: seconds without a word after which the connection counts as cut.

        Raises:
            CannotProve: it could not be had, or broke off.
        """
        wire = AwaitingWire(replace(self._terms, timeout=silence), self._http, self._holder)
        try:
            async with aclosing(wire.follow(Feed.follow, asked)) as told:
                async for one in told:
                    yield one
        except (Unreachable, UnusableAnswer) as why:
            raise CannotProve(f"the feed was cut: {why.message}") from why
        except OstiaryError as why:
            raise _refused(why) from why

    async def keys(self) -> dict[str, Any]:
        """The published signing keys.

        Raises:
            CannotProve: they could not be had.
        """
        try:
            response = await self._http.get(
                self._terms.url + Discovery.keys.path,
                headers={"User-Agent": AGENT},
                timeout=self._terms.timeout,
                follow_redirects=False,
            )
        except httpx2.RequestError as why:
            raise CannotProve("the authority's keys could not be fetched") from why
        if response.status_code != httpx2.codes.OK or len(response.content) > MAXIMUM_KEYS:
            raise _no_proof(response)
        try:
            found: dict[str, Any] = msgspec.json.decode(response.content, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise CannotProve("the authority's keys cannot be read") from None
        return found

    async def close(self) -> None:
        """Close the connections, if they are its own."""
        if self._own:
            await self._http.aclose()


def _no_proof(response: httpx2.Response) -> CannotProve:
    return _refused(refusal(response))


def _refused(why: OstiaryError) -> CannotProve:
    """A refusal of the verifier's own request. As a cause only: it must never pass for one of a user's credential."""
    proof = CannotProve(f"the authority does not answer this verifier: {why.message}")
    proof.__cause__ = why
    return proof


def _holder(token: str | None, client_id: str | None, client_secret: str | None) -> Holder:
    if token is not None and client_id is None:
        try:
            return Holder(checked(token))
        except SessionInvalid:
            raise ConfigurationError("token: not a token") from None
    if token is None and client_id is not None and client_secret is not None:
        return Holder()
    raise ConfigurationError("give a verifier either token, or client_id and client_secret")
