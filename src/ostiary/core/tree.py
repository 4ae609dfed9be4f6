"""The tree of sessions: a sign-in on a device is a root, and what it lets in hangs under it (rule 4).

*Bound*: ends with its parent, at the same instant, also when that goes unused for too long. A use of it is a use of
all that it is bound to, so that none of these is ever unused for longer than what hangs under it. *Standing*: was
allowed to act while its person is away, so that it outlives the device that let it in.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias

from ostiary.core.oauth.client import OAuthClient
from ostiary.core.policy import Policy
from ostiary.core.session import Hold, Reason, Session, lifetime_ends_at

Extent: TypeAlias = Literal["session", "below", "device"]  # of an ending: it, what hangs under it, its whole tree

# Endings of a client's grant that its person, or somebody who looks after them, meant: the device proves again who
# signs in there before that client gets a code. Not those by which the client, or what it hangs under, went away.
SENT_AWAY: Final[tuple[Reason, ...]] = ("user", "user_others", "user_all", "admin", "bulk")


@dataclass(frozen=True, slots=True)
class Position:
    """Where a new session hangs, in the fields of `Session`.

    Attributes:
        ends_at: when its lifetime ends at the latest; None for no limit.
        begins_at: when what lets it in was used for that; None for a root.
    """

    parent_id: str | None = None
    root_id: str | None = None
    path: tuple[str, ...] = ()
    device_since: datetime | None = None
    ends_at: datetime | None = None
    stays: bool | None = None
    begins_at: datetime | None = None


ROOT: Final = Position()


def below(parent: Session, hold: Hold, policy: Policy, now: datetime) -> Position:
    """The position of what a session lets in at `now`."""
    if hold == "standing":
        return Position(parent.id, parent.device_id, begins_at=now)
    since = parent.device_since or parent.created_at
    path, ends_at = (*parent.path, parent.id), lifetime_ends_at(parent, policy)
    return Position(parent.id, parent.device_id, path, since, ends_at, parent.stays, now)


def is_sign_out(own: Session, session_id: str, extent: Extent, *, standing: bool) -> bool:
    """True if an ending takes no more than one's own session and what is bound to it, false if others can end."""
    whole = extent == "session" or (extent == "device" and own.device_id == own.id)
    return session_id == own.id and whole and not standing


def in_tree(sessions: Sequence[Session]) -> tuple[list[Session], dict[str, int]]:
    """Devices, each followed by what hangs under it; then what stands by itself, as its device is not among them.

    Besides, how many hang under each. What is alike keeps its order.
    """
    there = {one.id for one in sessions}
    under: dict[str | None, list[Session]] = {}
    for one in sessions:
        under.setdefault(one.parent_id if one.parent_id in there else None, []).append(one)
    ordered: list[Session] = []
    below: dict[str, int] = {}

    def put(one: Session) -> int:
        ordered.append(one)
        below[one.id] = sum(1 + put(child) for child in under.get(one.id, ()))
        return below[one.id]

    for one in sorted(under.get(None, ()), key=lambda one: one.hold is not None):
        put(one)
    return ordered, below


def grant_hold(parent: Session, client: OAuthClient, scopes: Collection[str]) -> Hold:
    """How a client's grant hangs under the session that let it in.

    What no person signed in to, and what is no sign-in on a device itself, lets in nothing that could outlive it. Else
    `offline_access` is what a client asks for that is to act while its person is away (OIDC Core 11): a program on a
    device or a stranger's. A client of the house on the web keeps its refresh tokens as long as the browser is signed
    in, unless it was registered to outlive that.
    """
    if parent.issued_by is not None or parent.parent_id is not None or parent.kind != "browser":
        return "bound"
    if client.standing:
        return "standing"
    is_elsewhere = client.third_party or client.application_type == "native"
    return "standing" if is_elsewhere and "offline_access" in scopes else "bound"
