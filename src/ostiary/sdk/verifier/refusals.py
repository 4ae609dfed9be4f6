"""Refusals, remembered for a moment: knocking again and again with one bad credential costs the authority nothing."""

from __future__ import annotations

from typing import Any, Final

from ostiary.errors import Unauthenticated
from ostiary.sdk.failures import from_problem

SECONDS: Final = 10.0  # that a refusal is remembered; nothing that was refused ever works again
MAXIMUM: Final = 10_000  # refusals; beyond it the oldest are asked about again


class Refusals:
    """By the digest of the credential."""

    def __init__(self) -> None:
        """None yet."""
        self._known: dict[bytes, tuple[float, dict[str, Any]]] = {}

    def keep(self, digest: bytes, problem: dict[str, Any], now: float) -> None:
        """Remember one."""
        self._known.pop(digest, None)
        if len(self._known) >= MAXIMUM:
            for oldest in list(self._known)[: MAXIMUM // 10]:
                del self._known[oldest]
        self._known[digest] = now + SECONDS, problem

    def get(self, digest: bytes, now: float) -> Exception | None:
        """The refusal of a credential, if it was refused a moment ago."""
        found = self._known.get(digest)
        if found is None or now >= found[0]:
            return None
        return refused(found[1])


def refused(problem: dict[str, Any]) -> Exception:
    """The error that the holder of the credential gets."""
    error = from_problem(401, problem, None)
    return error if isinstance(error, Unauthenticated) else Unauthenticated(error.message)
