"""What a verifier may say, under random interleavings of questions, answers, endings, the feed, its cuts, and time.

The world below is what the authority and its feed promise, and no more: a row is read some time after the question was
sent; a poll of the feed knows what was committed before it, and begins after its request; messages take as long as they
like. The machine asks memory about every session after every step. That it can fail is proven with rules left out.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ostiary.core.endings import Changed, Ended, EndedMany, Entry, Lost
from ostiary.sdk.verifier.heard import Heard, Verdict
from ostiary.sdk.verifier.knowledge import Bounds, Knowledge, Question
from ostiary.sdk.verifier.memory import NEVER, Known, Memory
from ostiary.sdk.verifier.verified import packed

EPOCH = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
AHEAD = timedelta(days=-400)  # the server's clock against the verifier's: it must not matter
STALENESS = 5.0
USERS = ("user_a", "user_b")


def at(moment: float) -> datetime:
    """The server's clock."""
    return EPOCH + AHEAD + timedelta(seconds=moment)


def row(session_id: str, user_id: str = "user_a", created: float = 0.0, digest: bytes = b"d") -> Known:
    times = packed(at(created), at(created + 1e6), at(created))
    return Known(session_id, user_id, None, (), "browser", "default", None, (), None, times, digest, 0.0, NEVER)


@dataclass
class Row:
    user_id: str
    created: float
    ended: float | None = None
    idle_at: float = NEVER
    secret: int = 0  # of this number: a renewal makes another one
    changed: float | None = None


@dataclass
class Flight:
    question: Question
    session_id: str
    secret: int
    read: tuple[bool, float] | None = None  # live, and the seconds that remained


@dataclass
class Request:
    sent: float
    after: int | None  # entries that it has been told
    polls: list[tuple[int, int, float]] = field(default_factory=list)  # from, to, when


