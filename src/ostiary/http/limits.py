"""Bounds on what a request may bring before anything reads it. Bodies have their own, `bodies.MAXIMUM_BODY`."""

from __future__ import annotations

from typing import Any, Final

from ostiary.errors import OstiaryError
from ostiary.http import heads, problems
from ostiary.http.addresses import Headers
from ostiary.http.asgi import Send, respond
from ostiary.http.problems import BadRequest

MAXIMUM_PATH: Final = 1024  # bytes, encoded
MAXIMUM_QUERY: Final = 16 * 1024  # bytes; applications hang ID tokens and long states on their requests
MAXIMUM_HEADERS: Final = 32 * 1024  # bytes of names and values


def refusal_of(scope: Any) -> OstiaryError | None:
    """Why a request is too large, or not one that is answered at all; None if it is neither."""
    if len(scope.get("raw_path") or scope["path"]) > MAXIMUM_PATH:
        return BadRequest(414, f"the path is longer than {MAXIMUM_PATH} bytes")
    if len(scope["query_string"]) > MAXIMUM_QUERY:
        return BadRequest(414, f"the query is longer than {MAXIMUM_QUERY} bytes")
    return refusal_of_head(scope)


def refusal_of_head(scope: Any) -> OstiaryError | None:
    """The same without its path and query."""
    if are_too_large(scope["headers"]):
        return BadRequest(431, f"the headers are larger than {MAXIMUM_HEADERS} bytes")
    return heads.refusal_of(scope)


def are_too_large(headers: Headers) -> bool:
    """True for more than anybody has a reason to send."""
    return sum(len(name) + len(value) for name, value in headers) > MAXIMUM_HEADERS


async def send_problem(send: Send, error: OstiaryError, request_id: str) -> None:
    """Answer with an error, where no framework is at hand."""
    content = problems.body(error, request_id)
    await respond(send, error.status, problems.headers(error), content)
