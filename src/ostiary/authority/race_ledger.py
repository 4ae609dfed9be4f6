"""What the oracle of the races knows: of each session whether it may, or must, be refused by now."""

from __future__ import annotations

import contextlib
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from ostiary.authority.race_plans import Applied, Life
from ostiary.authority.results import Started
from ostiary.core.account import User

KEPT: Final = 300  # credentials that are asked about, ended ones too


@dataclass(eq=False)
class Held:
    """A token of a session, which a renewal replaces."""

    token: str
    life: Life
    is_doomed: bool = False
    is_dead: bool = False


@dataclass
class Outcome:
    """The outcome. `violations` says what was seen that must not be."""

    seed: int
    operations: int = 0
    accepted: int = 0
    refused: int = 0
    violations: list[str] = field(default_factory=list)


class Ledger:
    """Kept by `Races` as acts begin and are acknowledged."""

    def __init__(self, seed: int, dice: random.Random) -> None:
        """Nothing has begun."""
        self._dice = dice
        self._users: list[User] = []
        self._held: list[Held] = []
        self._lives: list[Life] = []
        self._endings: defaultdict[str, int] = defaultdict(int)  # of everything of a user, begun
        self._ended: defaultdict[str, int] = defaultdict(int)  # the same, acknowledged
        self._unsettled: defaultdict[str, int] = defaultdict(int)  # the same, under way
        self._changes: defaultdict[str, int] = defaultdict(int)  # of roles of a user, begun
        self._roles: dict[str, tuple[str, ...] | None] = {}  # of a user; None while a change is under way, or in doubt
        self._applied: list[Applied] = []  # plans that can be undone
        self._plans: list[str] = []
        self._planning: defaultdict[str, int] = defaultdict(int)  # plans of a user that choose sessions right now
        self._planned: defaultdict[str, int] = defaultdict(int)  # the same, begun
        self.outcome = Outcome(seed)

    def _keep(self, held: Held) -> None:
        self._held.append(held)
        if held.life not in self._lives[-KEPT:]:
            self._lives.append(held.life)
        if len(self._held) > KEPT:
            self._held.pop(self._dice.randrange(KEPT // 2))
        del self._lives[: -4 * KEPT]

    def _pins_of(self, user: User) -> tuple[bool, int]:
        return self._planning[user.id] > 0, self._planned[user.id]

    def _new_life(
        self, started: Started, user: User, endings: int, pinned: tuple[bool, int], *, in_doubt: bool
    ) -> Life:
        """A session that has just begun; what was under way meanwhile may concern it."""
        life = Life(started.session.id, user)
        life.is_doomed = in_doubt or endings != self._endings[user.id] or self._unsettled[user.id] > 0
        life.is_doomed |= pinned != (False, self._planned[user.id]) or self._planning[user.id] > 0
        return life

    @contextlib.contextmanager
    def _choosing(self, user: User) -> Iterator[None]:
        """While it lasts, what begins may be chosen or not."""
        self._planning[user.id] += 1
        self._planned[user.id] += 1
        try:
            yield
        finally:
            self._planning[user.id] -= 1

    def _lives_of(self, user: User) -> list[Life]:
        known = dict.fromkeys(self._lives) | dict.fromkeys(held.life for held in self._held)
        return [life for life in known if life.user is user]

    async def _end(self, user: User, act: Callable[[], Awaitable[object]], spare: Life | None = None) -> None:
        """An ending of everything of a user: what is there now is dead when it is acknowledged."""
        self._endings[user.id] += 1
        self._unsettled[user.id] += 1
        lives = [life for life in self._lives_of(user) if life is not spare]
        for life in lives:
            life.is_doomed = True
        try:
            await act()
            for life in lives:
                life.is_dead = True
            self._ended[user.id] += 1
        finally:
            self._unsettled[user.id] -= 1

    def _violated(self, what: str) -> None:
        self.outcome.violations.append(f"operation {self.outcome.operations}: {what}")
