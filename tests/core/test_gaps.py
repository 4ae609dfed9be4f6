"""No interleaving of transactions and polls loses a position: what commits late is found by the next poll."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.core.gaps import Gaps

OVERLAP = 10.0


@dataclass
class Store:
    """Positions are given in the order of writing, seen in the order of committing; no transaction lives over 9."""

    now: float = 0.0
    given: int = 0
    open: list[tuple[float, list[int]]] = field(default_factory=list)
    visible: set[int] = field(default_factory=set)

    def begin(self, count: int) -> None:
        self.open.append((self.now, [self.given + 1 + i for i in range(count)]))
        self.given += count

    def end(self, which: int, commits: bool) -> None:
        if self.open:
            _, positions = self.open.pop(which % len(self.open))
            self.visible |= set(positions) if commits else set()

    def wait(self, span: float) -> None:
        self.now += span
        for began, positions in [one for one in self.open if one[0] < self.now - (OVERLAP - 1)]:
            self.open.remove((began, positions))

    def read(self, gaps: Gaps) -> list[int]:
        return sorted(p for p in self.visible if p > gaps.highest or any(a <= p <= b for a, b in gaps.ranges))


steps = st.lists(
    st.one_of(
        st.tuples(st.just("begin"), st.integers(1, 5)),
        st.tuples(st.just("commit"), st.integers(0, 9)),
        st.tuples(st.just("rollback"), st.integers(0, 9)),
        st.tuples(st.just("wait"), st.floats(0, 6)),
        st.tuples(st.just("poll"), st.booleans()),
    ),
    min_size=40,  # of themselves they would be short, and hardly one in twenty polls would see a hole
    max_size=120,
)


@given(steps, st.integers(2, 8))
@settings(max_examples=150, deadline=None)
def test_everything_that_commits_is_seen_by_the_next_poll(script: list[tuple[str, float]], maximum: int):
    store, gaps = Store(), Gaps(OVERLAP, maximum)
    seen: set[int] = set()
    floors: list[int] = []
    for word, value in [*script, ("poll", False), ("poll", True)]:
        if word == "begin":
            store.begin(int(value))
        elif word == "wait":
            store.wait(value)
        elif word == "poll":
            found = store.read(gaps)
            new = set(found) - seen
            assert all(position > floor for position in new for floor in floors), "a reader who resumed missed it"
            if value and found:  # as in groups: what is missing is read, not what is there
                top = max(store.visible)
                gaps.saw_all_but(_missing({*store.visible, gaps.floor}, gaps.floor, top), top, store.now)
            else:
                gaps.saw(found, store.now)
            gaps.settle(store.now)
            seen |= set(found)
            assert seen == store.visible
            floors.append(gaps.floor)
            assert len(gaps.ranges) <= maximum
        else:
            store.end(int(value), word == "commit")


def _missing(present: set[int], floor: int, top: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for position in range(floor + 1, top + 1):
        if position not in present:
            if found and found[-1][1] == position - 1:
                found[-1] = (found[-1][0], position)
            else:
                found.append((position, position))
    return found


def test_a_hole_is_looked_at_for_as_long_as_a_transaction_may_live_and_no_longer():
    gaps = Gaps(OVERLAP)
    gaps.saw([1, 2, 5], 100.0)
    assert list(gaps.ranges) == [(3, 4)] and gaps.floor == 2
    gaps.settle(100.0 + OVERLAP - 0.001)
    assert gaps.ranges
    gaps.settle(100.0 + OVERLAP)
    assert not gaps.ranges and gaps.floor == 5


def test_what_is_left_of_a_hole_is_still_looked_for():
    for seen, left in (([2], [(3, 3)]), ([3], [(2, 2)]), ([2, 3], [])):
        gaps = Gaps(OVERLAP)
        gaps.saw([1, 4], 0.0)
        gaps.saw(seen, 1.0)
        assert list(gaps.ranges) == left


def test_what_came_late_is_not_looked_for_again():
    gaps = Gaps(OVERLAP)
    gaps.saw([1, 9], 0.0)
    gaps.saw([4], 1.0)
    assert list(gaps.ranges) == [(2, 3), (5, 8)]
    gaps.saw([2, 3, 5, 6, 7, 8], 2.0)
    assert not gaps.ranges and gaps.floor == 9


def test_a_reader_that_begins_in_the_middle_looks_in_the_holes_that_it_finds():
    gaps = Gaps(OVERLAP)
    gaps.begin(100)
    gaps.saw_all_but([(104, 104), (110, 120)], 150, 0.0)
    assert list(gaps.ranges) == [(104, 104), (110, 120)] and (gaps.floor, gaps.highest) == (103, 150)


def test_holes_that_are_joined_are_looked_at_for_as_long_as_the_later_of_them():
    gaps = Gaps(OVERLAP, maximum=1)
    gaps.saw([1, 3], 0.0)
    gaps.saw([5], 5.0)
    assert list(gaps.ranges) == [(2, 4)]
    gaps.settle(OVERLAP)
    assert list(gaps.ranges) == [(2, 4)]
    gaps.settle(5.0 + OVERLAP)
    assert not gaps.ranges


def test_the_nearest_holes_are_joined():
    gaps = Gaps(OVERLAP, maximum=3)
    gaps.saw([2, 3, 4, 7, 12, 13, 14, 16], 0.0)  # between the holes 1, 5 to 6, 8 to 11 and 15
    assert list(gaps.ranges) == [(1, 1), (5, 11), (15, 15)]
