"""The audit trail at the database itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, TypeVar

from ostiary.authority import Authority
from ostiary.cli.answers import Object
from ostiary.cli.directory.trail import Page
from ostiary.cli.operator import operator
from ostiary.core.event import EVENT_KINDS, Event, Wanted
from ostiary.errors import InvalidRequest
from ostiary.settings import load

T = TypeVar("T")


class DirectTrail:
    """The authority in this process."""

    def __init__(self, database_url: str) -> None:
        self._settings = load({"database_url": database_url}).settings
        self._operator = operator()

    def newest(self, query: Mapping[str, object], beyond: object, limit: int) -> Page:
        """`audit.list`."""
        before = beyond if isinstance(beyond, int) else None
        return self._page(lambda it: it.audit.list(by=self._operator, before=before, limit=limit, **_filters(query)))

    def oldest(self, query: Mapping[str, object], after: int, beyond: object, limit: int) -> Page:
        """`audit.follow`."""
        start = beyond if isinstance(beyond, int) else after
        return self._page(lambda it: it.audit.follow(by=self._operator, after=start, limit=limit, **_filters(query)))

    def receipt(self, wanted: str) -> str:
        """`receipts.of`."""
        return self._run(lambda it: it.receipts.of(wanted, by=self._operator))

    def _page(self, act: Callable[[Authority], Awaitable[Any]]) -> Page:
        page = self._run(act)
        return Page([event_row(event) for event in page.events], page.beyond, page.settled)

    def _run(self, act: Callable[[Authority], Awaitable[T]]) -> T:
        async def run() -> T:
            async with Authority(self._settings) as authority:
                await authority.ensure_migrated()
                return await act(authority)

        return asyncio.run(run())


def event_row(event: Event) -> Object:
    """An event as the HTTP API writes it."""
    values = asdict(event)
    return {
        "position": values.pop("position"),
        **values,
        "at": event.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
    }


def _filters(query: Mapping[str, object]) -> dict[str, Any]:
    kinds = str(query.get("kind") or "").split(",") if query.get("kind") else []
    if unknown := sorted(set(kinds) - set(EVENT_KINDS)):
        raise InvalidRequest("kind", f'there is no kind of event "{unknown[0]}"')
    wanted = Wanted(
        session_id=_text(query, "session_id"),
        kinds=tuple(kind for kind in EVENT_KINDS if kind in kinds),
        since=_time(query, "since"),
        until=_time(query, "until"),
    )
    return {"username": _text(query, "user"), "wanted": wanted}


def _text(query: Mapping[str, object], name: str) -> str | None:
    value = query.get(name)
    return value if isinstance(value, str) else None


def _time(query: Mapping[str, object], name: str) -> datetime | None:
    value = _text(query, name)
    return datetime.fromisoformat(value) if value is not None else None
