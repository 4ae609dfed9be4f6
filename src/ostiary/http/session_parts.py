"""One's own live sessions as they are sent: pages and applications ask for their list at every visit.

A session's part of a list is made of its row, so it is kept by the row's identity (docs/decisions/0022). The row itself
is read each time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final

import msgspec

from ostiary.core.policy import Policy
from ostiary.core.session import Status, live_status
from ostiary.http.places import Places
from ostiary.http.presenting import Presenter
from ostiary.storage.hot import CACHED_ROWS, ListedSession

_encode: Final = msgspec.json.Encoder().encode


class SessionParts:
    """Writes them, for whoever may know from where each was used."""

    def __init__(self, policy: Policy, clock: Callable[[], datetime], places: Places) -> None:
        """Part of an application."""
        self._clock = clock
        self._policy = policy
        self._places = places
        self._part = lru_cache(CACHED_ROWS)(self._made)

    def of(self, found: Sequence[ListedSession], current: str | None, stale_after_days: int) -> list[msgspec.Raw]:
        """Each one's part. The session that asks, `current`, is in use, so it is never stale."""
        now, parts = self._clock(), []
        for one in found:
            is_current = one.session.id == current
            status = live_status(one.session.last_used_at, now, 0 if is_current else stale_after_days)
            parts.append(self._part(one, status, is_current))
        return parts

    def _made(self, one: ListedSession, status: Status, is_current: bool) -> msgspec.Raw:
        present = Presenter(self._policy, self._clock, self._places, None)
        return msgspec.Raw(_encode(present.listed(one.session, status, is_current=is_current)))
