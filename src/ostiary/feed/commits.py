"""By when endings were committed, by the store's clock, as far as polls have found them lately."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from ostiary.core.endings import Changed, Ended
from ostiary.feed.reading import Poll

MAXIMUM_REMEMBERED: Final = 10_000  # endings whose time is known


class Commits:
    """Part of a `Feed`."""

    def __init__(self) -> None:
        """Nothing is known."""
        self._ended_by: dict[str, tuple[datetime, datetime]] = {}  # of a session: when it ended, and by when committed

    def of(self, session_id: str, at: datetime) -> datetime | None:
        """By when the ending of a session was committed.

        Args:
            at: when it ended, by its row: an ending that was undone since says nothing of the one that holds.
        """
        ending, known = self._ended_by.get(session_id, (None, None))
        return known if ending == at else None

    def note(self, poll: Poll, here: Sequence[tuple[str, datetime]]) -> None:
        """Remember what a poll has found, and what this process had ended (session, when) before it began."""
        if poll.events is None:  # told in groups, where an undoing names no session
            self._ended_by.clear()
        for entry in poll.entries:
            if isinstance(entry, Ended):
                before = self._ended_by.get(entry.session_id)
                if before is None or before[0] != entry.at:
                    self._ended_by[entry.session_id] = (entry.at, poll.known)
            elif isinstance(entry, Changed) and entry.session_id is not None:
                self._ended_by.pop(entry.session_id, None)
        self._ended_by |= {one: (at, poll.known) for one, at in here if self._ended_by.get(one, (None,))[0] != at}
        while len(self._ended_by) > MAXIMUM_REMEMBERED:
            del self._ended_by[next(iter(self._ended_by))]
