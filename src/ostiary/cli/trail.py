"""The audit trail, a page at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ostiary.cli.answers import Object

if TYPE_CHECKING:
    from ostiary.cli.calls import Calls
    from ostiary.cli.invocation import Invocation


@dataclass(frozen=True, slots=True)
class Page:
    """Some events; `cursor` is what to ask with for more, None at the end; `settled` as the API explains it."""

    events: list[Object]
    cursor: object
    settled: int


def open_trail(invocation: Invocation, database_url: str | None) -> Trail:
    """That of the database when it is named, else of the server; raises as `Invocation.administration`."""
    return Trail(invocation.administration(database_url))


class Trail:
    """Reads; raises as `Calls.perform`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def newest(self, query: Mapping[str, object], cursor: object, limit: int) -> Page:
        """One page, newest first."""
        return self._page(**query, cursor=cursor, limit=limit)

    def oldest(self, query: Mapping[str, object], after: int, cursor: object, limit: int) -> Page:
        """One page, oldest first, after a position; `cursor` goes on from there."""
        start = after if cursor is None else None
        return self._page(**query, order="oldest", after=start, cursor=cursor, limit=limit)

    def _page(self, **takes: object) -> Page:
        answer = self._calls.ask("list_events", **takes)
        settled = answer.get("settled")
        found = [one for one in answer.get("events") or [] if isinstance(one, dict)]
        return Page(found, answer.get("next_cursor"), settled if isinstance(settled, int) else 0)
