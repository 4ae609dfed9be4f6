"""What plans do to the sessions of a race: suspend, bring back, end; and what the oracle may expect of that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from ostiary.core.account import User

LONG: Final = timedelta(hours=1)  # a time to undo that does not pass in a run
WINDOWS: Final = (timedelta(0), timedelta(milliseconds=50), LONG, LONG, LONG)  # zero: ended for good at once


@dataclass(eq=False)
class Life:
    """A session.

    Attributes:
        is_doomed: an ending of it has begun, or nobody can tell any more: both answers are right.
        is_dead: an ending was acknowledged; nothing brings it back.
        suspended_by: the plans whose application was acknowledged and whose undoing has not begun.
        unsettled: acts of plans under way that may concern it.
        touched: how many of them have begun; who asks compares it before and after.
        undone: how many undoings have begun.
    """

    session_id: str
    user: User
    is_doomed: bool = False
    is_dead: bool = False
    suspended_by: set[Applied] = field(default_factory=set)
    unsettled: int = 0
    touched: int = 0
    undone: int = 0

    @property
    def may_be_refused(self) -> bool:
        """True if a refusal is no surprise."""
        return self.is_doomed or bool(self.suspended_by) or self.unsettled > 0

    @property
    def must_be_refused(self) -> bool:
        """True if an acceptance is a violation, as long as nothing is undone meanwhile."""
        return self.is_dead or bool(self.suspended_by)

    @property
    def is_plain(self) -> bool:
        """True if it is live for certain."""
        return not (self.may_be_refused or self.must_be_refused)


@dataclass(eq=False)
class Applied:
    """A plan that was applied, and the sessions that it concerns for certain."""

    plan_id: str
    lives: Sequence[Life]


@dataclass
class Watch:
    """One session, and what was true of it when a question began."""

    life: Life
    touched: int
    undone: int
    may: bool
    must: bool
    was_dead: bool

    @classmethod
    def of(cls, life: Life) -> Watch:
        """Look now."""
        return cls(life, life.touched, life.undone, life.may_be_refused, life.must_be_refused, life.is_dead)

    @property
    def may_be_refused(self) -> bool:
        """True if a refusal is right, by what was true then, is true now, or happened in between."""
        return self.may or self.life.may_be_refused or self.touched != self.life.touched

    @property
    def must_be_refused(self) -> bool:
        """True if an acceptance is wrong: it was refused for certain, and nobody began to undo that meanwhile."""
        return self.was_dead or (self.must and self.undone == self.life.undone and self.life.must_be_refused)


@contextmanager
def under_way(lives: Sequence[Life]) -> Iterator[None]:
    """While it lasts, both answers about these are right; and from then on, if it failed."""
    for life in lives:
        life.unsettled += 1
        life.touched += 1
    try:
        yield
    except BaseException:
        for life in lives:
            life.is_doomed = True
        raise
    finally:
        for life in lives:
            life.unsettled -= 1
