"""What the acts answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from ostiary.core.session import Session


@dataclass(frozen=True, slots=True)
class Started:
    """A session and the token that opens it, which is shown once."""

    session: Session
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Beginning:
    """A sign-in that is under way. It does not survive a cut-off that is made after it began.

    Attributes:
        cut_off: the user's cut-off time when it began, as a mark: the start is refused unless it is the same then.
    """

    user_id: str
    cut_off: datetime | None


@dataclass(frozen=True, slots=True)
class Revoked:
    """What a revocation did.

    Attributes:
        session: as it is now.
        live_tokens: how many CLI tokens of the user still work, as they have a lifecycle of their own.
        was_live: False if it had ended already.
    """

    session: Session
    live_tokens: int
    was_live: bool = True


@dataclass(frozen=True, slots=True)
class RevokedMany:
    """How many sessions and CLI tokens an act ended; `live_tokens` still work."""

    count: int
    tokens: int = 0
    live_tokens: int = 0
