"""How bodies are read: whole and before anybody is judged, bounded in size and time, and straight into their type."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.datastructures import State
from litestar.exceptions import InternalServerException

from ostiary.errors import InvalidRequest
from ostiary.server.asgi import ASGIApp, Message, Receive, Scope, Send
from ostiary.server.complaints import in_words
from ostiary.server.origins import SAFE_METHODS
from ostiary.server.problems import BadRequest

MAXIMUM_BODY: Final = 64 * 1024  # bytes; the largest honest body is a password of 1024 characters
BODY_TIMEOUT: Final = 30  # seconds; who takes longer for 64 KiB only wants to hold a connection


class WholeBodies:
    """Passes a request on once all of its body is there.

    Who sends it, and what they may, is looked at after that: a credential that was good when the head arrived would
    else be good for as long as its holder holds the last byte back.
    """

    def __init__(self, app: ASGIApp, larger: Mapping[str, int]) -> None:
        """Wrap an ASGI application; `larger` are the paths that take more than `MAXIMUM_BODY`, with their bytes."""
        self._app = app
        self._larger = larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body, and pass the request on."""
        if scope["type"] == "http" and scope["method"] not in SAFE_METHODS:
            receive = await _read(receive, self._larger.get(scope["path"], MAXIMUM_BODY))
        await self._app(scope, receive, send)


async def _read(receive: Receive, most: int) -> Receive:
    """What gives the whole body in one piece, and after that whatever comes.

    A body that did not come in time, was broken off or is larger than `most` bytes fails when it is asked for.
    """
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            first = [await _whole(receive, most)]
    except TimeoutError:
        return _late

    async def received() -> Message:
        return first.pop() if first else await receive()

    return received


async def _whole(receive: Receive, most: int) -> Message:
    pieces: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return message
        pieces.append(message.get("body", b""))
        if not message.get("more_body", False) or sum(map(len, pieces)) > most:
            return {**message, "body": b"".join(pieces)}


async def _late() -> Message:
    raise TimeoutError  # `ApiRequest.body` says what that means


class ApiRequest(Request[Any, Any, State]):
    """A request whose body is decoded in one step, straight into the type that its handler declares."""

    async def body(self) -> bytes:
        """All of the body.

        Raises:
            BadRequest: it did not come, or not in time.
        """
        try:
            async with asyncio.timeout(BODY_TIMEOUT):
                return await super().body()
        except TimeoutError:
            raise BadRequest(408, f"the body did not arrive within {BODY_TIMEOUT} seconds") from None
        except InternalServerException:  # how Litestar says that the client has gone
            raise BadRequest(400, "the body ended before it was whole") from None

    async def json(self) -> Any:
        """The body as the handler's type.

        Raises:
            BadRequest: not JSON, or not sent as JSON.
            InvalidRequest: JSON, but a field is wrong.
        """
        if self.content_type[0] != "application/json":
            raise BadRequest(415, "send the body as Content-Type: application/json")
        declared = self.route_handler.parsed_data_field
        return decode(await self.body(), declared.annotation if declared else Any)


def decode(content: bytes, kind: Any) -> Any:
    """Decode JSON into a type, without guessing: "1" is no number, 1 is no text.

    Raises:
        BadRequest: not JSON.
        InvalidRequest: a field is wrong; names it.
    """
    try:
        return _decoder(kind).decode(content)
    except msgspec.ValidationError as why:
        message, _, path = str(why).partition(" - at `")
        raise InvalidRequest(field_at(path, message), in_words(message)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as why:
        raise BadRequest(400, f"the body is not JSON: {why}") from None


def field_at(path: str, message: str) -> str:
    """The field that a message of msgspec is about: `scopes[0]` of "$.scopes[0]`"; for a missing one, its name."""
    named = re.search(r"(?:required|unknown) field `([^`]{1,64})`", message)
    parent = path.rstrip("`").removeprefix("$").removeprefix(".")
    return ".".join(part for part in (parent, named[1] if named else "") if part) or "body"


@lru_cache(maxsize=64)
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)
