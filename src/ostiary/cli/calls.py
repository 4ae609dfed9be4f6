"""Calls on a server's API with one credential: JSON in, JSON out, refusals as failures."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias
from urllib.parse import urlencode

from ostiary import __version__
from ostiary.cli.address import Address
from ostiary.cli.answers import Object
from ostiary.cli.failures import Failure, UnusableAnswer, exit_code_of, from_problem, usage
from ostiary.cli.transport import Answer, send

Trace: TypeAlias = Callable[[str], None]

API: Final = "/api/v1"


class Calls:
    """One server, one credential.

    Args:
        bearer: sent as it is; None asks as nobody.
        reauthenticate: asked when an act needs a fresher sign-in; answers the new credential, or None when it cannot.
        trace: told one line a request, never a secret.
    """

    def __init__(
        self,
        address: Address,
        bearer: str | None = None,
        *,
        reauthenticate: Callable[[Calls], str | None] | None = None,
        trace: Trace | None = None,
    ) -> None:
        self.address = address
        self.bearer = checked_bearer(bearer) if bearer is not None else None
        self._reauthenticate = reauthenticate
        self._trace = trace

    def get(self, path: str, query: Mapping[str, object] | None = None) -> Object:
        """Read one object.

        Raises:
            Failure: refused, unreachable, or not an answer of ours.
        """
        return self._object(self._ask("GET", path, query=query))

    def get_list(self, path: str, query: Mapping[str, object] | None = None) -> list[Object]:
        """Read a top-level array of objects.

        Raises:
            Failure: as `get`.
        """
        return self._objects(self._ask("GET", path, query=query))

    def get_pages(self, path: str, member: str, query: Mapping[str, object], limit: int | None = None) -> list[Object]:
        """Read pages of `{member: […], "next_cursor"}` until there are no more, or `limit` objects.

        Raises:
            Failure: as `get`.
        """
        found: list[Object] = []
        seen: set[str] = set()
        cursor: str | None = None
        while True:
            page = self.get(path, {**query, "cursor": cursor})
            found += self._objects(page.get(member))
            cursor = page.get("next_cursor")
            if not cursor or (limit is not None and len(found) >= limit):
                return found[:limit]
            if not isinstance(cursor, str) or cursor in seen:
                raise UnusableAnswer(self.address.url, "its pages do not end")
            seen.add(cursor)

    def post(self, path: str, body: Mapping[str, object] | None = None) -> Object:
        """Do something.

        Raises:
            Failure: as `get`.
        """
        return self._object(self._ask("POST", path, body=body or {}))

    def delete(self, path: str) -> Object:
        """End something.

        Raises:
            Failure: as `get`.
        """
        return self._object(self._ask("DELETE", path))

    def raw(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Answer:
        """One request as it is answered, whatever the status; `path` is from the server's root.

        Raises:
            Failure: unreachable, or not HTTP.
        """
        headers = {"Accept": "application/json", "User-Agent": user_agent()}
        if self.bearer is not None:
            headers["Authorization"] = f"Bearer {self.bearer}"
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body).encode()
        began = time.monotonic()
        answer = send(self.address, method, path, headers=headers, body=content)
        if self._trace is not None:
            spent = (time.monotonic() - began) * 1000
            self._trace(f"{method} {self.address.url}{path} -> {answer.status} in {spent:.0f} ms")
        return answer

    def _ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> object:
        given = {name: value for name, value in (query or {}).items() if value is not None}
        whole = f"{API}{path}?{urlencode(given)}" if given else f"{API}{path}"
        try:
            return self._judged(self.raw(method, whole, body))
        except Failure as failure:
            if failure.code != "reauthentication_required" or self._reauthenticate is None:
                raise
            fresh = self._reauthenticate(Calls(self.address, self.bearer, trace=self._trace))
            if fresh is None:
                raise
            self.bearer = checked_bearer(fresh)
            return self._judged(self.raw(method, whole, body))  # once: a second refusal is final

    def _judged(self, answer: Answer) -> object:
        content = self._json(answer)
        if 200 <= answer.status < 300:
            if content is _NOT_JSON:
                raise UnusableAnswer(
                    self.address.url, f"it sent {answer.media_type or 'nothing'} with status {answer.status}"
                )
            return content
        if 300 <= answer.status < 400:
            target = answer.headers.get("location", "somewhere else")
            raise UnusableAnswer(self.address.url, f"it redirects to {target}, which is not followed")
        if isinstance(content, dict) and ("code" in content or "error" in content):
            raise from_problem(answer.status, content)
        if answer.status in {401, 403, 429} or answer.status >= 500:  # a proxy in front of it says no
            raise Failure(f"{self.address.url} answered {answer.status}", exit_code_of(answer.status), code="refused")
        raise UnusableAnswer(self.address.url, f"it answered {answer.status}")

    def _json(self, answer: Answer) -> object:
        if answer.media_type not in {"application/json", "application/problem+json"}:
            return _NOT_JSON
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError):
            return _NOT_JSON

    def _object(self, content: object) -> Object:
        if not isinstance(content, dict):
            raise UnusableAnswer(self.address.url, "an object was expected")
        return content

    def _objects(self, content: object) -> list[Object]:
        if not isinstance(content, list) or not all(isinstance(item, dict) for item in content):
            raise UnusableAnswer(self.address.url, "a list of objects was expected")
        return content


_NOT_JSON: Final = object()


def checked_bearer(bearer: str) -> str:
    """Return the credential if a header can carry it.

    Raises:
        Failure: it cannot, so it is none; it is not shown.
    """
    if not bearer or not bearer.isascii() or not bearer.isprintable() or " " in bearer:
        raise usage("the credential is not a token: it is empty or has characters that no token has")
    return bearer


def user_agent() -> str:
    """`ostiary/0.1.0 (Linux x86_64; laptop)`: by it people tell their machines apart in a list of sessions."""
    if hasattr(os, "uname"):
        found = os.uname()
        words = f"{found.sysname} {found.machine}; {found.nodename}"
    else:
        words = f"{sys.platform}; {os.environ.get('COMPUTERNAME', 'unknown')}"
    visible = "".join(c for c in words if c.isascii() and c.isprintable() and c not in "()\\")
    return f"ostiary/{__version__} ({visible[:120]})"
