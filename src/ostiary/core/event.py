"""Events: one append-only row for every start, renewal, ending and refused sign-in.

The row is the audit record, the feed item and the outgoing notice at once (rule 2), so its shape is fixed here.
`docs/reference/events.md` is held against `EventKind` by a test (ASVS 5.0 16.1.1).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, TypeAlias, TypedDict, get_args

EventKind: TypeAlias = Literal[
    "session.started",
    "session.renewed",
    "session.labelled",
    "session.revoked",
    "session.suspended",
    "session.restored",
    "sign_in.refused",
    "sign_in.throttled",
    "sign_in.limited",
    "token.created",
    "token.revoked",
    "user.added",
    "user.disabled",
    "user.enabled",
    "user.deleted",
    "user.erased",
    "user.exported",
    "user.roles_changed",
    "user.password_changed",
    "client.added",
    "client.secret_rotated",
    "client.removed",
    "resource.added",
    "resource.removed",
    "consent.granted",
    "consent.withdrawn",
    "keys.rotated",
    "retention.applied",
    "plan.made",
    "plan.applied",
    "plan.undone",
    "credential.neutralised",
]

REFUSED: Final[tuple[EventKind, ...]] = ("sign_in.refused", "sign_in.throttled")  # strangers can make many of them

EVENT_KINDS: Final[tuple[EventKind, ...]] = get_args(EventKind)

Detail: TypeAlias = dict[str, str | int | bool | None]


@dataclass(frozen=True, slots=True)
class Event:
    """What happened, to whom, by whom, from where and why (ASVS 5.0 16.2.1).

    Attributes:
        position: its place in the trail; grows, but the order of commits may differ; None before it is written.
        user_id: whom it concerns; None when nobody is known (a refused sign-in of an unknown name).
        by: who did it, as `Caller.name`; None for somebody who is not signed in.
        ip, user_agent: of the one who did it.
        reason: for endings, one of `session.REASONS`.
        request_id: finds the log lines of the same request.
        detail: more, by kind; never a secret.
    """

    at: datetime
    kind: EventKind
    user_id: str | None = None
    session_id: str | None = None
    by: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    reason: str | None = None
    request_id: str | None = None
    detail: Detail = field(default_factory=dict)
    position: int | None = None


class About(TypedDict, total=False):
    """What an event says beside who did it, when and from where; see `Event`."""

    user_id: str | None
    session_id: str | None
    reason: str | None
    detail: Detail


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events: all that agree with everything that is given.

    Attributes:
        since, until: from this moment on; before this moment.
    """

    user_id: str | None = None
    session_id: str | None = None
    kinds: tuple[EventKind, ...] = ()
    since: datetime | None = None
    until: datetime | None = None


ALL: Final = Wanted()
