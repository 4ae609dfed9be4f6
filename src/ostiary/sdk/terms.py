"""How one authority is asked: requests made of operations, with the credential that each needs."""

from __future__ import annotations

import base64
import sys
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote, quote_plus, urlencode, urlsplit

import httpx2
import msgspec

from ostiary import __version__
from ostiary.contract.operation import Operation, Takes
from ostiary.errors import ConfigurationError
from ostiary.sdk.incoming import Holder

AGENT: Final = f"ostiary-sdk/{__version__} (Python {sys.version_info.major}.{sys.version_info.minor})"
LOCAL_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Terms:
    """How an authority is asked. The secret is not in the repr.

    Attributes:
        url: its root, without a slash at the end.
        timeout: seconds that each phase of a request may take.
        retries: how often a request may be sent again.
        issuer: what the authority calls itself, and where browsers find it.
    """

    url: str
    timeout: float
    retries: int
    client_id: str | None
    client_secret: str | None
    issuer: str

    def __post_init__(self) -> None:
        """Raise ConfigurationError for numbers that cannot be."""
        if not self.timeout > 0:
            raise ConfigurationError("timeout: give seconds, more than 0")
        if self.retries < 0:
            raise ConfigurationError("retries: give 0 or more")

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Terms({self.url!r}, client_id={self.client_id!r})"

    def request(self, operation: Operation[..., Any, Any], asked: Takes, holder: Holder) -> httpx2.Request:
        """The request that asks for an operation.

        It is not built by the HTTP client, which would add cookies of its own: one user's must never go with another's
        request.

        Raises:
            ConfigurationError: the operation needs an OAuth client, and none was given.
        """
        given: dict[str, Any] = msgspec.to_builtins(asked)
        path = {name: segment(given.pop(name)) for name, place in operation.places.items() if place == "path"}
        url = self.url + operation.path.format_map(path)
        headers = {"Accept": operation.media_type, "User-Agent": AGENT, **self._credential(operation, holder)}
        content = None
        if operation.method != "POST":
            url += f"?{urlencode({name: _text(value) for name, value in given.items()})}" if given else ""
        elif operation.sends == "form":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            content = urlencode({**given, **self._client_in_form()}).encode()
        elif operation.has_body:
            headers["Content-Type"] = "application/json"
            content = msgspec.json.encode(given)
        extensions = {"timeout": httpx2.Timeout(self.timeout).as_dict()}
        return httpx2.Request(operation.method, url, headers=headers, content=content, extensions=extensions)

    def _credential(self, operation: Operation[..., Any, Any], holder: Holder) -> dict[str, str]:
        nobody = replace(holder, bearer=None, cookies=())
        if operation.who == "nobody":
            return nobody.headers
        is_service = operation.who == "service" and holder == nobody and self.client_id is not None
        return {**nobody.headers, **self._basic()} if operation.who == "client" or is_service else holder.headers

    def _basic(self) -> dict[str, str]:
        if self.client_id is None:
            raise ConfigurationError("client_id: this call needs an OAuth client; give client_id and client_secret")
        if self.client_secret is None:  # a public client says who it is in the form
            return {}
        pair = f"{quote_plus(self.client_id)}:{quote_plus(self.client_secret)}"  # RFC 6749 2.3.1
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    def _client_in_form(self) -> dict[str, str]:
        return {"client_id": self.client_id} if self.client_id is not None and self.client_secret is None else {}


def segment(value: object) -> str:
    """A value as one segment of a path, so that no id or name is ever taken for another path."""
    quoted = quote(str(value), safe="")
    return {".": "%2E", "..": "%2E%2E", "": "%20"}.get(quoted, quoted)  # a dot segment would be resolved away


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def terms(
    url: str,
    timeout: float,
    retries: int,
    client_id: str | None,
    client_secret: str | None,
    issuer: str | None = None,
    *,
    allow_plain_http: bool,
) -> Terms:
    """How the authority at `url` is asked; without an `issuer` it calls itself by that.

    Raises:
        ConfigurationError: what was given cannot be; the message names the argument.
    """
    root = checked_url(url, allow_plain_http=allow_plain_http)
    name = root if issuer is None else checked_url(issuer, allow_plain_http=allow_plain_http, argument="issuer")
    return Terms(root, timeout, retries, client_id, client_secret, name)


def checked_url(url: str, *, allow_plain_http: bool, argument: str = "url") -> str:
    """The root of an authority, without a slash at the end.

    Raises:
        ConfigurationError: not a root, or plain http to another machine, where anybody on the way reads credentials.
    """
    try:
        parts = urlsplit(url.strip())
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        raise ConfigurationError(f"{argument}: not a URL; use one such as https://auth.example.org") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_fine:
        raise ConfigurationError(f"{argument}: give scheme and host, such as https://auth.example.org")
    if parts.username is not None or parts.query or parts.fragment:
        raise ConfigurationError(
            f"{argument}: no user, query or fragment belongs here; credentials are arguments of their own"
        )
    if parts.scheme == "http" and parts.hostname not in LOCAL_HOSTS and not allow_plain_http:
        raise ConfigurationError(
            f"{argument}: credentials need https; or say allow_plain_http=True in a network you trust"
        )
    return url.strip().rstrip("/")
