"""The audit trail, reached in two ways with one answer: through a server, or at the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from ostiary.cli.answers import Object

if TYPE_CHECKING:
    from ostiary.cli.calls import Calls
    from ostiary.cli.invocation import Invocation

PAGE: Final = 1000  # events in one answer


@dataclass(frozen=True, slots=True)
class Page:
    """Some events; `beyond` is what to ask after for more, None at the end; `settled` as the API explains it."""

    events: list[Object]
    beyond: object
    settled: int


class Trail(Protocol):
    """What can be read. Every act raises `Failure` or `OstiaryError`."""

    def newest(self, query: Mapping[str, object], beyond: object, limit: int) -> Page:
        """One page, newest first."""

    def oldest(self, query: Mapping[str, object], after: int, beyond: object, limit: int) -> Page:
        """One page, oldest first, after a position."""

    def receipt(self, wanted: str) -> str:
        """The signed receipt of an ending, named by its session or by its event's position."""


def open_trail(invocation: Invocation, database_url: str | None) -> Trail:
    """The database when it is named, else the server.

    Raises:
        Failure: neither a database nor a sign-in.
    """
    if database_url:
        from ostiary.cli.directory.direct_trail import DirectTrail

        return DirectTrail(database_url)
    return RemoteTrail(invocation.calls())


class RemoteTrail:
    """The admin API."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def newest(self, query: Mapping[str, object], beyond: object, limit: int) -> Page:
        """`GET /admin/events`."""
        return self._page({**query, "cursor": beyond, "limit": limit})

    def oldest(self, query: Mapping[str, object], after: int, beyond: object, limit: int) -> Page:
        """The same with `order=oldest`."""
        start = {"cursor": beyond} if beyond is not None else {"after": after}
        return self._page({**query, "order": "oldest", **start, "limit": limit})

    def _page(self, query: Mapping[str, object]) -> Page:
        answer = self._calls.get("/admin/events", query)
        settled = answer.get("settled")
        found = [one for one in answer.get("events") or [] if isinstance(one, dict)]
        return Page(found, answer.get("next_cursor"), settled if isinstance(settled, int) else 0)

    def receipt(self, wanted: str) -> str:
        """`GET /admin/events/{id}/receipt`."""
        from ostiary.cli.answers import segment, text

        return text(self._calls.get(f"/admin/events/{segment(wanted)}/receipt"), "receipt")
