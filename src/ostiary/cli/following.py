"""Following the trail: each event once, none lost, through late commits and outages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ostiary.cli.answers import Object
from ostiary.cli.calls import MAXIMUM_PAGE, Calls
from ostiary.cli.failures import SERVER_FAILED, UNREACHABLE, Failure
from ostiary.errors import StoreUnavailable


class Following:
    """One who follows.

    Attributes:
        settled: nothing can appear at or below this position any more: where somebody else could go on.
    """

    def __init__(self, calls: Calls, query: Mapping[str, object], after: int | None) -> None:
        """`after`: where to begin; None begins with what happens from now on."""
        self._calls = calls
        self._query = query
        self._seen: set[int] = set()  # positions above `settled`
        self._newest = after or 0
        self._is_away = False
        self.settled = after or 0
        self._begins_now = after is None

    def look(self, *, back: bool, on_trouble: Callable[[str], None]) -> Iterator[Object]:
        """What is new; with `back`, also what came up late. Nothing while the server is away, which is told once."""
        try:
            if self._begins_now:
                self._begin()
            yield from self._read(self.settled if back else self._newest)
            self._is_away = False
        except (Failure, StoreUnavailable) as why:
            if isinstance(why, Failure) and why.exit_code not in {SERVER_FAILED, UNREACHABLE}:
                raise
            if not self._is_away:
                on_trouble(f"{why}; it goes on when it is back")
            self._is_away = True

    def _begin(self) -> None:
        newest = next(self._pages(limit=1))
        self._newest = max((_number(one, "position") for one in newest["events"]), default=0)
        self.settled = _number(next(self._pages(order="oldest", after=self._newest, limit=1)), "settled")
        for _ in self._read(self.settled):  # what is there already was before now
            pass
        self._begins_now = False

    def _read(self, after: int) -> Iterator[Object]:
        settled: int | None = None
        for page in self._pages(**self._query, order="oldest", after=after, limit=MAXIMUM_PAGE):
            settled = _number(page, "settled") if settled is None else settled  # the first page saw all that is below
            for one in page["events"]:
                position = _number(one, "position")
                self._newest = max(self._newest, position)
                if position not in self._seen and position > self.settled:
                    self._seen.add(position)
                    yield one
        if after == self.settled and settled is not None and settled > self.settled:
            self.settled = settled
            self._seen = {position for position in self._seen if position > self.settled}

    def _pages(self, **takes: object) -> Iterator[Object]:
        return self._calls.pages("list_events", "events", **takes)


def _number(one: Object, name: str) -> int:
    number = one.get(name)
    return number if isinstance(number, int) else 0
