"""One authority, one holder: requests made from calls, sent over connections that are kept."""

from __future__ import annotations

import base64
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeVar
from urllib.parse import quote_plus, urlencode, urlsplit

import anyio
import httpx2
import msgspec

from ostiary import __version__
from ostiary.errors import ConfigurationError
from ostiary.sdk.admin_results import Page
from ostiary.sdk.call import Call
from ostiary.sdk.conversation import Outcome, Pause, conversation
from ostiary.sdk.endpoint import Incoming
from ostiary.sdk.incoming import Holder, holder_of

T = TypeVar("T")
Item = TypeVar("Item")

AGENT: Final = f"ostiary-sdk/{__version__} (Python {sys.version_info.major}.{sys.version_info.minor})"
LOCAL_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Terms:
    """How an authority is asked. The secret is not in the repr.

    Attributes:
        url: its root, without a slash at the end.
        timeout: seconds that each phase of a request may take.
        retries: how often a request may be sent again.
    """

    url: str
    timeout: float
    retries: int
    client_id: str | None
    client_secret: str | None

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Terms({self.url!r}, client_id={self.client_id!r})"

    def request(self, call: Call[T], holder: Holder) -> httpx2.Request:
        """The request of a call.

        It is not built by the HTTP client, which would add cookies of its own: one user's must never go with another's
        request.
        """
        url = self.url + call.path
        query = {name: value for name, value in (call.query or {}).items() if value is not None}
        if query:
            url += f"?{urlencode(query)}"
        headers = {"Accept": "application/json", "User-Agent": AGENT}
        content = None
        if call.body is not None:
            headers["Content-Type"] = "application/json"
            content = msgspec.json.encode(call.body)
        elif call.form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            content = urlencode({**call.form, **self._client_in_form(call)}).encode()
        headers |= self._credential(call, holder)
        extensions = {"timeout": httpx2.Timeout(self.timeout).as_dict()}
        return httpx2.Request(call.method, url, headers=headers, content=content, extensions=extensions)

    def _credential(self, call: Call[T], holder: Holder) -> dict[str, str]:
        if call.credential == "caller":
            return holder.headers
        where = Holder(user_agent=holder.user_agent, ip=holder.ip).headers
        if call.credential == "nobody":
            return where
        if self.client_id is None:
            raise ConfigurationError("client_id: this call needs an OAuth client; give client_id and client_secret")
        if self.client_secret is None:  # a public client says who it is in the form
            return where
        pair = f"{quote_plus(self.client_id)}:{quote_plus(self.client_secret)}"  # RFC 6749 2.3.1
        return {**where, "Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    def _client_in_form(self, call: Call[T]) -> dict[str, str]:
        public = call.credential == "client" and self.client_id is not None and self.client_secret is None
        return {"client_id": self.client_id} if public and self.client_id else {}


class BlockingWire:
    """Sends and waits."""

    def __init__(self, terms: Terms, http: httpx2.Client, holder: Holder) -> None:
        """`http` keeps the connections, and may be shared by many holders and threads."""
        self.terms = terms
        self.http = http
        self.holder = holder

    def send(self, call: Call[T], request: Incoming | None = None) -> T:
        """Ask, and wait for the answer; for the sender of `request`, if one is given."""
        holder = self.holder if request is None else holder_of(request)
        steps = conversation(call, self.terms.request(call, holder), self.terms.retries)
        step = next(steps)
        while True:
            try:
                step = steps.send(self._take(step))
            except StopIteration as done:
                result: T = done.value
                return result

    def each(self, calls: Callable[[str | None], Call[Page[Item]]], request: Incoming | None) -> Iterator[Item]:
        """One page after the other."""
        page = self.send(calls(None), request)
        yield from page.items
        while page.next_cursor:
            page = self.send(calls(page.next_cursor), request)
            yield from page.items

    def _take(self, step: httpx2.Request | Pause) -> Outcome | None:
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return None
        try:
            return self.http.send(step, auth=None, follow_redirects=False)
        except httpx2.RequestError as failure:
            return failure


class AwaitingWire:
    """Sends and awaits."""

    def __init__(self, terms: Terms, http: httpx2.AsyncClient, holder: Holder) -> None:
        """`http` keeps the connections, and may be shared by many holders and tasks."""
        self.terms = terms
        self.http = http
        self.holder = holder

    async def send(self, call: Call[T], request: Incoming | None = None) -> T:
        """Ask, and await the answer; for the sender of `request`, if one is given."""
        holder = self.holder if request is None else holder_of(request)
        steps = conversation(call, self.terms.request(call, holder), self.terms.retries)
        step = next(steps)
        while True:
            try:
                step = steps.send(await self._take(step))
            except StopIteration as done:
                result: T = done.value
                return result

    async def each(
        self, calls: Callable[[str | None], Call[Page[Item]]], request: Incoming | None
    ) -> AsyncIterator[Item]:
        """One page after the other."""
        page = await self.send(calls(None), request)
        for item in page.items:
            yield item
        while page.next_cursor:
            page = await self.send(calls(page.next_cursor), request)
            for item in page.items:
                yield item

    async def _take(self, step: httpx2.Request | Pause) -> Outcome | None:
        if isinstance(step, Pause):
            await anyio.sleep(step.seconds)
            return None
        try:
            return await self.http.send(step, auth=None, follow_redirects=False)
        except httpx2.RequestError as failure:
            return failure


def checked_url(url: str, *, allow_plain_http: bool) -> str:
    """The root of an authority, without a slash at the end.

    Raises:
        ConfigurationError: not a root, or plain http to another machine, where anybody on the way reads credentials.
    """
    try:
        parts = urlsplit(url.strip())
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        raise ConfigurationError("url: not a URL; use one such as https://auth.example.org") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_fine:
        raise ConfigurationError("url: give scheme and host, such as https://auth.example.org")
    if parts.username is not None or parts.query or parts.fragment:
        raise ConfigurationError("url: no user, query or fragment belongs here; credentials are arguments of their own")
    if parts.scheme == "http" and parts.hostname not in LOCAL_HOSTS and not allow_plain_http:
        raise ConfigurationError("url: credentials need https; or say allow_plain_http=True in a network you trust")
    return url.strip().rstrip("/")
