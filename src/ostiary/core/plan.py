"""A plan: sessions that an administrator chose, pinned, so that exactly these are ended and no others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

from ostiary.core.duration import MINIMUM
from ostiary.core.selector import Selector
from ostiary.errors import Conflict, InvalidRequest, PlanStale
from ostiary.errors.translatable import translatable

Newer: TypeAlias = Literal["leave", "include"]  # what becomes of sessions that came after the plan
State: TypeAlias = Literal["planned", "applying", "applied", "undoing", "undone"]

LIFETIME: Final = timedelta(minutes=15)  # from a plan to the beginning of its application: what was seen is still true
UNDO_FOR: Final = timedelta(minutes=10)
MAXIMUM_UNDO: Final = timedelta(hours=24)
MAXIMUM_PINNED: Final = 1_000_000  # sessions of one plan
SAMPLE: Final = 10  # sessions that a plan shows


@dataclass(frozen=True, slots=True)
class Plan:
    """What was pinned, and how far it has come.

    Attributes:
        filters: the selector that chose the sessions, as plain texts.
        count, users: how many sessions are pinned, and of how many users.
        spared: the session of who made it: it matches, but is never pinned, so that nobody signs themselves out.
        expires_at: until then it can be applied for the first time.
        undo_until: until then it can be undone; None when it was applied for good, or not yet.
        looked_at: how many of the pinned sessions, in their order; an undo begins again at the first.
        ended: how many it ended; the others had ended already.
        restored: how many an undo brought back.
        final_at: when its time to undo was found to be over; from then on what it suspended is made final.
        settled: of how many of the pinned sessions, in their order, that is done.
    """

    id: str
    filters: dict[str, str]
    created_at: datetime
    created_by: str
    expires_at: datetime
    count: int
    users: int
    spared: str | None = None
    started_at: datetime | None = None
    started_by: str | None = None
    undo_until: datetime | None = None
    looked_at: int = 0
    ended: int = 0
    applied_at: datetime | None = None
    undone_at: datetime | None = None
    undone_by: str | None = None
    restored: int = 0
    restored_at: datetime | None = None
    final_at: datetime | None = None
    settled: int = 0
    settled_at: datetime | None = None

    @property
    def state(self) -> State:
        """How far it has come."""
        if self.undone_at is not None:
            return "undone" if self.restored_at is not None else "undoing"
        if self.started_at is None:
            return "planned"
        return "applied" if self.applied_at is not None else "applying"

    def suspends_until(self, now: datetime) -> datetime | None:
        """Until when what it ends at `now` can be brought back; None if it ends for good."""
        return self.undo_until if self.undo_until is not None and self.can_be_undone(now) else None

    def can_be_undone(self, now: datetime) -> bool:
        """True if an undo may begin at `now`: applied, not undone yet, and in time."""
        if self.started_at is None or self.undone_at is not None or self.final_at is not None:
            return False
        return self.undo_until is not None and now < self.undo_until

    def ensure_applicable(self, added: int, tolerance: int, now: datetime) -> None:
        """Return if it may begin now, with `added` sessions that match but are not pinned.

        Raises:
            PlanStale: it has expired, or more than `tolerance` sessions came since.
        """
        if now >= self.expires_at:
            raise PlanStale("the plan has expired; plan again", expired_at=self.expires_at)
        if added > tolerance:
            words = translatable(
                "%(added)s sessions that match came since it was made; plan again, or tolerate them", added=added
            )
            raise PlanStale(words, added=added, tolerance=tolerance)

    def ensure_not_undone(self) -> None:
        """Return if nobody undid it.

        Raises:
            Conflict: somebody did.
        """
        if self.undone_at is not None:
            raise Conflict("the plan was undone; plan again")

    def ensure_undoable(self, now: datetime) -> None:
        """Return if it may be undone at `now`. One that was begun in time is finished.

        Raises:
            Conflict: not applied, applied for good, or the time is over.
        """
        if self.undone_at is not None:
            return
        if self.started_at is None:
            raise Conflict("the plan was not applied: there is nothing to undo")
        if self.undo_until is None:
            raise Conflict("the plan was applied for good: it cannot be undone")
        if now >= self.undo_until or self.final_at is not None:
            raise Conflict("the time to undo is over: what the plan ended stays ended")


def checked(selector: Selector) -> Selector:
    """The selector of a plan: live sessions only, as nothing else can be ended.

    Raises:
        InvalidRequest: it asks for sessions that have ended.
    """
    if selector.reason is not None:
        raise InvalidRequest("reason", "only live sessions can be ended, and these have none")
    if selector.status in ("suspended", "expired", "revoked", "ended"):
        raise InvalidRequest("status", "only live sessions can be ended: active, stale or live")
    return selector if selector.status is not None else replace(selector, status="live")


def check_undo_for(span: timedelta) -> timedelta:
    """How long a plan may be undone; zero ends for good.

    Raises:
        InvalidRequest: negative, more than a day, or so short that it can only be a mistake.
    """
    if not timedelta(0) <= span <= MAXIMUM_UNDO or timedelta(0) < span < MINIMUM:
        raise InvalidRequest("undo_for", "use 0s, or a millisecond to 24h")
    return span
