"""What charts draw: series of numbers over time, and shares of a whole. Each is a table first; a script draws it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ostiary.authority.statistics import OverTime
from ostiary.web import words
from ostiary.web.language import gettext


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over the same steps of time.

    Attributes:
        lines: names, each with one number a step.
        adds_up: whether the lines are parts of a whole; else each is no smaller than the one before it.
    """

    id: str
    title: str
    begins: Sequence[datetime]
    lines: Mapping[str, Sequence[int]]
    adds_up: bool = True

    @property
    def is_empty(self) -> bool:
        """True if nothing happened in all that time."""
        return not any(any(line) for line in self.lines.values())

    @property
    def rows(self) -> list[tuple[datetime, list[int]]]:
        """The table: a step, and its number of each line."""
        return [(begin, [line[number] for line in self.lines.values()]) for number, begin in enumerate(self.begins)]


@dataclass(frozen=True, slots=True)
class Share:
    """One of the parts of a whole."""

    name: str
    count: int


def sign_ins(found: OverTime) -> Chart:
    """Sign-ins, and those that were refused."""
    lines = {gettext("signed in"): found.started, gettext("refused"): found.refused}
    return Chart("sign-ins", gettext("Sign-ins"), found.begins, lines)


def endings(found: OverTime) -> Chart:
    """Endings by reason."""
    lines = {words.word(words.REASONS, reason): line for reason, line in found.ended.items()}
    return Chart("endings", gettext("Endings by reason"), found.begins, lines)


def lag(found: OverTime) -> Chart:
    """How long endings took to be refused everywhere."""
    lines = {gettext("mean"): found.mean_lag, gettext("slowest"): found.slowest_lag}
    rounded = {name: [round(seconds * 1000) for seconds in line] for name, line in lines.items()}
    title = gettext("From revoked to refused everywhere, in ms")
    return Chart("lag", title, found.begins, rounded, adds_up=False)
