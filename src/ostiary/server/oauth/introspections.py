"""The usual `POST /oauth/introspect`, answered in front of the router: APIs ask it with every request that they get.

It can only say what a token is. Whatever is refused, comes in pieces or is unusual otherwise goes on to the router as
it came, and is explained there: one place that explains (docs/decisions/0016). tests/oauth/test_introspections.py
compares both ways.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from ostiary.authority import Authority
from ostiary.server.asgi import ASGIApp, Message, Receive, Scope, Send, respond
from ostiary.server.oauth.parameters import fields_of
from ostiary.server.oauth.tokens import introspected

PATH: Final = "/oauth/introspect"
USUAL_BODY: Final = 8 * 1024  # bytes; a JWT has 4096 at the most (`core.oauth.jws`)
_encoder = msgspec.json.Encoder()


class Introspections:
    """Answers with what a token is, and leaves the rest to the application."""

    def __init__(self, app: ASGIApp, authority: Authority) -> None:
        """Wrap the router."""
        self._app = app
        self._authority = authority

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        named = _usual(scope)
        if named is None:
            await self._app(scope, receive, send)
            return
        try:
            body = await receive()  # all of it: see `WholeBodies`
        except TimeoutError:
            await self._app(scope, receive, send)
            return
        answer = await self._answer(named, body)
        if answer is None:
            pieces = [body]

            async def again() -> Message:
                return pieces.pop() if pieces else await receive()

            await self._app(scope, again, send)
            return
        scope["path_template"] = PATH  # as the router notes it, for the log and the metrics
        headers = [(b"content-type", b"application/json")]
        await respond(send, 200, headers, answer)

    async def _answer(self, named: Mapping[bytes, bytes], body: Message) -> bytes | None:
        if body["type"] != "http.request" or body.get("more_body"):
            return None
        try:
            form = fields_of(_text(named, b"content-type") or "", body["body"])
            return _encoder.encode(await introspected(self._authority, _text(named, b"authorization"), form))
        except Exception:  # whatever it is, it happens again where it is explained, counted and logged
            return None


def _usual(scope: Scope) -> dict[bytes, bytes] | None:
    """Its headers, if it asks here, with a body of usual size and no header twice."""
    if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
        return None
    named = dict(scope["headers"])
    length = named.get(b"content-length", b"")
    is_usual = len(named) == len(scope["headers"]) and length.isdigit() and len(length) < 5
    return named if is_usual and int(length) <= USUAL_BODY else None


def _text(named: Mapping[bytes, bytes], name: bytes) -> str | None:
    value = named.get(name)
    return value.decode("latin-1") if value is not None else None
