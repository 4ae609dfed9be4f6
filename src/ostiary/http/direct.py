"""A usual request, answered without ASGI in between, as `/verify` is: its question goes straight into the batch.

Whoever is asked so answers yes and no by the rules of the plain way. Whatever is not usual (another method or version,
a body, a header twice, a request that waits behind another one, a store that is away) goes the plain way, as does every
request under a server without `Front`. tests/http/test_direct.py sends the same bytes both ways and compares.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ostiary.http.exchange import request_id


@dataclass(slots=True)
class Answer:
    """An answer as it is sent: the header lines before and after the value of `X-Request-ID`, and the body."""

    status: int
    before: bytes
    after: bytes
    body: bytes


class Connection(Protocol):
    """Where an inquiry came in."""

    @property
    def peer(self) -> str | None:
        """The address at its other end; None where there is no network between."""

    def scope_of(self, method: str, url: bytes, headers: list[tuple[bytes, bytes]]) -> dict[str, Any]:
        """What ASGI says of it."""

    def answered(self, inquiry: Inquiry, answer: Answer | None) -> None:
        """Write the answer; without one, go the plain way."""


class Inquiry:
    """One usual request.

    Attributes:
        named: its headers, each of which is there once.
        keep_alive: whether another request may follow.
    """

    __slots__ = ("_connection", "_request_id", "_url", "headers", "keep_alive", "named")

    def __init__(
        self, connection: Connection, url: bytes, headers: list[tuple[bytes, bytes]], named: Mapping[bytes, bytes]
    ) -> None:
        """A `GET` without a body."""
        self._connection = connection
        self._url = url
        self._request_id: str | None = None
        self.headers = headers
        self.named = named
        self.keep_alive = True

    @property
    def request_id(self) -> str:
        """As of any request."""
        if self._request_id is None:
            self._request_id = request_id(self.named.get(b"x-request-id"))
        return self._request_id

    @property
    def peer(self) -> str | None:
        """The address that it came from: of the client, or of the last proxy."""
        return self._connection.peer

    @property
    def scope(self) -> dict[str, Any]:
        """As ASGI would have it."""
        return self._connection.scope_of("GET", self._url, self.headers)

    def answer(self, answer: Answer | None) -> None:
        """To be called once; None where the plain way is due."""
        self._connection.answered(self, answer)


class Direct(Protocol):
    """Who answers the usual requests of one path."""

    def ask(self, inquiry: Inquiry) -> bool:
        """False if this one is nothing usual; else `inquiry.answer` is called, now or later."""
