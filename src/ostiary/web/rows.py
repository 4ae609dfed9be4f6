"""Sessions as the pages show them: rows, devices with many sessions, pages of both."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final, Generic, TypeVar

from ostiary.core.caller import Caller
from ostiary.core.client import Description, describe
from ostiary.core.policy import Policy
from ostiary.core.session import DEFAULT_TENANT, Session
from ostiary.http.places import Places
from ostiary.web import formats, phrases
from ostiary.web.language import gettext

T = TypeVar("T")

GROUP_FROM: Final = 25  # other sessions; with more, those of one device share a row
PAGE: Final = 25  # rows on one page


@dataclass(frozen=True, slots=True)
class Row:
    """One session, in words; as it is stored, for what needs none."""

    session: Session
    id: str
    name: str
    agent_name: str
    label: str | None
    kind: str
    place: str | None
    ip: str | None
    is_current: bool
    is_stale: bool
    is_active: bool
    used: str
    used_at: datetime
    created: str
    created_at: datetime
    began_how: str
    expires: str
    expires_at: datetime
    ends_if_unused: bool
    application: str | None
    tenant: str | None
    agent: str | None
    applications: tuple[Row, ...] = ()
    is_standing: bool = False


@dataclass(frozen=True, slots=True)
class EndedRow:
    """One session that ended, and how."""

    row: Row
    how: str
    when: str
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Device:
    """Sessions that look alike; one of them alone is shown as itself."""

    name: str
    rows: Sequence[Row] = field(repr=False)

    @property
    def latest(self) -> Row:
        """The one that was used last."""
        return self.rows[0]


@dataclass(frozen=True, slots=True)
class Paged(Generic[T]):
    """Some of many."""

    items: Sequence[T]
    number: int
    last: int


@dataclass(frozen=True, slots=True)
class Overview:
    """What the list shows.

    Attributes:
        others: how many devices there are beside the current one.
        standing: what acts while its person is away, and whose device has ended.
        ending: how many sessions end with all others: theirs, and what stands under the current device.
        devices: of this page.
        device: the only device that is shown, when one was chosen.
    """

    current: Row | None
    others: int
    ending: int
    devices: Paged[Device]
    standing: Sequence[Row]
    device: str | None

    @property
    def fingerprint(self) -> str:
        """Changes when anything that is shown does."""
        return hashlib.sha256(repr((self, [device.rows for device in self.devices.items])).encode()).hexdigest()[:32]


class Rows:
    """Puts sessions into words, for one caller at one moment."""

    def __init__(
        self,
        caller: Caller,
        policy: Policy,
        places: Places,
        now: datetime,
        clients: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Everything relative is relative to `now`; `clients` are names of OAuth clients by their ids."""
        self._caller = caller
        self._policy = policy
        self._places = places
        self._now = now
        self._clients = clients

    def row(self, session: Session, applications: Sequence[Row] = ()) -> Row:
        """One session, with the rows of what hangs under it."""
        described, place = describe(session.user_agent), self._places.of(session.ip)
        agent_name = phrases.device(described)
        is_current = session.id == self._caller.session_id
        now, (expires_at, limit) = self._now, session.deadline(self._policy)
        is_active = is_current or now - session.last_used_at < formats.ACTIVE
        return Row(
            session=session,
            id=session.id,
            name=session.label or self._clients.get(session.client_id or "") or agent_name,
            agent_name=agent_name,
            label=session.label,
            kind=_kind(session, described),
            place=", ".join(part for part in (place.city, place.country) if part) if place else None,
            ip=session.ip,
            is_current=is_current,
            is_stale=not is_current and session.status(self._policy, now) == "stale",
            is_active=is_active,
            used=gettext("active now") if is_active else formats.since(session.last_used_at, now),
            used_at=session.last_used_at,
            created=formats.since(session.created_at, now),
            created_at=session.created_at,
            began_how=phrases.began_how(session),
            expires=formats.until(expires_at, now),
            expires_at=expires_at,
            ends_if_unused=limit == "idle",
            application=session.application_id,
            tenant=None if session.tenant == DEFAULT_TENANT else session.tenant,
            agent=session.user_agent,
            applications=tuple(applications),
            is_standing=session.hold == "standing",
        )

    def overview(self, sessions: Sequence[Session], page: int, device: str | None) -> Overview:
        """The current device, and a page of the others; what stands without its device is told apart."""
        rows = self._in_tree(sessions)
        current = next((row for row in rows if row.is_current), None)
        standing = [row for row in rows if not row.is_current and row.is_standing]
        others = [row for row in rows if not row.is_current and not row.is_standing]
        if device is not None:
            devices = [Device(row.name, [row]) for row in others if row.name == device]
        elif len(others) > GROUP_FROM:
            devices = _by_device(others)
        else:
            devices = [Device(row.name, [row]) for row in others]
        ending = sum(1 + len(row.applications) for row in (*others, *standing))
        ending += sum(row.is_standing for row in current.applications) if current else 0
        return Overview(current, len(others), ending, paged(devices, page), standing, device)

    def _in_tree(self, sessions: Sequence[Session]) -> list[Row]:
        devices = {one.id for one in sessions if one.parent_id is None}
        under: dict[str, list[Row]] = {}
        for one in sessions:
            if one.parent_id is not None and one.device_id in devices:
                under.setdefault(one.device_id, []).append(self.row(one))
        return [
            self.row(one, under.get(one.id, ()))
            for one in sessions
            if one.parent_id is None or one.device_id not in devices
        ]

    def ended(self, sessions: Sequence[Session]) -> list[EndedRow]:
        """Those that ended, the latest first."""
        found = []
        for session in sessions:
            end = session.ended(self._policy, self._now)
            if end is not None:
                at, reason = end
                is_suspended = session.life(self._policy, self._now) == "suspended"
                why = "suspended" if is_suspended else reason
                how = phrases.ended_how(why, session, self._caller)
                found.append(EndedRow(self.row(session), how, formats.since(at, self._now), at))
        return sorted(found, key=lambda ended: ended.ended_at, reverse=True)


def paged(items: Sequence[T], number: int) -> Paged[T]:
    """The page of that number, or the nearest that there is."""
    last = max(1, -(-len(items) // PAGE))
    number = min(max(number, 1), last)
    return Paged(items[(number - 1) * PAGE : number * PAGE], number, last)


def _by_device(rows: Sequence[Row]) -> list[Device]:
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row.name, []).append(row)
    return [Device(name, found) for name, found in grouped.items()]


def _kind(session: Session, described: Description) -> str:
    """Which icon: what the agent says, or else what the session is."""
    if described.kind == "unknown" and session.kind in {"cli", "service"}:
        return session.kind
    return described.kind
