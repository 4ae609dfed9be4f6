"""The acts on the local directory of people. All of them are an administrator's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ostiary.authority.acting import Acting, Acts, act
from ostiary.authority.ending import end_tokens, end_user
from ostiary.authority.passwords import Passwords
from ostiary.authority.results import RevokedMany, counted
from ostiary.core.account import User, check_email, check_password, check_roles, check_username
from ostiary.core.caller import Caller
from ostiary.core.event import Detail, EventKind
from ostiary.core.needs import admin, power
from ostiary.core.session import Reason
from ostiary.core.token import new_id
from ostiary.errors import Conflict, UserNotFound
from ostiary.errors.translatable import translatable
from ostiary.storage import accounts, cli_tokens, events, sessions, subjects
from ostiary.storage.database import Connection
from ostiary.storage.leases import ADMINISTRATORS


@dataclass(frozen=True, slots=True)
class Overview:
    """A user, and how many sessions and CLI tokens of theirs work now."""

    user: User
    sessions: int
    tokens: int


class Accounts(Acts):
    """Add, find, list, disable, enable, set the password and the roles, delete."""

    def __init__(self, acting: Acting, passwords: Passwords) -> None:
        """Part of an `Authority`."""
        super().__init__(acting)
        self._passwords = passwords

    async def add(
        self,
        username: str,
        password: str,
        *,
        by: Caller,
        email: str | None = None,
        roles: Sequence[str] = ("member",),
    ) -> User:
        """Add a user.

        Raises:
            NotAllowed: the caller is not an administrator.
            ReauthenticationRequired: the sign-in is too old to give power.
            InvalidRequest: name, password, email or a role cannot be.
            Conflict: the name is taken, whatever its case.
        """
        self.acting.ensure(by, admin, power)
        user = User(
            new_id("user"),
            check_username(username),
            check_email(email),
            check_roles(list(roles)),
            self._clock(),
        )
        check_password(password, username)
        return await self._add(user, await self._passwords.hash(password), by=by)

    @act(admin, power)
    async def _add(self, db: Connection, user: User, hashed: str, *, by: Caller) -> User:
        return await self.add_within(db, user, hashed, by)

    async def add_within(self, db: Connection, user: User, hashed: str, by: Caller) -> User:
        """`add` of what was checked, inside a transaction that is open already."""
        if not await accounts.add(db, user, hashed):
            raise Conflict(
                translatable('user "%(username)s" exists already', username=user.username or ""), field="username"
            )
        await self._tell(db, "user.added", user, by, {"roles": " ".join(user.roles)})
        return user

    async def hash_new(self, username: str, password: str) -> str:
        """The hash of a new password that may be one.

        Raises:
            InvalidRequest: it may not.
        """
        return await self._passwords.hash(check_password(password, username))

    async def find(self, username: str, *, by: Caller) -> Overview:
        """One user.

        Raises:
            NotAllowed: the caller is not an administrator.
            UserNotFound: no such user.
        """
        by.ensure_admin()
        now = self._clock()
        async with self.database.reading() as db:
            user = (await _account(db, username)).user
            live = await sessions.count_live(db, user.id, self.policy, now)
            return Overview(user, live, await cli_tokens.count_live(db, user.id, now))

    async def list(self, *, by: Caller, after: str | None = None, limit: int = 100) -> tuple[list[User], str | None]:
        """One page by name, and the name to go on after while there is more.

        Raises:
            NotAllowed: the caller is not an administrator.
        """
        by.ensure_admin()
        async with self.database.reading() as db:
            found = await accounts.list_all(db, after, limit + 1)
        return found[:limit], found[limit - 1].username if len(found) > limit else None

    async def names(self, user_ids: set[str]) -> dict[str, str]:
        """The usernames of these ids, where we know them: to say whom a session or an event is about."""
        async with self.database.reading() as db:
            return await accounts.names(db, user_ids)

    @act(admin, power, turn=ADMINISTRATORS)
    async def disable(self, db: Connection, username: str, *, by: Caller) -> RevokedMany:
        """Disable a user and end everything of theirs, in one transaction (ASVS 5.0 7.4.2).

        Raises:
            NotAllowed: the caller is not an administrator.
            ReauthenticationRequired: the sign-in is too old to take power.
            UserNotFound: no such user.
            Conflict: the last administrator who could sign in.
        """
        user = (await _account(db, username)).user
        ended = await self._end_everything(db, user, "account_disabled", by)
        if user.disabled_at is None:
            await accounts.set_disabled(db, user.id, self._clock())
            await self._ensure_admin_left(db, user)
            await self._tell(db, "user.disabled", user, by)
        return ended

    @act(admin, power)
    async def enable(self, db: Connection, username: str, *, by: Caller) -> User:
        """Let a disabled user sign in again; what was ended stays ended.

        Raises:
            NotAllowed: the caller is not an administrator.
            ReauthenticationRequired: the sign-in is too old to give power.
            UserNotFound: no such user.
        """
        user = (await _account(db, username)).user
        if user.disabled_at is not None:
            await accounts.set_disabled(db, user.id, None)
            await self._tell(db, "user.enabled", user, by)
        return replace(user, disabled_at=None)

    @act(admin, power, turn=ADMINISTRATORS)
    async def delete(self, db: Connection, username: str, *, by: Caller) -> RevokedMany:
        """Remove a user and end everything of theirs; the history of their sessions stays.

        Raises:
            NotAllowed: the caller is not an administrator.
            ReauthenticationRequired: the sign-in is too old to take power.
            UserNotFound: no such user.
            Conflict: the last administrator who could sign in.
        """
        user = (await _account(db, username)).user
        ended = await self._end_everything(db, user, "account_disabled", by)
        await accounts.remove(db, user.id)
        await self._ensure_admin_left(db, user)
        await self._tell(db, "user.deleted", user, by, {"username": user.username})
        return ended

    async def set_password(self, username: str, password: str, *, by: Caller) -> RevokedMany:
        """Give a user a new password; every session of theirs ends (but the caller's own).

        Raises:
            NotAllowed: the caller is not an administrator.
            ReauthenticationRequired: the sign-in is too old to give power.
            UserNotFound: no such user.
            InvalidRequest: the password may not be one.
        """
        self.acting.ensure(by, admin, power)
        return await self._set_password(username, await self.hash_new(username, password), by=by)

    @act(admin, power)
    async def _set_password(self, db: Connection, username: str, hashed: str, *, by: Caller) -> RevokedMany:
        user = (await _account(db, username)).user
        now = self._clock()
        ended = await end_user(db, user.id, reason="password_change", by=by, now=now, spare=by.session)
        await accounts.set_password(db, user.id, old=None, new=hashed, now=now)
        await self._tell(db, "user.password_changed", user, by)
        return RevokedMany(len(ended), 0, await cli_tokens.count_live(db, user.id, now))

    @act(admin, power, turn=ADMINISTRATORS)
    async def set_roles(self, db: Connection, username: str, roles: Sequence[str], *, by: Caller) -> User:
        """Replace a user's roles; they hold from the next request, as roles are read with every verification.

        Raises:
            NotAllowed: the caller is not an administrator.
            ReauthenticationRequired: the sign-in is too old to give power.
            UserNotFound: no such user.
            InvalidRequest: a role that does not exist.
            Conflict: the last administrator who could sign in.
        """
        wanted = check_roles(list(roles))
        # Their sessions say the roles, so starts wait; the account is looked at again once nobody else can change it.
        await subjects.hold(db, (await _account(db, username)).user.id)
        user = (await _account(db, username)).user
        if wanted != user.roles:
            await accounts.set_roles(db, user.id, wanted, self._clock())
            await self._ensure_admin_left(db, user)
            detail: Detail = {"before": " ".join(user.roles), "after": " ".join(wanted)}
            await self._tell(db, "user.roles_changed", user, by, detail)
        return replace(user, roles=wanted)

    async def _end_everything(self, db: Connection, user: User, reason: Reason, by: Caller) -> RevokedMany:
        now = self._clock()
        ended = await end_user(db, user.id, reason=reason, by=by, now=now)
        tokens = await end_tokens(db, user.id, by=by, now=now)
        count, devices = counted(ended, self.policy, now)
        return RevokedMany(count, len(tokens), devices=devices)

    async def _ensure_admin_left(self, db: Connection, user: User) -> None:
        if "admin" in user.roles and not await accounts.enabled_admins(db):
            raise Conflict("this is the last administrator who can sign in; make another one first")

    async def _tell(
        self, db: Connection, kind: EventKind, user: User, by: Caller, detail: Detail | None = None
    ) -> None:
        await events.add(db, [by.did(kind, self._clock(), user_id=user.id, detail=detail or {})])


async def _account(db: Connection, username: str) -> accounts.Account:
    account = await accounts.named(db, username)
    if account is None:
        raise UserNotFound(username)
    return account
