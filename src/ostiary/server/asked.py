"""What the protocol can ask without ASGI in between: a usual question, and the one kind of answer that it can get.

Whoever answers such questions can only say yes. Everything else is answered the plain way, where it is explained.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from ostiary.core.token import Token


@dataclass(frozen=True, slots=True)
class Accepted:
    """A yes, as it is sent: the header lines before and after the value of `X-Request-ID`, and the body."""

    before: bytes
    after: bytes
    body: bytes


Deliver: TypeAlias = Callable[[Accepted | None], None]  # a yes; None where the plain way is due


class Asked(Protocol):
    """Who answers the usual `GET` of one path: without a query and a body, on behalf of one session."""

    def token(self, named: Mapping[bytes, bytes]) -> Token | None:
        """The token of a request with these headers, each there once; None where it is nothing usual."""

    def ask(self, token: Token, scope: Any, request_id: str, deliver: Deliver) -> None:
        """Ask about such a token. `deliver` is called once, and never from within this call."""
