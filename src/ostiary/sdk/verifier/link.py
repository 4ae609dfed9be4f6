"""The connection to the authority: asks, follows the feed, fetches keys. Its failures never look like a refusal."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote_plus

import httpx2
import msgspec

from ostiary.errors import ConfigurationError
from ostiary.sdk.answers import refusal
from ostiary.sdk.terms import AGENT, checked_url
from ostiary.sdk.verifier.failures import CannotProve
from ostiary.sdk.verifier.wire import Answers, Message, messages

MAXIMUM_KEYS: Final = 256 * 1024  # bytes of a key set


@dataclass(frozen=True, slots=True)
class Asked:
    """One credential, and where it was used, if that counts as use. The credential is in no repr."""

    token: str
    ip: str | None = None
    user_agent: str | None = None
    is_use: bool = True

    def __repr__(self) -> str:
        """Without the secret."""
        return "Asked(…)"


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
        self.url = checked_url(url, allow_plain_http=allow_plain_http)
        self._headers = {"User-Agent": AGENT, "Authorization": _credential(token, client_id, client_secret)}
        self._timeout = timeout
        self._own = http_client is None
        self._http = http_client or httpx2.AsyncClient(trust_env=False, limits=httpx2.Limits(max_connections=16))

    async def ask(self, asked: Sequence[Asked]) -> Answers:
        """Who holds these credentials, by their rows, after this call.

        Raises:
            CannotProve: no answer in time, or none that says.
        """
        credentials = [
            {"token": one.token, "ip": one.ip, "user_agent": one.user_agent, "is_use": one.is_use} for one in asked
        ]
        body = msgspec.json.encode({"credentials": credentials})
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._post(body)
        except (httpx2.RequestError, TimeoutError) as why:
            raise CannotProve("the authority did not answer") from why
        if response.status_code != 200:
            raise _no_proof(response)
        try:
            found = msgspec.json.decode(response.content, type=Answers)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise CannotProve("the authority's answer cannot be read") from None
        if len(found.answers) != len(asked):
            raise CannotProve("the authority answered something else")
        return found

    async def _post(self, body: bytes) -> httpx2.Response:
        """Twice if need be: the other end may have closed a connection that was kept, and asking changes nothing."""
        request = self._http.build_request(
            "POST",
            f"{self.url}/api/v1/verifications",
            content=body,
            headers={**self._headers, "Content-Type": "application/json"},
            timeout=self._timeout,
        )
        try:
            return await self._http.send(request, follow_redirects=False)
        except (httpx2.NetworkError, httpx2.RemoteProtocolError):
            return await self._http.send(request, follow_redirects=False)

    async def follow(self, query: Mapping[str, str], silence: float) -> AsyncGenerator[Message, None]:
        """One request for the feed.

        Args:
            silence: seconds without a word after which the connection counts as cut.

        Raises:
            CannotProve: it could not be had, or broke off.
        """
        request = self._http.build_request(
            "GET", f"{self.url}/api/v1/feed", params=dict(query), headers=self._headers, timeout=silence
        )
        try:
            response = await self._http.send(request, stream=True, follow_redirects=False)
            try:
                if response.status_code != 200:
                    await response.aread()
                    raise _no_proof(response)
                async with aclosing(messages(response.aiter_bytes())) as heard:
                    async for message in heard:
                        yield message
            finally:
                await response.aclose()
        except (httpx2.RequestError, ValueError) as why:
            raise CannotProve(f"the feed was cut ({type(why).__name__})") from why

    async def keys(self) -> dict[str, Any]:
        """The published signing keys.

        Raises:
            CannotProve: they could not be had.
        """
        try:
            response = await self._http.get(
                f"{self.url}/.well-known/jwks.json",
                headers={"User-Agent": AGENT},
                timeout=self._timeout,
                follow_redirects=False,
            )
        except httpx2.RequestError as why:
            raise CannotProve("the authority's keys could not be fetched") from why
        if response.status_code != 200 or len(response.content) > MAXIMUM_KEYS:
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
    """A refusal of the verifier's own request. As a cause only: it must never pass for one of a user's credential."""
    why = refusal(response)
    proof = CannotProve(f"the authority does not answer this verifier: {why.message}")
    proof.__cause__ = why
    return proof


def _credential(token: str | None, client_id: str | None, client_secret: str | None) -> str:
    if token is not None and client_id is None:
        if not token.isascii() or not token.isprintable() or " " in token or not token:
            raise ConfigurationError("token: not a token")
        return f"Bearer {token}"
    if token is None and client_id is not None and client_secret is not None:
        pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"  # RFC 6749 2.3.1
        return f"Basic {base64.b64encode(pair.encode()).decode()}"
    raise ConfigurationError("give a verifier either token, or client_id and client_secret")
