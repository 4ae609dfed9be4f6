"""New keys in the place of those that sign: when an administrator says so, and on a schedule."""

from __future__ import annotations

from datetime import timedelta

from ostiary.authority.acting import Acting, Acts, act
from ostiary.authority.oauth.keys import OVERLAP, Keys
from ostiary.core.caller import Caller
from ostiary.core.event import Detail
from ostiary.core.needs import admin, power
from ostiary.core.oauth.jws import ALGORITHM
from ostiary.errors import ConfigurationError, Conflict
from ostiary.storage import events, leases, signing_keys
from ostiary.storage.database import Connection
from ostiary.storage.signing_keys import StoredKey


class Rotation(Acts):
    """Rotate, now or when it is due."""

    def __init__(self, acting: Acting, keys: Keys, age: timedelta) -> None:
        """Part of an `OAuth`; `age` is the oldest that signing keys become."""
        super().__init__(acting)
        self._keys = keys
        self._age = age

    async def rotate(self, *, by: Caller, at_once: bool = False) -> list[str]:
        """Sign with new keys from now on. The old ones stay published for a day, and their private parts are forgotten.

        Args:
            at_once: the old keys are known to others: nothing that they signed is accepted any more, on any node
                within `keys.FRESH` seconds.

        Returns:
            The ids of the new keys.

        Raises:
            NotAllowed: the caller is not an administrator.
            ReauthenticationRequired: the sign-in is too old to take power.
            Conflict: there is no key to protect them with; says how to give one.
        """
        self.acting.ensure(by, admin, power)
        try:
            made = await self._keys.generate()
        except ConfigurationError as why:
            raise Conflict(why.message) from None
        await self._rotate(made, at_once, by=by)
        self._keys.forget()
        return [key.kid for key in made]

    async def rotate_if_due(self) -> bool:
        """Rotate keys that have grown too old; of several nodes one does it. Whether this one did.

        Where no keys were needed yet there are none, and none are made.
        """
        async with self.database.reading() as db:
            is_due = self._is_due(await signing_keys.published(db, self._clock()))
        if not is_due:
            return False
        done = await self._rotate_if_due(await self._keys.generate(), by=Caller.upkeep())
        self._keys.forget()
        return done

    @act(admin, power)
    async def _rotate(self, db: Connection, made: list[StoredKey], at_once: bool, *, by: Caller) -> None:
        await self._replace(db, made, at_once, by)

    @act(admin, power, turn=leases.KEYS)
    async def _rotate_if_due(self, db: Connection, made: list[StoredKey], *, by: Caller) -> bool:
        if not self._is_due(await signing_keys.published(db, self._clock())):
            return False  # another node was first
        await self._replace(db, made, False, by)
        return True

    def _is_due(self, known: list[StoredKey]) -> bool:
        signing = [key.created_at for key in known if key.alg == ALGORITHM and key.private_key]
        return bool(signing) and self._clock() - max(signing) >= self._age

    async def _replace(self, db: Connection, made: list[StoredKey], at_once: bool, by: Caller) -> None:
        now = self._clock()
        retired = await signing_keys.retire_all(db, now - OVERLAP if at_once else now)
        await signing_keys.remove_retired(db, now - OVERLAP)
        await signing_keys.add(db, made)
        kids = " ".join(key.kid for key in made)
        detail: Detail = {"keys": kids, "retired": " ".join(retired), "at_once": at_once}
        await events.add(db, [by.did("keys.rotated", now, detail=detail)])
