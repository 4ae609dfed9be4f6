"""What the feed tells: which sessions ended, and what to ask about again. Which events matter is decided here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from ostiary.core.event import Event, EventKind

ENDED: Final[tuple[EventKind, ...]] = ("session.revoked", "session.suspended")  # refused from then on
# After these, what somebody remembers of a user or a token may be wrong: roles, the secret, whether it works at all.
CHANGED: Final[tuple[EventKind, ...]] = (
    "session.renewed",
    "session.restored",
    "token.revoked",
    "user.disabled",
    "user.enabled",
    "user.deleted",
    "user.roles_changed",
    "client.removed",
    "keys.rotated",
)
TOLD: Final[tuple[EventKind, ...]] = (*ENDED, *CHANGED)


@dataclass(frozen=True, slots=True)
class Ended:
    """One session ended, or was suspended: it is refused, and works again only if the feed says `Changed` of it.

    Attributes:
        suspended_until: until then what suspended it can be undone; None for an ending.
    """

    session_id: str
    user_id: str | None
    reason: str | None
    at: datetime
    suspended_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class EndedMany:
    """Many ended at once: told of all that started at or before `cut_off`, as a list of them would drown everybody.

    Some of those may live on. Whoever hears it forgets what they remember and asks about each when they need it.

    Attributes:
        user_id: of this user; None for everybody.
        count: how many ended.
    """

    user_id: str | None
    cut_off: datetime
    count: int


@dataclass(frozen=True, slots=True)
class Changed:
    """Ask again about one of these: a session, a user, a CLI token, the signing keys."""

    session_id: str | None = None
    user_id: str | None = None
    token_id: str | None = None
    keys: bool = False


@dataclass(frozen=True, slots=True)
class Lost:
    """What happened cannot be told: forget everything."""


Entry: TypeAlias = Ended | EndedMany | Changed | Lost


def entry_of(event: Event) -> Entry | None:
    """What a reader of the feed hears of an event; None when it is nobody's business there."""
    if event.kind in ENDED and event.session_id is not None:
        until = event.detail.get("until") if event.kind == "session.suspended" else None
        until_at = datetime.fromisoformat(str(until)) if until is not None else None
        return Ended(event.session_id, event.user_id, event.reason, event.at, until_at)
    if event.kind in ("session.renewed", "session.restored"):
        return Changed(session_id=event.session_id)
    if event.kind == "token.revoked":
        return Changed(token_id=str(event.detail.get("token_id")))
    if event.kind == "keys.rotated":
        return Changed(keys=True)
    if event.kind == "client.removed":  # its sessions end one by one; a service is a user under its client's id
        return Changed(user_id=str(event.detail.get("client_id")))
    return Changed(user_id=event.user_id) if event.kind in CHANGED else None


def matters(events: Sequence[Event]) -> bool:
    """True if one of these is told by the feed."""
    return any(event.kind in TOLD for event in events)
