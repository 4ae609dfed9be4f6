"""Entries of the feed that arrive while a request is in flight, and whether they invalidate its answer. Pure."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from ostiary.core.endings import Changed, Ended, EndedMany, Entry, Lost


class Verdict(Enum):
    """What an answer is worth when it arrives."""

    SOUND = "sound"
    DOUBTFUL = "doubtful"  # read, perhaps, before what was told since: ask again


class Heard:
    """Collects entries from when a request is sent on. The row may have been read before or after each of them."""

    def __init__(self) -> None:
        """Nothing heard."""
        self._ended: dict[str, Ended] = {}
        self._cut_offs: dict[str | None, datetime] = {}
        self._changed: set[str] = set()  # ids of sessions, users and CLI tokens: their prefixes keep them apart
        self._is_lost = False

    def add(self, entry: Entry) -> None:
        """One more."""
        if isinstance(entry, Ended):
            self._ended[entry.session_id] = entry
        elif isinstance(entry, EndedMany):
            before = self._cut_offs.get(entry.user_id)
            self._cut_offs[entry.user_id] = entry.cut_off if before is None else max(before, entry.cut_off)
        elif isinstance(entry, Changed):
            self._ended.pop(entry.session_id or "", None)  # a suspension that was undone: ask again
            self._changed.update(
                f"{kind}:{name}"
                for kind, name in (("s", entry.session_id), ("u", entry.user_id), ("t", entry.token_id))
                if name is not None
            )
            self._is_lost |= entry.keys  # an access token may have been read with a key that has leaked
        elif isinstance(entry, Lost):
            self._is_lost = True

    def verdict(
        self, user_id: str, session_id: str | None, created_at: datetime | None, token_id: str | None
    ) -> Verdict | Ended:
        """What a positive answer about this is worth; the ending itself if it was told."""
        if session_id is not None and session_id in self._ended:
            return self._ended[session_id]
        cut_offs = [self._cut_offs[who] for who in (user_id, None) if who in self._cut_offs]
        is_cut = created_at is not None and any(created_at <= cut_off for cut_off in cut_offs)
        names = {f"u:{user_id}", f"s:{session_id}", f"t:{token_id}"}
        is_doubtful = self._is_lost or is_cut or not self._changed.isdisjoint(names)
        return Verdict.DOUBTFUL if is_doubtful else Verdict.SOUND
