"""What a verifier knows, and whether it may say so. No input or output, no clock: time comes in.

Two rules hold it together. An answer counts only while the feed is fresh: a request for the feed that was sent at most
`max_staleness` ago has been answered, so that everything committed before it was sent is known. And an answer of the
authority counts only if the feed told nothing about it between question and answer, as nobody knows which was first.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from weakref import WeakSet

from ostiary.core.endings import Changed, Ended, EndedMany, Entry, Lost
from ostiary.sdk.verifier.heard import Heard, Verdict
from ostiary.sdk.verifier.memory import NEVER, Known, Memory


@dataclass(frozen=True, slots=True)
class Bounds:
    """All in seconds, but for the last.

    Attributes:
        max_staleness: how old the feed may be for memory to answer, and a question for its answer to count.
        remember: how long a session is remembered without being asked about again.
        maximum: sessions remembered.
    """

    max_staleness: float = 5.0
    remember: float = 60.0
    maximum: int = 100_000


class Question:
    """A question under way: for as long as anybody holds it, as its answer may be used until then."""

    def __init__(self, sent: float) -> None:
        """Sent at a moment of the verifier's clock."""
        self.sent = sent
        self.heard = Heard()


class Knowledge:
    """Memory, how fresh the feed is, and the questions under way."""

    def __init__(self, bounds: Bounds) -> None:
        """Knows nothing, and may say nothing."""
        self.bounds = bounds
        self.memory = Memory(bounds.maximum)
        self.fresh_until = -NEVER  # by the verifier's clock
        self._follows = False  # whether everything that happens now will be told
        self._questions: WeakSet[Question] = WeakSet()
        self._told: tuple[datetime, float] | None = None  # the server's clock, and when that was asked for

    # Answering from memory.

    def recall(self, session_id: str, now: float) -> Known | None:
        """What is known of a session and may be said at `now`."""
        known = self.memory.get(session_id)
        return known if known is not None and now < known.until and now < self.fresh_until else None

    def recall_token(self, session_id: str, digest: bytes, now: float) -> Known | None:
        """The same, to the holder of the session's token."""
        known = self.recall(session_id, now)
        return known if known is not None and hmac.compare_digest(known.digest, digest) else None

    # Asking.

    def ask(self, now: float) -> Question:
        """Note that a question is about to be sent."""
        question = Question(now)
        self._questions.add(question)
        return question

    def verdict(
        self,
        question: Question,
        now: float,
        user_id: str,
        session_id: str | None,
        created_at: datetime | None,
        token_id: str | None,
    ) -> Verdict | Ended:
        """What a positive answer is worth at `now`."""
        if now - question.sent > self.bounds.max_staleness:
            return Verdict.DOUBTFUL
        return question.heard.verdict(user_id, session_id, created_at, token_id)

    def learn(self, known: Known, question: Question, remaining: float) -> None:
        """Remember what a sound answer said. `remaining` seconds count from when the question was sent."""
        if not self._follows:
            return  # an ending that nobody will tell of could be missed
        known.until = question.sent + min(self.bounds.remember, remaining)
        half = question.sent + self.bounds.remember / 2
        known.renew_at = half if half < known.until else NEVER
        self.memory.keep(known)

    # Hearing.

    def hear(self, entry: Entry) -> Known | None:
        """Apply an entry of the feed. What was known of the one session that it ended."""
        for question in self._questions:
            question.heard.add(entry)
        if isinstance(entry, Ended):
            return self.memory.forget(entry.session_id)
        if isinstance(entry, EndedMany) and entry.user_id is not None:
            self.memory.forget_user(entry.user_id, entry.cut_off)
        elif isinstance(entry, EndedMany):
            self.memory.forget_all(entry.cut_off)
        elif isinstance(entry, Changed):
            if entry.session_id is not None:
                self.memory.forget(entry.session_id)
            if entry.user_id is not None:
                self.memory.forget_user(entry.user_id)
        else:
            self.memory.forget_all()
        return None

    def begin(self, sent: float, time: datetime) -> None:
        """The first heartbeat of a request without a position: what was before is not told, what comes is."""
        self.hear(Lost())
        self._follows = True
        self.beat(sent, time)

    def beat(self, sent: float, time: datetime) -> None:
        """The first heartbeat of a request that was sent at `sent`; the server's clock showed `time` after that."""
        self.fresh_until = max(self.fresh_until, sent + self.bounds.max_staleness)
        self._told = time, sent

    def is_fresh(self, now: float) -> bool:
        """Whether memory may answer."""
        return now < self.fresh_until

    def server_time(self, now: float) -> datetime | None:
        """The server's clock at `now`, or a little later than it is; None before the first heartbeat."""
        return self._told[0] + timedelta(seconds=now - self._told[1]) if self._told else None
