"""A negative cache: retrying with one refused credential costs the authority nothing for a moment."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from ostiary.contract.problem import Problem
from ostiary.core.endings import Ended
from ostiary.errors import SessionRevoked, Unauthenticated
from ostiary.sdk.failures import from_problem

SECONDS: Final = 10.0  # that a refusal is remembered; what was refused works again only if an ending was undone
MAXIMUM: Final = 10_000  # refusals; beyond it the oldest are asked about again


class Refusals:
    """By the digest of the credential."""

    def __init__(self) -> None:
        """None yet."""
        self._known: dict[bytes, tuple[float, dict[str, Any]]] = {}
        self._of_session: dict[str, set[bytes]] = {}  # not kept longer than the refusals themselves

    def keep(self, digest: bytes, problem: dict[str, Any], now: float, session_id: str) -> None:
        """Remember one. `session_id` is what the credential is of, by its own words; "" if nobody knows."""
        self._known.pop(digest, None)
        if len(self._known) >= MAXIMUM:
            for oldest in list(self._known)[: MAXIMUM // 10]:
                del self._known[oldest]
            kept = {name: known for name, all_of in self._of_session.items() if (known := all_of & self._known.keys())}
            self._of_session = kept
        self._known[digest] = now + SECONDS, problem
        if session_id:
            self._of_session.setdefault(session_id, set()).add(digest)

    def forget(self, session_id: str) -> None:
        """The session may work again."""
        for digest in self._of_session.pop(session_id, ()):
            self._known.pop(digest, None)

    def get(self, digest: bytes, now: float) -> Exception | None:
        """The refusal of a credential, if it was refused a moment ago."""
        found = self._known.get(digest)
        if found is None or now >= found[0]:
            return None
        return refused(found[1])


def problem_of(error: Problem) -> dict[str, Any]:
    """Its members as they travelled, to make an error of each time."""
    members: dict[str, Any] = msgspec.to_builtins(error)
    return {name: value for name, value in members.items() if value is not None}


def refused(problem: dict[str, Any]) -> Exception:
    """The error that the holder of the credential gets."""
    error = from_problem(401, problem, None)
    return error if isinstance(error, Unauthenticated) else Unauthenticated(error.message)


def refusal_of(ended: Ended) -> dict[str, Any]:
    """The refusal that follows from an ending in the feed, as the authority words it."""
    until = {} if ended.suspended_until is None else {"suspended_until": ended.suspended_until.isoformat()}
    return {"code": SessionRevoked.code, "revoked_at": ended.at.isoformat(), "reason": ended.reason or "", **until}
