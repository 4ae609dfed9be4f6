"""The acts on sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from ostiary.authority.acting import Acting, act
from ostiary.authority.batch import Batch
from ostiary.authority.ending import end_sessions, end_tokens, end_user
from ostiary.authority.results import Revoked, RevokedMany, counted
from ostiary.authority.starting import Starting
from ostiary.core.caller import Caller
from ostiary.core.client import check_label
from ostiary.core.needs import fresh, scope
from ostiary.core.session import Reason, Revocation, Session
from ostiary.core.tree import Extent, is_sign_out
from ostiary.errors import NotAllowed, SessionNotFound
from ostiary.storage import cli_tokens, clients, events, sessions, tree
from ostiary.storage.database import Connection, in_transaction
from ostiary.storage.hot import ListedSession
from ostiary.storage.reader import Reader

MAXIMUM_LIST: Final = 1000  # sessions in one answer
LISTS_AT_ONCE: Final = 32  # users whose sessions are read by one query


class Sessions(Starting):
    """Start, renew; find, list, end."""

    def __init__(self, acting: Acting, reader: Reader) -> None:
        """Part of an `Authority`; `reader` reads what is asked for the most."""
        super().__init__(acting)
        policy, clock = acting.policy, acting.clock
        self._lists: Batch[Sequence[ListedSession]] = Batch(
            lambda user_ids: reader.lists(user_ids, policy, clock(), MAXIMUM_LIST), reader.lanes, LISTS_AT_ONCE
        )

    async def find(self, session_id: str, *, by: Caller) -> Session:
        """One session of the caller; an administrator finds anybody's.

        Raises:
            SessionNotFound: missing, or not the caller's.
            NotAllowed: a CLI token without `sessions:read`.
        """
        by.ensure_scope("sessions:read")
        async with self.database.reading() as db:
            session = await sessions.find(db, session_id, None if by.is_admin else by.user.id)
        if session is None:
            raise SessionNotFound
        return session

    async def list(self, *, by: Caller, ended: bool = False, application_id: str | None = None) -> list[Session]:
        """The caller's sessions that would be accepted now, most recently used first; with `ended`, the others too.

        With `application_id`, only those of that application.

        Raises:
            NotAllowed: a CLI token without `sessions:read`.
        """
        by.ensure_scope("sessions:read")
        async with self.database.reading() as db:
            return await sessions.list_of_user(
                db,
                by.user.id,
                self.policy,
                self._clock(),
                ended=ended,
                application_id=application_id,
                limit=MAXIMUM_LIST,
            )

    async def list_live(self, *, by: Caller) -> Sequence[ListedSession]:
        """What `list` without arguments shows, for whoever asks often.

        Many users' are read by one query, and the same object is given out as long as its row is the same.

        Raises:
            NotAllowed: a CLI token without `sessions:read`.
        """
        by.ensure_scope("sessions:read")
        return await self._lists.get(by.user.id) or ()

    async def count_others(self, *, by: Caller) -> int:
        """How many sessions `revoke_others` would end now.

        Raises:
            NotAllowed: a CLI token without `sessions:read`.
        """
        by.ensure_scope("sessions:read")
        async with self.database.reading() as db:
            spared = await tree.bound_together(db, by.session) if by.session is not None else ()
            return await sessions.count_live(db, by.user.id, self.policy, self._clock(), spare=spared)

    async def standing_under(self, session_id: str, *, by: Caller) -> Sequence[Session]:
        """What a session of the caller let in that acts while its person is away; it ends with it only if wanted.

        An administrator asks about anybody's.

        Raises:
            SessionNotFound: missing, or not the caller's.
            NotAllowed: a CLI token without `sessions:read`.
        """
        await self.find(session_id, by=by)
        async with self.database.reading() as db:
            return await tree.find_all(db, tree.standing_under([session_id], self.policy, self._clock()), MAXIMUM_LIST)

    @act(scope("sessions:revoke"))
    async def label(self, db: Connection, session_id: str, text: str | None, *, by: Caller) -> Session:
        """Name a device of the caller; None takes the name away.

        Raises:
            SessionNotFound: missing, or not the caller's.
            InvalidRequest: too long, or not printable.
        """
        if not await sessions.label(db, session_id, by.user.id, check_label(text)):
            raise SessionNotFound
        session = await sessions.find(db, session_id, by.user.id)
        if session is None:
            raise SessionNotFound
        await events.add(
            db, [by.did("session.labelled", self._clock(), user_id=session.user_id, session_id=session.id)]
        )
        return session

    @act(scope("sessions:revoke"))
    async def revoke(
        self,
        db: Connection,
        session_id: str,
        *,
        by: Caller,
        reason: Reason = "user",
        extent: Extent = "session",
        standing: bool = False,
    ) -> Revoked:
        """End one session of the caller, and what is bound to it. Again changes nothing and is no error.

        Args:
            extent: what ends: the session, only what hangs under it, or the whole device that it is on.
            standing: also what hangs under these and stands by itself.

        Raises:
            SessionNotFound: missing, or not the caller's.
            ReauthenticationRequired: more than the caller's own and what is bound to it, and the sign-in is too old for
                the policy.
            NotAllowed: a CLI token without `sessions:revoke`; a stranger's application, of more than one session.
        """
        if extent != "session" or standing:
            await self._ensure_of_the_house(db, by)
        if by.session is None or not is_sign_out(by.session, session_id, extent, standing=standing):
            self.acting.ensure(by, fresh)
        return await self.revoke_within(db, session_id, by.user.id, by, reason, extent, standing=standing)

    async def _ensure_of_the_house(self, db: Connection, by: Caller) -> None:
        client_id = by.session.client_id if by.session is not None else None
        found = await clients.find(db, client_id) if client_id is not None else None
        if by.granted is not None and (found is None or found.client.third_party):
            raise NotAllowed("this is for applications of this server's own: yours may end one session at a time")

    async def revoke_within(
        self,
        db: Connection,
        session_id: str,
        user_id: str | None,
        by: Caller,
        reason: Reason,
        extent: Extent = "session",
        *,
        standing: bool = False,
    ) -> Revoked:
        """`revoke` of that user's, or of anybody's, when the rights are settled."""
        now, chosen = self._clock(), sessions.by_id(session_id, user_id)
        if extent != "session":
            found = await sessions.find(db, session_id, user_id)
            if found is None:
                raise SessionNotFound
            chosen = (
                tree.hanging_under(session_id) if extent == "below" else sessions.ids([session_id, found.device_id])
            )
        ended = await end_sessions(db, tree.within(chosen) if standing else chosen, reason=reason, by=by, now=now)
        is_it = next((one for one in ended if isinstance(one, Session) and one.id == session_id), None)
        if is_it is not None:  # what it is now follows from what it was: the row need not be read again
            session = replace(is_it, revoked=Revocation(now, reason, by.name))
        elif (found := await sessions.find(db, session_id, user_id)) is not None:
            session = found
        else:
            raise SessionNotFound
        count, devices = counted(ended, self.policy, now)
        was_live = count > 0 if extent == "below" else is_it is not None and is_it.ended(self.policy, now) is None
        own = {one.id for one in ended} | ({session_id} if extent != "below" else set())
        live_tokens = await cli_tokens.count_live(db, session.user_id, now)
        left = 0
        if not standing and extent != "below":  # by these nothing of it is left
            above = [session_id] if extent == "session" else [session_id, session.device_id]
            left = await tree.count(db, tree.standing_under(above, self.policy, now))
        return Revoked(session, live_tokens, was_live, count, devices, by.session_id in own, left)

    @act(scope("sessions:revoke"), fresh, with_user=True)
    async def revoke_others(self, db: Connection, *, by: Caller) -> RevokedMany:
        """End every session of the caller but the one that asks; a sign-in that began before does not survive either.

        The one that asks gets a new secret. What is bound together with it, such as the applications of the same
        browser, goes on, too; what stands by itself does not.

        Raises:
            ReauthenticationRequired: the sign-in is too old for the policy.
            NotAllowed: a CLI token without `sessions:revoke`.
        """
        return await self._revoke_others(db, by)

    @act(scope("sessions:revoke"), with_user=True)
    async def disown(self, db: Connection, session_id: str, *, by: Caller, tokens: bool = False) -> RevokedMany:
        """End a session that "wasn't me", and every other one but the caller's own, which gets a new secret.

        With `tokens`, the CLI tokens as well. It never asks for a fresher sign-in: who has just found a stranger in
        their account must not be held up.

        Raises:
            SessionNotFound: missing, or not the caller's.
            NotAllowed: a CLI token without `sessions:revoke`, or without `tokens:manage` when `tokens`.
        """
        if tokens:
            by.ensure_scope("tokens:manage")
        if await sessions.find(db, session_id, by.user.id) is None:
            raise SessionNotFound
        return await self._revoke_others(db, by, tokens=tokens)

    async def _revoke_others(self, db: Connection, by: Caller, *, tokens: bool = False) -> RevokedMany:
        done = await self._revoke_many(db, by, "user_others", by.session, tokens=tokens)
        return replace(done, renewed=await self.renew_own(db, by))

    @act(scope("sessions:revoke"), fresh, with_user=True)
    async def revoke_all(
        self, db: Connection, *, by: Caller, tokens: bool = False, application_id: str | None = None
    ) -> RevokedMany:
        """End every session of the caller, the one that asks too; with `tokens`, the CLI tokens as well.

        With `application_id`, only those of that application; a sign-in under way does not survive either way.

        Raises:
            ReauthenticationRequired: the sign-in is too old for the policy.
            NotAllowed: a CLI token without `sessions:revoke`, or without `tokens:manage` when `tokens`.
        """
        if tokens:
            by.ensure_scope("tokens:manage")
        return await self._revoke_many(db, by, "user_all", None, tokens=tokens, application_id=application_id)

    async def _revoke_many(
        self,
        db: Connection,
        by: Caller,
        reason: Reason,
        spare: Session | None,
        *,
        tokens: bool,
        application_id: str | None = None,
    ) -> RevokedMany:
        user_id, now = by.user.id, self._clock()
        ended = await end_user(db, user_id, reason=reason, by=by, now=now, spare=spare, application_id=application_id)
        revoked = await end_tokens(db, user_id, by=by, now=now) if tokens else []
        count, devices = counted(ended, self.policy, now)
        return RevokedMany(count, len(revoked), await cli_tokens.count_live(db, user_id, now), devices=devices)

    async def log_out(self, *, by: Caller) -> None:
        """End the caller's own session for good; for a CLI token there is nothing to end. Again is no error.

        Also one that a plan suspended since the caller was verified: who is told that they are signed out must not be
        signed in again by an undo. Nothing ends where another secret holds it by now.
        """
        if by.session is not None:
            await self._log_out(by.session.id, by)

    @in_transaction  # not an act: whoever holds the secret may let go of it, whatever has become of the session
    async def _log_out(self, db: Connection, session_id: str, holder: Caller) -> None:
        held, secret_hash = await tree.take_one(db, session_id, holder.user.id)
        if held is not None and holder.holds(secret_hash):
            chosen = sessions.by_id(session_id)
            await end_sessions(db, chosen, reason="logout", by=holder, now=self._clock(), held=[held])
