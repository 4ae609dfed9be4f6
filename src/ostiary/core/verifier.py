"""Programs that remember sessions, and when each of them surely refuses one that ended.

All times here are the store's: at the start of the poll by which a program was told, so that no clock but one counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

DEFAULT_STALENESS: Final = 5.0  # seconds that a verifier trusts what it remembers, if it does not say otherwise
LEASE: Final = timedelta(seconds=10)  # how much longer than written down a verifier may be trusting
MAXIMUM_WAIT: Final = 60.0  # seconds that a question about the lag may wait for its answer
KEPT: Final = timedelta(minutes=1)  # after its trust ran out: long enough to be seen in a list


@dataclass(frozen=True, slots=True)
class Verifier:
    """A chain of requests for the feed: what one reader remembers.

    Attributes:
        id: of the chain; made by us, and carried in positions. Two programs under one name are two chains.
        owner: the credential that it asks with.
        reader: the id that it chose.
        name: what people call it.
        address: where its last request came from.
        since: when its first request came; it remembered nothing then.
        applied_at: it has applied everything that was committed before this.
        trust_until: it refuses by itself from then on, unless it is told again; as far as it is written down.
        seen_at: when its last request came.
        written_at: when this was written down.
        max_staleness: seconds.
    """

    id: str
    owner: str
    reader: str
    name: str | None
    address: str | None
    since: datetime
    applied_at: datetime | None
    trust_until: datetime
    seen_at: datetime
    written_at: datetime
    max_staleness: float

    def has_applied(self, ended_by: datetime) -> bool:
        """True if it knows of everything that had ended by then, or began after that and remembers nothing older."""
        return self.since >= ended_by or (self.applied_at is not None and self.applied_at >= ended_by)

    def trusts_until(self, ended_by: datetime) -> datetime:
        """When it refuses what had ended by then at the latest, whatever happens to it.

        A request after that time is answered with the ending before anything else. So what counts are the requests
        before it: all of them are in a row that was written after it; in an older row some may be missing.
        """
        return self.trust_until if self.written_at >= ended_by else self.trust_until + LEASE

    def refuses(self, ended_by: datetime, now: datetime) -> bool:
        """True if it cannot accept what had ended by then any more."""
        return self.has_applied(ended_by) or now >= self.trusts_until(ended_by)

    def is_gone(self, now: datetime) -> bool:
        """True if nothing has been heard of it for so long that nobody needs to know of it."""
        return now >= self.trust_until + LEASE + KEPT


@dataclass(frozen=True, slots=True)
class Lag:
    """How far an ending has come.

    Attributes:
        ended_by: the store's time by which it was committed.
        seconds: from then until the last verifier refused, or until now.
        verifiers: how many there are.
        late: those that may still accept it.
    """

    ended_by: datetime
    seconds: float
    verifiers: int
    late: tuple[Verifier, ...]

    @property
    def is_everywhere(self) -> bool:
        """True if nobody can accept it any more."""
        return not self.late


def lag_of(verifiers: Sequence[Verifier], ended_by: datetime, now: datetime) -> Lag:
    """How far it has come by `now`."""
    alive = [one for one in verifiers if not one.is_gone(now)]
    late = tuple(one for one in alive if not one.refuses(ended_by, now))
    return Lag(ended_by, max(0.0, (now - ended_by).total_seconds()), len(alive), late)
