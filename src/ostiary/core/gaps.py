"""Gap detection: positions that were given out and not seen yet, where a late commit can still appear.

Positions are given in the order of writing and seen in the order of committing. So a reader that only asks for more
than the highest position it has seen loses what commits late. This keeps the holes below the highest one, and for how
long something can still come up in each: a position below one that was seen was given before it was seen, so its
transaction began before that, and no transaction lives longer than the overlap. No clock but the reader's own is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

Range: TypeAlias = tuple[int, int]  # first and last position of a hole

MAXIMUM_RANGES: Final = 200  # of one question; holes beyond it are joined, which re-reads what lies between


class Gaps:
    """The holes of one reader."""

    def __init__(self, overlap: float, maximum: int = MAXIMUM_RANGES) -> None:
        """`overlap`: seconds, longer than any transaction may live. `maximum`: holes that are kept apart."""
        self._overlap = overlap
        self._maximum = maximum
        self._holes: list[tuple[int, int, float]] = []  # first, last, when nothing can appear in it any more
        self.highest = 0

    @property
    def ranges(self) -> Sequence[Range]:
        """Where to look, beside everything above `highest`."""
        return [(first, last) for first, last, _ in self._holes]

    @property
    def floor(self) -> int:
        """The low watermark: at or below this position everything was seen, or will never be there."""
        return self._holes[0][0] - 1 if self._holes else self.highest

    def begin(self, floor: int) -> None:
        """Start above a position at or below which nothing can appear any more."""
        self.highest = floor
        self._holes = []

    def saw(self, positions: Iterable[int], now: float) -> None:
        """These are there. `now`: seconds on the reader's own clock, after they were read."""
        seen = sorted(set(positions))
        below = [position for position in seen if position <= self.highest]
        if below:
            self._holes = [part for hole in self._holes for part in _without(hole, below)]
        for position in seen[len(below) :]:
            if position > self.highest + 1:
                self._holes.append((self.highest + 1, position - 1, now + self._overlap))
            self.highest = position
        self._tidy()

    def saw_all_but(self, missing: Sequence[Range], highest: int, now: float) -> None:
        """Everything up to `highest` is there, where there was a hole or nothing yet, but for these ranges."""
        until = {hole[0]: hole for hole in self._holes}
        holes: list[tuple[int, int, float]] = []
        for first, last in missing:
            old = next((hole for hole in until.values() if hole[0] <= first and last <= hole[1]), None)
            holes.append((first, last, old[2] if old else now + self._overlap))
        self._holes = sorted(holes)
        self.highest = max(self.highest, highest)
        self._tidy()

    def settle(self, asked: float) -> None:
        """Forget the holes in which nothing could appear any more when the last reading began, at `asked`.

        Call it after that: a hole that nobody looked into since its time was over may have been filled before.
        """
        self._holes = [hole for hole in self._holes if hole[2] > asked]

    def _tidy(self) -> None:
        while len(self._holes) > self._maximum:
            nearest = min(range(len(self._holes) - 1), key=lambda at: self._holes[at + 1][0] - self._holes[at][1])
            left, right = self._holes[nearest], self._holes.pop(nearest + 1)
            self._holes[nearest] = (left[0], right[1], max(left[2], right[2]))


def _without(hole: tuple[int, int, float], seen: Sequence[int]) -> list[tuple[int, int, float]]:
    first, last, until = hole
    parts = []
    for position in seen:
        if first <= position <= last:
            if position > first:
                parts.append((first, position - 1, until))
            first = position + 1
    if first <= last:
        parts.append((first, last, until))
    return parts
