"""The acts on sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, Unpack

from ostiary.authority.acting import Acting, act
from ostiary.authority.batch import Batch, Deliver
from ostiary.authority.ending import end_sessions, end_tokens, end_user, session_event
from ostiary.authority.opening import Opening, check
from ostiary.authority.results import Beginning, Revoked, RevokedMany, Started
from ostiary.core.caller import Caller
from ostiary.core.client import Client, check_label
from ostiary.core.event import Detail
from ostiary.core.needs import fresh, scope
from ostiary.core.session import DEFAULT_TENANT, Kind, Reason, Revocation, Session, new_deadline
from ostiary.core.token import Token, mint, parse
from ostiary.errors import LimitReached, SessionInvalid, SessionNotFound
from ostiary.storage import accounts, callers, cli_tokens, events, sessions, subjects
from ostiary.storage.database import Connection, in_transaction
from ostiary.storage.found import ListedSession
from ostiary.storage.reader import Reader

MAXIMUM_LIST: Final = 1000  # sessions in one answer
LISTS_AT_ONCE: Final = 32  # users whose sessions are read by one query


class Sessions:
    """Start, find, list, renew, end."""

    def __init__(self, acting: Acting, reader: Reader) -> None:
        """Part of an `Authority`; `reader` reads what is asked for the most."""
        self.acting = acting
        self.database = acting.database
        self.policy = policy = acting.policy
        self._clock = clock = acting.clock
        self._lists: Batch[Sequence[ListedSession]] = Batch(
            lambda user_ids: reader.lists(user_ids, policy, clock(), MAXIMUM_LIST), reader.lanes, LISTS_AT_ONCE
        )

    async def begin(self, user_id: str) -> Beginning:
        """Mark the beginning of a sign-in that takes a while, to be given to `start` at its end."""
        async with self.database.reading() as db:
            return Beginning(user_id, await subjects.cut_off(db, user_id))

    async def start(
        self,
        user_id: str,
        *,
        client: Client,
        kind: Kind = "browser",
        **opening: Unpack[Opening],
    ) -> Started:
        """Start a session for a user who has just signed in: the caller vouches for that.

        Args:
            user_id: opaque; a local account or another application's own user.
            client: where the user is.
            kind: what they signed in with.
            opening: the rest, see `Opening`.

        Raises:
            SessionInvalid: the user was signed out everywhere since the sign-in began, which is by this call if no
                `began` is given; begin again. Or it is a local account that is disabled.
            LimitReached: the policy's limit, when it says deny.
            InvalidRequest: label, application id or tenant too long.
        """
        check(opening)
        if opening.get("began") is None:  # before it waits for its turn to write
            opening["began"] = await self.begin(user_id)
        return await self._start(user_id, client, kind, opening)

    @in_transaction
    async def _start(self, db: Connection, user_id: str, client: Client, kind: Kind, opening: Opening) -> Started:
        return await self.start_within(db, user_id, client=client, kind=kind, **opening)

    async def hold_unchanged(self, db: Connection, began: Beginning) -> None:
        """Hold the user until the transaction ends, and return if nothing ended everything of theirs meanwhile.

        Raises:
            SessionInvalid: something did.
        """
        if await subjects.hold(db, began.user_id) != began.cut_off:
            raise SessionInvalid("you were signed out everywhere while signing in; sign in again")

    async def start_within(
        self, db: Connection, user_id: str, *, client: Client, kind: Kind, **opening: Unpack[Opening]
    ) -> Started:
        """`start`, inside a transaction that is open already; without `began`, whoever calls has compared the mark."""
        check(opening)
        began, by, amr = opening.get("began"), opening.get("by"), opening.get("amr", ())
        application_id, tenant = opening.get("application_id"), opening.get("tenant", DEFAULT_TENANT)
        if began is None:
            await subjects.hold(db, user_id)
        else:
            await self.hold_unchanged(db, began)
        if await accounts.is_disabled(db, user_id):
            raise SessionInvalid("this account is disabled")
        now = self._clock()
        await self._make_room(db, user_id, now)
        token = mint("sess")
        session = Session(
            id=token.id,
            user_id=user_id,
            kind=kind,
            created_at=now,
            auth_time=opening.get("auth_time") or now,
            last_used_at=now,
            expires_at=new_deadline(self.policy, now, opening.get("lifetime")),
            ip=client.ip,
            user_agent=client.user_agent,
            label=check_label(opening.get("label")),
            application_id=application_id,
            tenant=tenant,
            amr=amr,
            issued_by=by.name if by else opening.get("issued_by"),
            client_id=opening.get("client_id"),
        )
        await sessions.add(db, session, token.digest)
        detail: Detail = {"kind": kind, "amr": " ".join(amr)}
        if session.client_id is not None:
            detail["client_id"] = session.client_id
        if reason := opening.get("reason"):
            detail["why"] = reason
        await events.add(
            db, [session_event("session.started", session, now, client, by.name if by else user_id, detail)]
        )
        return Started(session, token.text)

    async def _make_room(self, db: Connection, user_id: str, now: datetime) -> None:
        most = self.policy.max_sessions
        if most is None:
            return
        live = await sessions.count_live(db, user_id, self.policy, now)
        if live < most:
            return
        if self.policy.at_limit == "deny":
            raise LimitReached(most)
        oldest = await sessions.least_recently_used(db, user_id, self.policy, now, live - most + 1)
        by = Caller.policy()
        await end_sessions(db, sessions.ids(oldest), reason="limit", by=by, now=now)

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

    def ask_list(self, deliver: Deliver[Sequence[ListedSession]], *, by: Caller) -> None:
        """What `list` without arguments shows, for whoever asks often: as `Batch.ask`.

        Many users' are read by one query, and the same object is given out as long as its row is the same.

        Raises:
            NotAllowed: a CLI token without `sessions:read`.
        """
        by.ensure_scope("sessions:read")
        self._lists.ask(by.user.id, deliver)

    async def count_others(self, *, by: Caller) -> int:
        """How many sessions `revoke_others` would end now.

        Raises:
            NotAllowed: a CLI token without `sessions:read`.
        """
        by.ensure_scope("sessions:read")
        async with self.database.reading() as db:
            live = await sessions.count_live(db, by.user.id, self.policy, self._clock())
        return live - 1 if by.session else live

    @in_transaction
    async def renew(self, db: Connection, credential: str, *, client: Client) -> Started:
        """Put a new secret under the same id; the old one is refused from now on.

        Raises:
            SessionInvalid: malformed, unknown, a wrong secret, or renewed by somebody else at the same time.
            SessionRevoked, SessionExpired: it ended.
        """
        token = parse(credential)
        session = await sessions.find(db, token.id) if token else None
        stored = await sessions.secret_hash(db, token.id) if token else None
        if token is None or session is None or not token.matches(stored):
            raise SessionInvalid
        session.ensure_live(self.policy, self._clock())
        return await self.renew_within(db, session, token.digest, client=client)

    async def renew_within(
        self,
        db: Connection,
        session: Session,
        old: bytes,
        *,
        client: Client,
        auth_time: datetime | None = None,
    ) -> Started:
        """`renew` of a session that was verified, inside a transaction that is open already."""
        now = self._clock()
        token: Token = mint("sess", session.id)
        if not await sessions.renew(db, session.id, old=old, new=token.digest, auth_time=auth_time, now=now):
            raise SessionInvalid
        detail: Detail = {"reauthenticated": auth_time is not None}
        await events.add(db, [session_event("session.renewed", session, now, client, session.user_id, detail)])
        renewed = await sessions.find(db, session.id)
        return Started(renewed or session, token.text)

    async def renew_own(self, db: Connection, by: Caller, *, auth_time: datetime | None = None) -> Started | None:
        """Put a new secret under the caller's own session, inside the transaction of an act (ASVS 5.0 7.2.4).

        None for a caller that holds no session's secret: a CLI token, or an OAuth client with its access token.

        Raises:
            SessionInvalid: renewed by somebody else at the same time.
        """
        if by.session is None or by.granted is not None or by.proof is None:
            return None
        return await self.renew_within(db, by.session, by.proof, client=by.client, auth_time=auth_time)

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
        await events.add(db, [session_event("session.labelled", session, self._clock(), by.client, by.name, {})])
        return session

    @act(scope("sessions:revoke"))
    async def revoke(self, db: Connection, session_id: str, *, by: Caller, reason: Reason = "user") -> Revoked:
        """End one session of the caller. Ending one that has ended changes nothing and is no error.

        Raises:
            SessionNotFound: missing, or not the caller's.
            ReauthenticationRequired: another than the caller's own, and the sign-in is too old for the policy.
            NotAllowed: a CLI token without `sessions:revoke`.
        """
        if session_id != by.session_id:
            self.acting.ensure(by, fresh)
        return await self.revoke_within(db, session_id, by.user.id, by, reason)

    async def revoke_within(
        self, db: Connection, session_id: str, user_id: str | None, by: Caller, reason: Reason
    ) -> Revoked:
        """End one session, of that user or of anybody: `revoke` when the rights are settled."""
        now = self._clock()
        ended = await end_sessions(db, sessions.by_id(session_id, user_id), reason=reason, by=by, now=now)
        if ended:  # what it is now follows from what it was: the row need not be read again
            session = replace(ended[0], revoked=Revocation(now, reason, by.name))
        elif (found := await sessions.find(db, session_id, user_id)) is not None:
            session = found
        else:
            raise SessionNotFound
        was_live = any(one.ended(self.policy, now) is None for one in ended)
        return Revoked(session, await cli_tokens.count_live(db, session.user_id, now), was_live)

    @act(scope("sessions:revoke"), fresh, with_user=True)
    async def revoke_others(self, db: Connection, *, by: Caller) -> RevokedMany:
        """End every session of the caller but the one that asks; a sign-in that began before does not survive either.

        The one that asks gets a new secret.

        Raises:
            ReauthenticationRequired: the sign-in is too old for the policy.
            NotAllowed: a CLI token without `sessions:revoke`.
        """
        return await self._revoke_others(db, by)

    @act(scope("sessions:revoke"), with_user=True)
    async def disown(self, db: Connection, session_id: str, *, by: Caller) -> RevokedMany:
        """End a session that "wasn't me", and every other one but the caller's own, which gets a new secret.

        It never asks for a fresher sign-in: who has just found a stranger in their account must not be held up.

        Raises:
            SessionNotFound: missing, or not the caller's.
            NotAllowed: a CLI token without `sessions:revoke`.
        """
        if await sessions.find(db, session_id, by.user.id) is None:
            raise SessionNotFound
        return await self._revoke_others(db, by)

    async def _revoke_others(self, db: Connection, by: Caller) -> RevokedMany:
        done = await self._revoke_many(db, by, "user_others", by.session_id, tokens=False)
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
        but: str | None,
        *,
        tokens: bool,
        application_id: str | None = None,
    ) -> RevokedMany:
        user_id, now = by.user.id, self._clock()
        ended = await end_user(db, user_id, reason=reason, by=by, now=now, but=but, application_id=application_id)
        revoked = await end_tokens(db, user_id, by=by, now=now) if tokens else []
        count = sum(1 for session in ended if session.ended(self.policy, now) is None)
        return RevokedMany(count, len(revoked), await cli_tokens.count_live(db, user_id, now))

    async def log_out(self, *, by: Caller) -> None:
        """End the caller's own session for good; for a CLI token there is nothing to end. Again is no error.

        Also one that a plan suspended since the caller was verified: who is told that they are signed out must not be
        signed in again by an undo. Nothing ends where another secret holds it by now.
        """
        if by.session is not None:
            await self._log_out(by.session.id, by)

    @in_transaction  # not an act: whoever holds the secret may let go of it, whatever has become of the session
    async def _log_out(self, db: Connection, session_id: str, holder: Caller) -> None:
        found = await callers.hold_session(db, session_id, holder.user.id)
        if found is not None and holder.holds(found.secret_hash):
            await end_sessions(db, sessions.by_id(session_id), reason="logout", by=holder, now=self._clock())
