"""Numbers for administrators: how many are signed in, where and with what, and what happened over time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Final, Literal, TypeAlias, get_args

from ostiary.core.caller import Caller
from ostiary.core.client import Description, describe
from ostiary.core.lags import begin_of_step
from ostiary.core.policy import Policy
from ostiary.storage import lags, statistics
from ostiary.storage.database import Database

Span: TypeAlias = Literal["day", "week", "month"]

SPANS: Final[tuple[Span, ...]] = get_args(Span)
# How far back, and how long a step: about fifty points each, as many as a chart of a phone's width can show.
_LENGTHS: Final[dict[Span, tuple[timedelta, timedelta]]] = {
    "day": (timedelta(days=1), timedelta(minutes=30)),
    "week": (timedelta(days=7), timedelta(hours=3)),
    "month": (timedelta(days=30), timedelta(hours=12)),
}
MAXIMUM_AGENTS: Final = 2000  # distinct user agents that are read: more than a million browsers send
MAXIMUM_ADDRESSES: Final = 20_000  # distinct addresses that are read


@dataclass(frozen=True, slots=True)
class Totals:
    """Now, and in the last 24 hours.

    Attributes:
        sessions, users: live now, and of how many.
        suspended: refused by a plan that can still be undone; they are not among the endings until they are final.
        started, ended, refused: sign-ins, endings by somebody or by a rule, refused sign-ins; in the last 24 hours.
    """

    sessions: int
    users: int
    suspended: int
    started: int
    ended: int
    refused: int


@dataclass(frozen=True, slots=True)
class OverTime:
    """What happened in each of equally long steps, oldest first; the last one is not over yet.

    Attributes:
        begins: when each step begins.
        started, refused: sign-ins and refused sign-ins, one number a step.
        ended: endings by reason, one number a step; only reasons that occurred, the most frequent first.
        slowest_lag, mean_lag: seconds from an ending until nobody could accept it any more, one number a step; 0 where
            none was measured.
    """

    begins: Sequence[datetime]
    step: timedelta
    started: Sequence[int]
    refused: Sequence[int]
    ended: dict[str, Sequence[int]]
    slowest_lag: Sequence[float]
    mean_lag: Sequence[float]


class Statistics:
    """Totals, over time, by application, by client, by address. All of them are an administrator's."""

    def __init__(self, database: Database, policy: Policy, clock: Callable[[], datetime]) -> None:
        """Part of an `Authority`."""
        self.database = database
        self._policy = policy
        self._clock = clock

    async def totals(self, *, by: Caller) -> Totals:
        """Who is here now, and what happened in the last 24 hours.

        Raises:
            NotAllowed: the caller is not an administrator.
        """
        by.ensure_admin()
        now = self._clock()
        async with self.database.reading() as db:
            sessions, users = await statistics.totals(db, self._policy, now)
            suspended = await statistics.count_suspended(db, now)
            counts = await statistics.events_since(db, now - timedelta(days=1))
        started, ended, refused = (counts.get(kind, 0) for kind in statistics.COUNTED)
        return Totals(sessions, users, suspended, started, ended, refused)

    async def over_time(self, span: Span, *, by: Caller) -> OverTime:
        """Sign-ins, refused ones, and endings by reason. A session that only ran out is no event, and not counted.

        Raises:
            NotAllowed: the caller is not an administrator.
        """
        by.ensure_admin()
        back, step = _LENGTHS[span]
        last = begin_of_step(self._clock(), step)
        begins = [last - step * number for number in reversed(range(back // step))]
        async with self.database.reading() as db:
            found = await statistics.events_over_time(db, begins[0], step)
            measured = await lags.since(db, begins[0])
        places = {int(begin.timestamp()): place for place, begin in enumerate(begins)}
        counts: dict[tuple[str, str | None], list[int]] = {}
        for begin, kind, reason, count in found:
            if begin in places:
                key = (kind, reason if kind == "session.revoked" else None)
                counts.setdefault(key, [0] * len(begins))[places[begin]] += count
        ended = [(reason or "", line) for (kind, reason), line in counts.items() if kind == "session.revoked"]
        ended.sort(key=lambda one: (-sum(one[1]), one[0]))
        by_step = [[one for one in measured if begin <= one.begins_at < begin + step] for begin in begins]
        nothing = [0] * len(begins)
        return OverTime(
            begins,
            step,
            counts.get(("session.started", None), nothing),
            counts.get(("sign_in.refused", None), nothing),
            dict(ended),
            [max((one.slowest for one in of_step), default=0.0) for of_step in by_step],
            [sum(one.seconds for one in of_step) / max(1, sum(one.endings for one in of_step)) for of_step in by_step],
        )

    async def by_application(self, *, by: Caller, limit: int = 10) -> list[tuple[str, int]]:
        """Live sessions by application, the largest first; those that belong to none are not listed.

        Raises:
            NotAllowed: the caller is not an administrator.
        """
        by.ensure_admin()
        async with self.database.reading() as db:
            return await statistics.live_by_application(db, self._policy, self._clock(), limit)

    async def by_client(
        self, *, by: Caller, limit: int = 10, called: Callable[[Description], str] = attrgetter("name")
    ) -> list[tuple[str, int]]:
        """Live sessions by what their agents call themselves, `Firefox on Linux`, the largest first.

        Args:
            called: names one; a page does in its reader's language.

        Raises:
            NotAllowed: the caller is not an administrator.
        """
        by.ensure_admin()
        async with self.database.reading() as db:
            agents = await statistics.live_by_agent(db, self._policy, self._clock(), MAXIMUM_AGENTS)
        return largest(((called(describe(agent)), count) for agent, count in agents), limit)

    async def by_address(self, *, by: Caller) -> list[tuple[str, int]]:
        """Live sessions by address, the largest first, `MAXIMUM_ADDRESSES` at most; a door knows their places.

        Raises:
            NotAllowed: the caller is not an administrator.
        """
        by.ensure_admin()
        async with self.database.reading() as db:
            return await statistics.live_by_address(db, self._policy, self._clock(), MAXIMUM_ADDRESSES)


def largest(counted: Iterable[tuple[str, int]], limit: int) -> list[tuple[str, int]]:
    """Counts of the same name put together; the `limit` largest."""
    sums: dict[str, int] = {}
    for name, count in counted:
        sums[name] = sums.get(name, 0) + count
    return sorted(sums.items(), key=lambda one: (-one[1], one[0]))[:limit]