class World:
    """One authority, one verifier, and whatever the dice say."""

    def __init__(self, make: type[Knowledge], seed: int) -> None:
        self.dice = random.Random(seed)
        self.now = 1000.0
        self.known = make(Bounds(STALENESS, remember=60.0, maximum=50))
        self.rows: dict[str, Row] = {}
        self.trail: list[Entry] = []
        self.flights: list[Flight] = []
        self.request: Request | None = None
        self.position: int | None = None
        self.applied: set[str] = set()  # sessions whose ending the verifier was told

    # The authority.

    def start(self) -> None:
        user, lifetime = self.dice.choice(USERS), self.dice.choice([3.0, 30.0, 1e6])
        if len(self.rows) < 6:
            self.rows[f"s{len(self.rows)}"] = Row(user, self.now, idle_at=self.now + lifetime)

    def end(self) -> None:
        number = self.dice.randrange(6)
        one = self.rows.get(f"s{number}")
        if one is not None and one.ended is None:
            one.ended = self.now
            self.trail.append(Ended(f"s{number}", one.user_id, "user", at(self.now)))

    def end_many(self) -> None:
        user = self.dice.choice([*USERS, None])
        live = [one for one in self.rows.values() if one.ended is None and user in (None, one.user_id)]
        if live:
            for one in live:
                one.ended = self.now
            self.trail.append(EndedMany(user, max(at(one.created) for one in live), len(live)))

    def renew(self) -> None:
        number = self.dice.randrange(6)
        one = self.rows.get(f"s{number}")
        if one is not None and one.ended is None:
            one.secret += 1
            one.changed = self.now
            self.trail.append(Changed(session_id=f"s{number}"))

    # Questions.

    def ask(self) -> None:
        number = self.dice.randrange(6)
        one = self.rows.get(f"s{number}")
        if one is not None and len(self.flights) < 3:
            self.flights.append(Flight(self.known.ask(self.now), f"s{number}", one.secret))

    def read(self) -> None:
        number = self.dice.randrange(3)
        if number < len(self.flights) and self.flights[number].read is None:
            flight = self.flights[number]
            one = self.rows[flight.session_id]
            live = one.ended is None and self.now < one.idle_at and one.secret == flight.secret
            flight.read = live, one.idle_at - self.now

    def answer(self) -> None:
        number = self.dice.randrange(3)
        if number >= len(self.flights) or self.flights[number].read is None:
            return
        flight = self.flights.pop(number)
        assert flight.read is not None
        live, remaining = flight.read
        if not live:
            return
        one = self.rows[flight.session_id]
        verdict = self.known.verdict(flight.question, self.now, one.user_id, flight.session_id, at(one.created), None)
        if verdict is Verdict.SOUND:
            self.accept(flight.session_id)
            found = row(flight.session_id, one.user_id, one.created, b"%d" % flight.secret)
            self.known.learn(found, flight.question, remaining)

    # The feed.

    def request_feed(self) -> None:
        if self.request is None:
            self.request = Request(self.now, self.position)

    def poll(self) -> None:
        if self.request is not None and len(self.request.polls) < 3:
            told = self.request.polls[-1][1] if self.request.polls else self.request.after
            self.request.polls.append((len(self.trail) if told is None else told, len(self.trail), self.now))

    def deliver(self) -> None:
        request = self.request
        if request is None or not request.polls:
            return
        start, stop, moment = request.polls.pop(0)
        for entry in self.trail[start:stop]:
            self.apply(entry)
        if self.position is None:
            self.known.begin(request.sent, at(moment))
        elif request.sent >= 0:
            self.known.beat(request.sent, at(moment))
        request.sent = -1.0  # only the first heartbeat of a request counts
        self.position = request.after = stop

    def cut(self) -> None:
        self.request = None

    def lose(self) -> None:
        """The server cannot resume: it says so, and goes on from now."""
        if self.request is not None and self.position is not None and not self.request.polls:
            self.known.hear(Lost())
            self.applied |= {name for name, one in self.rows.items() if one.ended is not None}
            self.position = self.request.after = len(self.trail)
            if self.request.sent >= 0:
                self.request.sent = -1.0

    def apply(self, entry: Entry) -> None:
        self.known.hear(entry)
        for name, one in self.rows.items():
            many = isinstance(entry, EndedMany) and entry.user_id in (None, one.user_id)
            if (isinstance(entry, Ended) and entry.session_id == name) or (
                many and one.ended is not None and at(one.created) <= entry.cut_off  # type: ignore[union-attr]
            ):
                self.applied.add(name)

    # Time.

    def pass_time(self) -> None:
        self.now += self.dice.choice([0.01, 0.4, 1.0, 4.0, 6.0, 31.0])

    # What must hold.

    def accept(self, session_id: str) -> None:
        one = self.rows[session_id]
        assert session_id not in self.applied, "accepted after its ending was applied"
        assert one.ended is None or self.now - one.ended <= STALENESS, "accepted beyond the bound"

    def memory_never_says_too_much(self) -> None:
        for session_id, one in self.rows.items():
            for secret in range(one.secret + 1):
                if self.known.recall_token(session_id, b"%d" % secret, self.now) is not None:
                    self.accept(session_id)
                    assert self.now < one.idle_at, "accepted beyond its limit"
                    old = secret != one.secret and one.changed is not None
                    assert not old or self.now - (one.changed or 0) <= STALENESS, "an old secret beyond the bound"


STEPS = {
    "start": 2, "end": 2, "end_many": 1, "renew": 1, "ask": 6, "read": 6, "answer": 6,
    "request_feed": 6, "poll": 6, "deliver": 6, "cut": 1, "lose": 1, "pass_time": 6,
}  # fmt: skip


def walk(make: type[Knowledge], seed: int, steps: int = 300) -> None:
    world = World(make, seed)
    for step in world.dice.choices(list(STEPS), list(STEPS.values()), k=steps):
        getattr(world, step)()
        world.memory_never_says_too_much()


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**64 - 1))
def test_no_interleaving_accepts_too_long(seed: int) -> None:
    walk(Knowledge, seed)


class ForgetsFlights(Knowledge):
    """An answer counts whatever the feed told meanwhile."""

    def verdict(self, question, now, *who):
        question.heard = Heard()
        return super().verdict(question, now, *who)


class CountsFromTheAnswer(Knowledge):
    """Fresh since a heartbeat arrived, not since it was asked for."""

    moment = 0.0

    def beat(self, sent: float, time: datetime) -> None:
        super().beat((time - at(0)).total_seconds() + 2.0, time)


class RemembersTooLong(Knowledge):
    """The limits count from the answer."""

    def learn(self, known: Known, question: Question, remaining: float) -> None:
        super().learn(known, question, remaining + 1.0)


