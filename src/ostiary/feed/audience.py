"""The subscribers of the feed in this process: open pages, watched sessions, and watched secrets."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from ostiary.core.endings import Changed, Ended
from ostiary.errors import Conflict, StoreUnavailable
from ostiary.feed.listening import MAXIMUM_LISTENERS, Listener, Notice
from ostiary.feed.reading import Poll

MAXIMUM_WATCHED: Final = 100_000  # sessions


class Audience:
    """Part of a `Feed`.

    Attributes:
        watched: sessions whose ending somebody waits for.
    """

    def __init__(self) -> None:
        """Nobody waits."""
        self.watched: defaultdict[str, set[asyncio.Future[Ended]]] = defaultdict(set)
        self._listeners: defaultdict[str, set[Listener]] = defaultdict(set)
        self._doubted: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    def __bool__(self) -> bool:
        """Whether anybody waits."""
        return bool(self._listeners or self.watched or self._doubted)

    @contextmanager
    def watching(self, session_id: str) -> Iterator[asyncio.Future[Ended]]:
        """Subscribe to the ending of a session: a future that is set by it.

        Raises:
            Conflict: too many sessions are watched.
        """
        if len(self.watched) >= MAXIMUM_WATCHED and session_id not in self.watched:
            raise Conflict(f"more than {MAXIMUM_WATCHED} sessions are watched")
        future: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()
        self.watched[session_id].add(future)
        try:
            yield future
        finally:
            self.watched[session_id].discard(future)
            if not self.watched[session_id]:
                del self.watched[session_id]

    @contextmanager
    def doubting(self, session_id: str) -> Iterator[asyncio.Event]:
        """Subscribe to a session's secret: an event that is set when it may have been replaced."""
        doubt = asyncio.Event()
        self._doubted[session_id].add(doubt)
        try:
            yield doubt
        finally:
            self._doubted[session_id].discard(doubt)
            if not self._doubted[session_id]:
                del self._doubted[session_id]

    def ensure_room(self, user_id: str) -> None:
        """Return if one more page of a user can listen.

        Raises:
            Conflict: it cannot.
        """
        if len(self._listeners.get(user_id, ())) >= MAXIMUM_LISTENERS:
            raise Conflict("too many open pages follow your sessions; close some")

    @contextmanager
    def listening(self, user_id: str) -> Iterator[Listener]:
        """Subscribe a page to what happens to a user."""
        listener = Listener()
        self._listeners[user_id].add(listener)
        try:
            yield listener
        finally:
            self._listeners[user_id].discard(listener)
            if not self._listeners[user_id]:
                del self._listeners[user_id]

    def tell(self, poll: Poll) -> None:
        """Notify those whom the findings of a poll concern."""
        if poll.events is None:
            self.notify(Notice.LOST)
        for event in poll.events or ():
            for listener in self._listeners.get(event.user_id or "", ()):
                listener.tell(event)
        for entry in (*poll.entries, *poll.ended):
            if isinstance(entry, Ended):
                for future in self.watched.get(entry.session_id, ()):
                    if not future.done():
                        future.set_result(entry)
            elif isinstance(entry, Changed) and entry.session_id is not None:
                _set(self._doubted.get(entry.session_id, ()))
        if poll.events is None:  # told in groups, where a renewal names no session
            _set(doubt for doubts in self._doubted.values() for doubt in doubts)

    def notify(self, notice: Notice) -> None:
        """Notify every page."""
        for listener in [listener for listeners in self._listeners.values() for listener in listeners]:
            listener.tell(notice)

    def give_up(self, why: StoreUnavailable) -> None:
        """Fail what is awaited: nothing will be published any more."""
        for futures in self.watched.values():
            for future in futures:
                if not future.done():
                    future.set_exception(why)


def _set(doubts: Iterable[asyncio.Event]) -> None:
    for doubt in doubts:
        doubt.set()
