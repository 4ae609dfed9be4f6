"""How bodies are read: JSON only, bounded in size and time, and straight into the type that is wanted."""

from __future__ import annotations

import asyncio
import re
from functools import lru_cache
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.datastructures import State
from litestar.exceptions import InternalServerException

from ostiary.errors import InvalidRequest
from ostiary.server.complaints import in_words
from ostiary.server.problems import BadRequest

MAXIMUM_BODY: Final = 64 * 1024  # bytes; the largest honest body is a password of 1024 characters
BODY_TIMEOUT: Final = 30  # seconds; who takes longer for 64 KiB only wants to hold a connection


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