class HearsNothing(Knowledge):
    """Endings do not evict."""

    def hear(self, entry: Entry) -> None:
        if isinstance(entry, Lost):
            super().hear(entry)


class KeepsWithoutFeed(Knowledge):
    """Remembers before it follows."""

    def begin(self, sent: float, time: datetime) -> None:
        self.beat(sent, time)

    def learn(self, known: Known, question: Question, remaining: float) -> None:
        self._follows = True
        super().learn(known, question, remaining)


@pytest.mark.parametrize(
    "broken", [ForgetsFlights, CountsFromTheAnswer, RemembersTooLong, HearsNothing, KeepsWithoutFeed]
)
def test_each_rule_is_needed(broken: type[Knowledge]) -> None:
    with pytest.raises(AssertionError):
        for seed in range(2000):
            walk(broken, seed)


# Memory.


def test_memory_is_bounded_and_drops_the_oldest() -> None:
    memory = Memory(100)
    for number in range(1000):
        memory.keep(row(f"s{number}", f"u{number % 7}"))
        assert len(memory) <= 100
        # A full one gives up a sixteenth at once and no more: what is forgotten is asked about again.
        assert len(memory) > 100 - 100 // 16 or number < 100
    assert memory.get("s999") is not None and memory.get("s0") is None


@pytest.mark.parametrize("maximum", [1, 2, 15])
def test_a_small_memory_gives_up_one_at_a_time(maximum: int) -> None:
    memory = Memory(maximum)
    for number in range(40):
        memory.keep(row(f"s{number}", "u"))
        assert len(memory) == min(maximum, number + 1)


def test_a_user_is_forgotten_with_all_sessions_up_to_the_cut_off() -> None:
    memory = Memory(100)
    for number in range(10):
        memory.keep(row(f"a{number}", "user_a", created=number))
        memory.keep(row(f"b{number}", "user_b", created=number))
    memory.forget_user("user_a", at(4))
    assert [f"a{number}" for number in range(10) if memory.get(f"a{number}")] == [f"a{n}" for n in range(5, 10)]
    memory.forget_user("user_a")
    assert len(memory) == 10
    memory.forget_all(at(8))
    assert [memory.get(f"b{number}") is not None for number in (8, 9)] == [False, True]
    memory.forget_all()
    assert len(memory) == 0


def test_what_has_expired_makes_room() -> None:
    memory = Memory(100)
    for number in range(10):
        memory.keep(row(f"s{number}"))
        memory.get(f"s{number}").until = float(number)  # type: ignore[union-attr]
    memory.forget_expired(4.0)
    assert len(memory) == 5


def test_another_secret_of_a_known_session_is_not_known() -> None:
    known = Knowledge(Bounds())
    known.begin(0.0, at(0))
    known.learn(row("s", digest=b"x" * 32), known.ask(0.0), 1e6)
    assert known.recall_token("s", b"x" * 32, 1.0) is not None
    assert known.recall_token("s", b"y" * 32, 1.0) is None
    assert known.recall_token("s", b"", 1.0) is None


def test_an_access_token_does_not_open_a_session_for_an_empty_digest() -> None:
    known = Knowledge(Bounds())
    known.begin(0.0, at(0))
    known.learn(row("s", digest=b""), known.ask(0.0), 1e6)
    assert known.recall("s", 1.0) is not None
    assert known.recall_token("s", b"x" * 32, 1.0) is None


def test_the_servers_clock_is_followed_and_never_believed() -> None:
    known = Knowledge(Bounds())
    assert known.server_time(0.0) is None
    known.begin(100.0, at(7))
    assert known.server_time(130.0) == at(37)
    known.beat(140.0, at(-5000))  # it was set back
    assert known.is_fresh(144.9) and not known.is_fresh(145.0)


def test_a_learned_session_is_renewed_half_way_unless_its_limit_is_nearer() -> None:
    known = Knowledge(Bounds(remember=60.0))
    known.begin(0.0, at(0))
    for remaining, until, renew_at in ((1e6, 60.0, 30.0), (40.0, 40.0, 30.0), (20.0, 20.0, NEVER)):
        one = row("s")
        known.learn(one, known.ask(0.0), remaining)
        assert (one.until, one.renew_at) == (until, renew_at)
