"""The oracle of the random races can fail: it catches each of the faults that it is there for, put back in."""

from __future__ import annotations

import random

import pytest

from ostiary.authority import ending, races
from ostiary.authority.acting import Acting
from ostiary.authority.sessions import Sessions

# Few kinds of acts, so that a fault shows soon.
WEIGHTS = {
    "verify": 120, "start": 80, "renew": 5, "revoke": 20, "let_go": 25, "held_open": 60, "revoke_all": 30,
    "plan": 25, "undo": 30, "settle": 3,
}  # fmt: skip
ROUND, ROUNDS = 600, 40  # acts; a fault has to show within so many rounds


async def run(authority, make_authority, operator, monkeypatch, rounds: int) -> list[str]:
    monkeypatch.setattr(races, "WEIGHTS", WEIGHTS)
    monkeypatch.setattr(races, "CHECKING", 0.3)  # long sign-ins: more comes in between
    async with make_authority() as other:
        for _ in range(rounds):
            seed = random.randrange(2**32)
            print(f"seed {seed}")
            outcome = await races.Races([authority, other], seed, operator).run(ROUND)
            if outcome.violations:
                return outcome.violations
    return []


async def as_they_were(_self, _db, by, **_more):
    """P1: who acts is what they were when the request was read."""
    return by


async def nothing_finished(*_):
    """P2: an ending leaves what is suspended as it is, so that its undo brings it back."""


_start = Sessions.start


async def without_its_mark(self, user_id, *, began=None, **more):
    """P5: a sign-in does not compare what it saw at its first moment."""
    return await _start(self, user_id, **more)


async def test_nothing_is_violated(authority, make_authority, operator, monkeypatch):
    assert await run(authority, make_authority, operator, monkeypatch, 2) == []


@pytest.mark.parametrize(
    ("where", "name", "fault", "seen"),
    [
        (Acting, "caller_of_now", as_they_were, ("acted after its ending",)),
        # What came back is seen by whichever comes first: a question, or an act of its holder.
        (ending, "finish", nothing_finished, ("accepted after its ending", "acted after its ending")),
        (Sessions, "start", without_its_mark, ("survived an ending",)),
    ],
    ids=["P1", "P2", "P5"],
)
async def test_the_oracle_catches_a_fault_that_was_mended(
    authority, make_authority, operator, monkeypatch, where, name, fault, seen
):
    monkeypatch.setattr(where, name, fault)
    violations = await run(authority, make_authority, operator, monkeypatch, ROUNDS)
    assert any(words in one for one in violations for words in seen), violations[:3]
