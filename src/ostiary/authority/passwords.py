"""Passwords: argon2id, away from the event loop, at the same price for users who exist and users who do not."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ostiary.errors import StoreUnavailable

PARALLELISM: Final = 4  # lanes; RFC 9106 4, second recommended option
# As many as this process may use cores, which may be fewer than there are: each takes `memory_kib`, and two on one core
# cost 2 to 5 % more processor time each (bench).
AT_ONCE: Final = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

MAXIMUM_WAIT: Final = 10.0  # seconds for a turn; who waits longer is answered 503, and may come again
MAXIMUM_WAITING: Final = 256  # passwords that wait in this process; one more is answered 503 at once


class Passwords:
    """Hashes and verifies."""

    def __init__(self, memory_kib: int, time_cost: int) -> None:
        """The parameters of new hashes; old ones are verified with their own and improved at the next sign-in."""
        self._hasher = PasswordHasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=PARALLELISM)
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        """The encoded argon2id hash of a new password.

        Raises:
            StoreUnavailable: too many wait.
        """
        async with self._turn():
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, stored: str | None, password: str, is_gone: Callable[[], bool] = bool) -> bool:
        """True if it is the password. For an unknown user (`None`) it works as long, and is False (ASVS 5.0 6.3.8).

        Raises:
            StoreUnavailable: too many wait, or who asked `is_gone` when it was their turn.
        """
        if stored is None:
            self._nobody = self._nobody or await self.hash("the password of nobody")
        async with self._turn():
            if is_gone():
                raise client_gone()
            right = await asyncio.to_thread(self._verify, stored or self._nobody or "", password)
        return right and stored is not None

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._waiting >= MAXIMUM_WAITING:
            raise busy()
        self._waiting += 1
        try:
            async with asyncio.timeout(MAXIMUM_WAIT):
                await self._turns.acquire()
        except TimeoutError:
            raise busy() from None
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._turns.release()

    def is_outdated(self, stored: str) -> bool:
        """True if the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


def busy() -> StoreUnavailable:
    """What is said where more passwords wait than are worth waiting for."""
    return StoreUnavailable(round(MAXIMUM_WAIT), cause="too many passwords wait to be hashed")


def client_gone() -> StoreUnavailable:
    """What nobody reads any more; the log does."""
    return StoreUnavailable(cause="the client hung up before its turn")
