"""An administrator's acts on anybody's sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ostiary.authority.acting import Acting, Acts, act
from ostiary.authority.ending import end_user
from ostiary.authority.opening import check_why
from ostiary.authority.results import Beginning, Revoked, Started
from ostiary.authority.sessions import Sessions
from ostiary.core.caller import Caller
from ostiary.core.client import Client
from ostiary.core.duration import format_duration
from ostiary.core.needs import admin, fresh, power
from ostiary.core.selector import Selector, Sort
from ostiary.core.session import Reason, Session
from ostiary.core.tree import Extent
from ostiary.errors import Conflict, InvalidRequest, SessionNotFound, UserNotFound
from ostiary.storage import accounts, cli_tokens, selecting, sessions, subjects
from ostiary.storage.database import Connection

MAXIMUM_PAGE: Final = 1000  # sessions in one answer


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a search; `after` is the key of its last session while there is more. `usernames`: those we know."""

    sessions: Sequence[Session]
    usernames: dict[str, str]
    count: int
    after: tuple[datetime, str] | None


class Administration(Acts):
    """Search, mint, revoke, log out."""

    def __init__(self, acting: Acting, own: Sessions) -> None:
        """Part of an `Authority`; `own` are the acts of a user on their own sessions."""
        super().__init__(acting)
        self._own = own

    async def search(
        self,
        where: Selector = Selector(),  # noqa: B008 - frozen
        *,
        by: Caller,
        sort: Sort = "-created_at",
        after: tuple[datetime, str] | None = None,
        limit: int = 100,
    ) -> Page:
        """One page of anybody's sessions, and how many there are on all pages.

        Raises:
            NotAllowed: the caller is not an administrator.
            UserNotFound: the filter `user` names nobody.
            InvalidRequest: the filter `q` is the beginning of too many names.
        """
        by.ensure_admin()
        now = self._clock()
        async with self.database.reading_through() as db:
            await selecting.prepare(db)
            chosen = await selecting.chosen(db, where, self.policy, now)
            found = await selecting.page(db, chosen, sort=sort, after=after, limit=limit + 1)
            count = len(found) if after is None and len(found) <= limit else await selecting.count(db, chosen)
            if count == 0 and where.user is not None:
                await self._ensure_known(db, where.user)
            page = found[:limit]
            names = await accounts.names(db, {session.user_id for session in page})
        key = sort.removeprefix("-")
        more = (getattr(page[-1], key), page[-1].id) if len(found) > limit else None
        return Page(page, names, count, more)

    async def find(self, session_id: str, *, by: Caller) -> tuple[Session, dict[str, str]]:
        """One session of anybody, and its user's name by id where we know it.

        Raises:
            NotAllowed: the caller is not an administrator.
            SessionNotFound: no such session.
        """
        by.ensure_admin()
        async with self.database.reading() as db:
            session = await sessions.find(db, session_id)
            if session is None:
                raise SessionNotFound
            return session, await accounts.names(db, {session.user_id})

    async def _ensure_known(self, db: Connection, user: str) -> None:
        if await accounts.named(db, user) is None and not await selecting.exists(db, user):
            raise UserNotFound(user)

    async def mint(
        self,
        username: str,
        *,
        by: Caller,
        expire_after: timedelta,
        label: str | None = None,
        application_id: str | None = None,
        reason: str | None = None,
    ) -> Started:
        """Make a session for a user without their sign-in; the issuer is recorded.

        Args:
            reason: why, for the audit trail.

        Raises:
            NotAllowed: the caller is not an administrator, or is one by a session that was made in this way.
            ReauthenticationRequired: the sign-in is too old to give power.
            UserNotFound: no such user, or a disabled one.
            Conflict: everything of the user was ended meanwhile.
            InvalidRequest: `expire_after` is not positive or exceeds the policy's lifetime; nothing was made.
        """
        self.acting.ensure(by, admin, power)
        if not timedelta(0) < expire_after <= self.policy.lifetime:
            most = format_duration(self.policy.lifetime)
            raise InvalidRequest("expire_after", f"must be positive and at most {most}, the policy's lifetime")
        began = await self._begin(username)  # before it waits for its turn
        return await self._mint(began, username, expire_after, label, application_id, check_why(reason), by=by)

    async def _begin(self, username: str) -> Beginning:
        async with self.database.reading() as db:
            account = await accounts.named(db, username)
            if account is None:
                raise UserNotFound(username)
            return Beginning(account.user.id, await subjects.cut_off(db, account.user.id))

    @act(admin, power, with_user=True)
    async def _mint(
        self,
        db: Connection,
        began: Beginning,
        username: str,
        lifetime: timedelta,
        label: str | None,
        application_id: str | None,
        reason: str | None,
        *,
        by: Caller,
    ) -> Started:
        by.ensure_may_mint(await self._origin(db, by))
        if await subjects.hold(db, began.user_id) != began.cut_off:
            raise Conflict("everything of this user was ended meanwhile; mint again if it is still wanted")
        account = await accounts.find_by_id(db, began.user_id)
        if account is None or account.user.disabled_at is not None:
            raise UserNotFound(username)
        return await self._own.start_within(
            db,
            account.user.id,
            client=Client(request_id=by.client.request_id),  # not the issuer's address: nobody has used it yet
            kind="service",
            lifetime=lifetime,
            label=label,
            application_id=application_id,
            by=by,
            reason=reason,
        )

    async def _origin(self, db: Connection, by: Caller) -> Session | None:
        """The session that the caller's credential goes back to."""
        session, token = by.session, by.token
        while token is not None and session is None:
            if token.session_id is not None:
                session = await sessions.find(db, token.session_id)
                break
            made = token.minted_by or ""
            found = await cli_tokens.find_any(db, made) if made.startswith("ost_") else None
            token = found[0] if found else None
        return session

    @act(admin, fresh, power)
    async def revoke(
        self,
        db: Connection,
        session_id: str,
        *,
        by: Caller,
        reason: Reason = "admin",
        extent: Extent = "session",
        standing: bool = False,
    ) -> Revoked:
        """End one session of anybody; how far, as `Sessions.revoke`.

        Raises:
            NotAllowed: the caller is not an administrator.
            SessionNotFound: no such session.
            ReauthenticationRequired: the sign-in is too old for the policy.
        """
        return await self._own.revoke_within(db, session_id, None, by, reason, extent, standing=standing)

    @act(admin, power)
    async def log_out(self, db: Connection, username: str, *, by: Caller) -> list[Session]:
        """End every session of a user; returns all of theirs that somebody ended, earlier ones with their first time.

        Oldest first. Of more than `MAXIMUM_PAGE` one more than that, the last that ended first: so a door can say so.

        Raises:
            NotAllowed: the caller is not an administrator.
            ReauthenticationRequired: the sign-in is too old to take power.
            UserNotFound: no such user.
        """
        account = await accounts.named(db, username)
        if account is None:
            raise UserNotFound(username)
        now = self._clock()
        await end_user(db, account.user.id, reason="admin", by=by, now=now)
        return await sessions.list_revoked(db, account.user.id, MAXIMUM_PAGE)
