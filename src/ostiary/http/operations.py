"""The operations of the contract, each with the handler that does it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeAlias, TypeVar

import msgspec
from starlette.responses import Response

from ostiary.contract.answer import Listing
from ostiary.contract.operation import Operation, Speaks, Takes
from ostiary.http import failures
from ostiary.http.exchange import Exchange
from ostiary.http.guard import ensure_may_ask
from ostiary.http.oauth import failures as oauth_failures
from ostiary.http.oauth.reading import read_loosely, read_standard
from ostiary.http.reading import read
from ostiary.http.routing import Failed, Parameters, Route

A = TypeVar("A", bound=Takes)
T = TypeVar("T")


@dataclass(slots=True)
class Reply(Generic[T]):
    """An answer with more than its content: with headers, such as `set-cookie`, and cookies beside that one."""

    content: T
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Sequence[str] = ()


Handler: TypeAlias = Callable[[A, Exchange], Awaitable[T | Reply[T] | Response]]

Read: TypeAlias = Callable[[Operation[..., A, Any], Exchange, Parameters, bytes], Awaitable[A]]

_HANDLERS: Final[dict[Operation[..., Any, Any], Handler[Any, Any]]] = {}
_encode: Final = msgspec.json.Encoder().encode


def serves(*operations: Operation[..., A, T]) -> Callable[[Handler[A, T]], Handler[A, T]]:
    """Let a handler do an operation, which may have two paths. A type checker holds what it takes and answers."""

    def keep(handler: Handler[A, T]) -> Handler[A, T]:
        for operation in operations:
            if operation in _HANDLERS:
                raise AssertionError(f"{operation.id} has a handler")
            _HANDLERS[operation] = handler
        return handler

    return keep


async def read_checked(operation: Operation[..., A, Any], exchange: Exchange, parameters: Parameters, body: bytes) -> A:
    """What our own API takes, once its caller may ask; raises as `ensure_may_ask` and `read`."""
    await ensure_may_ask(operation, exchange, parameters)
    query = b"" if operation.who == "nobody" else exchange.scope["query_string"]
    content_type = exchange.headers.get("content-type") if operation.has_body else None
    return read(operation, parameters, query, content_type, body)


_WAYS: Final[Mapping[Speaks, tuple[Read[Any], Failed]]] = {
    "problem": (read_checked, failures.failed),
    "oauth": (read_standard, oauth_failures.failed),
    "message": (read_loosely, oauth_failures.failed_by_message),
}


def routes(operations: Iterable[Operation[..., Any, Any]]) -> Iterable[Route]:
    """A route for each operation.

    Raises:
        KeyError: one has no handler.
    """
    for operation in operations:
        read_it, failed = _WAYS[operation.speaks]
        endpoint = _Endpoint(operation, read_it, _HANDLERS[operation])
        yield Route(operation.method, operation.path, endpoint, failed, operation.maximum_body, operation.shared)


async def perform(operation: Operation[..., A, T], asked: A, exchange: Exchange) -> T:
    """Let the handler of an operation do it, for a caller without a request; what would be headers is left out.

    Raises:
        TypeError: it has an answer of HTTP only, such as a stream.
    """
    done = await _HANDLERS[operation](asked, exchange)
    if isinstance(done, Response):
        raise TypeError(f"{operation.id} is answered over HTTP only")
    content: T = done.content if isinstance(done, Reply) else done
    return content


class _Endpoint:
    """Does one operation."""

    def __init__(self, operation: Operation[..., A, T], read_it: Read[A], handler: Handler[A, T]) -> None:
        self._operation = operation
        self._read = read_it
        self._handler = handler

    async def __call__(self, exchange: Exchange, parameters: Parameters, body: bytes) -> Response:
        operation = self._operation
        asked = await self._read(operation, exchange, parameters, body)
        done = await self._handler(asked, exchange)
        if isinstance(done, Response):
            return done
        reply = done if isinstance(done, Reply) else Reply(done)
        content = reply.content.array if isinstance(reply.content, Listing) else reply.content
        body = b"" if content is None else _encode(content)
        response = Response(body, operation.status, reply.headers, operation.media_type)
        for cookie in reply.cookies:
            response.headers.append("set-cookie", cookie)
        return response
