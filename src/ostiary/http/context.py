"""What the handlers of one application share."""

from __future__ import annotations

from dataclasses import dataclass

from ostiary.authority import Authority
from ostiary.http.feed_readers import Readers
from ostiary.http.metrics import Metrics
from ostiary.http.places import Places
from ostiary.http.session_parts import SessionParts
from ostiary.settings import Settings


@dataclass(frozen=True, slots=True)
class Context:
    """The parts of one application."""

    settings: Settings
    authority: Authority
    metrics: Metrics
    places: Places
    readers: Readers
    session_parts: SessionParts
