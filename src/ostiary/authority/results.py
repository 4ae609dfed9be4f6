"""What the acts answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from ostiary.core.caller import Caller
from ostiary.core.policy import Policy
from ostiary.core.session import Bound, Session
from ostiary.core.token import parse


@dataclass(frozen=True, slots=True)
class Started:
    """A session and the token that opens it, which is shown once; with the new mark of the browser that holds it."""

    session: Session
    token: str = field(repr=False)
    mark: str | None = field(default=None, repr=False)

    def held_by(self, caller: Caller) -> Caller:
        """The caller as the holder of this session, whose secret is a new one."""
        held = parse(self.token)
        return replace(caller, session=self.session, token=None, proof=held.digest if held else None)


@dataclass(frozen=True, slots=True)
class Beginning:
    """A sign-in that is under way. It does not survive a cut-off that is made after it began.

    Attributes:
        cut_off: the user's cut-off time when it began, as a mark: the start is refused unless it is the same then.
    """

    user_id: str
    cut_off: datetime | None

    @classmethod
    def of_new(cls, user_id: str) -> Beginning:
        """Of a user who has just been made: nothing of theirs has ever been ended."""
        return cls(user_id, None)


@dataclass(frozen=True, slots=True)
class Revoked:
    """What a revocation did.

    Attributes:
        session: as it is now.
        live_tokens: how many CLI tokens of the user still work, as they have a lifecycle of their own.
        was_live: False if it had ended already.
        count, devices: how many sessions ended by this, and how many of them were sign-ins on a device.
        is_own: whether the caller's own is among them.
        live_standing: how many stay that were let in there and act while their user is away.
    """

    session: Session
    live_tokens: int
    was_live: bool = True
    count: int = 1
    devices: int = 0
    is_own: bool = False
    live_standing: int = 0


@dataclass(frozen=True, slots=True)
class RevokedMany:
    """How many sessions and CLI tokens an act ended; `live_tokens` still work.

    Attributes:
        devices: how many of the sessions were sign-ins on a device; the others hung under these, or under one that
            goes on.
        renewed: the caller's own session with its new secret, where the act spared it: a copy of the old secret that
            somebody else holds does not outlive the act (ASVS 5.0 7.2.4).
    """

    count: int
    tokens: int = 0
    live_tokens: int = 0
    renewed: Started | None = None
    devices: int = 0


def counted(ended: Iterable[Session | Bound], policy: Policy, now: datetime) -> tuple[int, int]:
    """How many of these were live at `now`, and how many of those were sign-ins on a device."""
    live = [one for one in ended if one.ended(policy, now) is None]
    return len(live), sum(1 for one in live if one.hold is None)
