"""What the handlers of one application share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from litestar.connection import ASGIConnection

from ostiary.authority import Authority
from ostiary.server.feed_readers import Readers
from ostiary.server.metrics import Metrics
from ostiary.server.places import Places
from ostiary.settings import Settings

KEY: Final = "ostiary.context"  # of the scope


@dataclass(frozen=True, slots=True)
class Context:
    """The parts of one application."""

    settings: Settings
    authority: Authority
    metrics: Metrics
    places: Places
    readers: Readers


def context_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Context:
    """The context of the application that a request came to."""
    found: Context = connection.scope[KEY]  # type: ignore[typeddict-item]  # beside what ASGI has there
    return found
