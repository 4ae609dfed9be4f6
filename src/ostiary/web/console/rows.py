"""Sessions and events as the console shows them: whose they are stands with each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ostiary.core.client import describe
from ostiary.core.event import Event
from ostiary.core.session import Session
from ostiary.web import formats, phrases, words
from ostiary.web.language import gettext
from ostiary.web.rows import Row
from ostiary.web.sessions import rows_for
from ostiary.web.visit import Visit

_ICONS: Final = {
    "session.started": "done",
    "session.revoked": "ended",
    "session.suspended": "ended",
    "sign_in.refused": "warning",
    "sign_in.throttled": "warning",
    "sign_in.limited": "warning",
    "token.created": "cli",
    "token.revoked": "cli",
}


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One session of anybody.

    Attributes:
        username: None for a user who lives in another application; then there is only `user_id`.
        how, when, ended_at: of one that has ended; None while it lives.
    """

    row: Row
    user_id: str
    username: str | None
    how: str | None = None
    when: str | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event, in words."""

    position: int | None
    icon: str
    title: str
    kind: str
    at: datetime
    when: str
    reason: str | None
    user_id: str | None
    username: str | None
    by: str | None
    ip: str | None
    agent: str | None
    session_id: str | None
    detail: Sequence[tuple[str, object]]


def session_rows(visit: Visit, sessions: Sequence[Session], usernames: Mapping[str, str]) -> list[SessionRow]:
    """Sessions for the visitor of this visit, now."""
    caller = visit.caller
    assert caller is not None  # the guard let nobody else through  # noqa: S101
    rows = rows_for(visit)
    shown = []
    for session in sessions:
        row, username = rows.row(session), usernames.get(session.user_id)
        ended = rows.ended([session])
        if ended:
            shown.append(SessionRow(row, session.user_id, username, ended[0].how, ended[0].when, ended[0].ended_at))
        else:
            shown.append(SessionRow(row, session.user_id, username))
    return shown


def event_rows(events: Sequence[Event], usernames: Mapping[str, str], now: datetime) -> list[EventRow]:
    """Events, with the names of the users that we know."""
    return [_event_row(event, usernames, now) for event in events]


def _event_row(event: Event, usernames: Mapping[str, str], now: datetime) -> EventRow:
    by = event.by
    if by is not None and by == event.user_id:
        by = gettext("themselves")
    elif by is not None:
        by = usernames.get(by, by)
    return EventRow(
        position=event.position,
        icon=_ICONS.get(event.kind, "service"),
        title=words.word(words.EVENTS, event.kind),
        kind=event.kind,
        at=event.at,
        when=formats.since(event.at, now),
        reason=words.word(words.REASONS, event.reason) if event.reason else None,
        user_id=event.user_id,
        username=usernames.get(event.user_id or ""),
        by=by,
        ip=event.ip,
        agent=phrases.device(describe(event.user_agent)) if event.user_agent else None,
        session_id=event.session_id,
        detail=[(name.replace("_", " "), value) for name, value in event.detail.items() if value not in (None, "")],
    )
