"""Passwords: argon2id, away from the event loop, at the same price for users who exist and users who do not."""

from __future__ import annotations

import asyncio
import os
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

PARALLELISM: Final = 4  # lanes; RFC 9106 4, second recommended option
# As many as this process may use cores, which may be fewer than there are: each takes `memory_kib`, and two on one core
# cost 2 to 5 % more processor time each (bench).
AT_ONCE: Final = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Passwords:
    """Hashes and verifies."""

    def __init__(self, memory_kib: int, time_cost: int) -> None:
        """The parameters of new hashes; old ones are verified with their own and improved at the next sign-in."""
        self._hasher = PasswordHasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=PARALLELISM)
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        """The encoded argon2id hash of a new password."""
        async with self._turns:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, stored: str | None, password: str) -> bool:
        """True if it is the password. For an unknown user (`None`) it works as long, and is False (ASVS 5.0 6.3.8)."""
        if stored is None:
            self._nobody = self._nobody or await self.hash("the password of nobody")
        async with self._turns:
            right = await asyncio.to_thread(self._verify, stored or self._nobody or "", password)
        return right and stored is not None

    def is_outdated(self, stored: str) -> bool:
        """True if the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False
