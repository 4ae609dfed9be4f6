"""How long endings took to be refused everywhere, summed up by half hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

STEP: Final = timedelta(minutes=30)  # the shortest that a chart shows
KEPT: Final = timedelta(days=31)  # as far back as a chart goes


@dataclass(frozen=True, slots=True)
class Lags:
    """The endings of one half hour that were measured.

    Attributes:
        begins_at: when it begins.
        endings: how many.
        seconds: of all of them together, from each one's commit until nobody could accept it any more.
        slowest: seconds of the slowest.
    """

    begins_at: datetime
    endings: int
    seconds: float
    slowest: float

    def __add__(self, other: Lags) -> Lags:
        """Both together; they are of the same half hour."""
        slowest = max(self.slowest, other.slowest)
        return Lags(self.begins_at, self.endings + other.endings, self.seconds + other.seconds, slowest)


def begin_of_step(at: datetime, step: timedelta) -> datetime:
    """When the step began that holds a moment; steps are counted from 1970, so that all nodes have the same."""
    length = int(step.total_seconds())
    return datetime.fromtimestamp(int(at.timestamp()) // length * length, UTC)
