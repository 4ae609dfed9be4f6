"""Operations asked of a server over HTTP with one credential; refusals are failures."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from ostiary import __version__
from ostiary.cli.address import Address
from ostiary.cli.calls import Calls
from ostiary.cli.failures import Failure, UnusableAnswer, exit_code_of, from_problem, usage
from ostiary.cli.operations import request_of
from ostiary.cli.transport import Answer, send

Trace: TypeAlias = Callable[[str], None]


class ServerCalls(Calls):
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
        reauthenticate: Callable[[ServerCalls], str | None] | None = None,
        trace: Trace | None = None,
    ) -> None:
        super().__init__(address.url)
        self.address = address
        self.bearer = checked_bearer(bearer) if bearer is not None else None
        self._reauthenticate = reauthenticate
        self._trace = trace

    def perform(self, operation: str, takes: Mapping[str, object]) -> object:
        """Send it; again, once, after a fresh sign-in where it needs one.

        Raises:
            Failure: refused, unreachable, or not an answer of ours.
        """
        request = request_of(operation, takes)
        try:
            return self._judged(self.raw(*request))
        except Failure as failure:
            if failure.code != "reauthentication_required" or self._reauthenticate is None:
                raise
            fresh = self._reauthenticate(ServerCalls(self.address, self.bearer, trace=self._trace))
            if fresh is None:
                raise
            self.bearer = checked_bearer(fresh)
            return self._judged(self.raw(*request))

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
