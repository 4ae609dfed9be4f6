"""What may be missing from the trail: what retention and erasures took away is on record in the trail itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ostiary.core.chain import Link
from ostiary.core.event import REFUSED, Event, EventKind

APPLIED: Final[EventKind] = "retention.applied"
ERASED: Final[EventKind] = "user.erased"
RECORDS: Final[Sequence[EventKind]] = (APPLIED, ERASED)

_NEVER: Final = ""  # sorts before every time


@dataclass(frozen=True, slots=True)
class Taken:
    """Until when what was taken away, as RFC 3339 texts; whose personal data was erased.

    Attributes:
        erased: user ids, and the ids of their CLI tokens.
    """

    events_before: str = _NEVER
    refused_before: str = _NEVER
    personal_before: str = _NEVER
    erased: frozenset[str] = frozenset()

    def covers_removal(self, link: Link) -> bool:
        """True if retention took an event of this kind and time away."""
        before = self.refused_before if link.kind in REFUSED else self.events_before
        return _text(link.at) < before

    def covers_forgetting(self, link: Link, event: Event) -> bool:
        """True if retention, or an erasure of the one who did it, took the personal part away."""
        if _text(link.at) < self.personal_before:
            return True
        return event.by in self.erased or (event.user_id in self.erased)


def taken(records: Iterable[Event]) -> Taken:
    """Read the events of the kinds `RECORDS`."""
    before = {"events_before": _NEVER, "refused_before": _NEVER, "personal_before": _NEVER}
    erased: set[str] = set()
    for event in records:
        if event.kind == APPLIED:
            before = {name: max(known, str(event.detail.get(name) or _NEVER)) for name, known in before.items()}
        elif event.kind == ERASED:
            erased.update(str(event.detail.get("tokens") or "").split())
            if event.user_id is not None:
                erased.add(event.user_id)
    return Taken(**before, erased=frozenset(erased))


def bound(before: datetime) -> str:
    """A time as the records carry it."""
    return _text(before)


def _text(at: datetime) -> str:
    return at.isoformat(timespec="microseconds")
