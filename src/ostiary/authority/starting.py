"""The beginnings of a session: its start after a sign-in, and a new secret under the same id."""

from __future__ import annotations

from datetime import datetime
from typing import Unpack

from ostiary.authority.acting import Acts
from ostiary.authority.ending import end_sessions, session_event
from ostiary.authority.opening import Opening, check
from ostiary.authority.results import Beginning, Started
from ostiary.core.caller import Caller
from ostiary.core.client import Client, check_label
from ostiary.core.event import Detail
from ostiary.core.session import DEFAULT_TENANT, Hold, Kind, Session, new_deadline
from ostiary.core.token import Token, mint, parse
from ostiary.core.tree import ROOT, below
from ostiary.errors import LimitReached, SessionInvalid
from ostiary.storage import accounts, events, sessions, subjects, uses
from ostiary.storage.database import Connection, in_transaction


class Starting(Acts):
    """Begin, start, renew. `Sessions` are all the acts."""

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
        position = opening.get("position", ROOT)
        now = position.begins_at or self._clock()
        if not position.path:
            await self._make_room(db, user_id, now)
        token, ends_at = mint("sess"), new_deadline(self.policy, now, opening.get("lifetime"))
        session = Session(
            id=token.id,
            user_id=user_id,
            kind=kind,
            created_at=now,
            auth_time=opening.get("auth_time") or now,
            last_used_at=now,
            expires_at=min(ends_at, position.ends_at or ends_at),
            ip=client.ip,
            user_agent=client.user_agent,
            label=check_label(opening.get("label")),
            application_id=application_id,
            tenant=tenant,
            amr=amr,
            issued_by=by.name if by else opening.get("issued_by"),
            client_id=opening.get("client_id"),
            parent_id=position.parent_id,
            root_id=position.root_id,
            path=position.path,
            device_since=position.device_since,
            stays=opening.get("stays") if position.parent_id is None else position.stays,
            resource=opening.get("resource"),
        )
        await sessions.add(db, session, token.digest)
        detail: Detail = {"kind": kind, "amr": " ".join(amr)}
        if session.client_id is not None:
            detail["client_id"] = session.client_id
        if session.parent_id is not None:
            detail |= {"parent_id": session.parent_id, "hold": session.hold}
        if reason := opening.get("reason"):
            detail["why"] = reason
        await events.add(
            db, [session_event("session.started", session, now, client, by.name if by else user_id, detail)]
        )
        return Started(session, token.text)

    async def start_under(
        self,
        db: Connection,
        parent: Session,
        hold: Hold,
        *,
        client: Client,
        kind: Kind,
        **opening: Unpack[Opening],
    ) -> Started:
        """Start what a session lets in, inside a transaction that is open already: it is a use of that session.

        Whoever ends that session waits until the transaction ends, and finds this one, too.

        Raises:
            SessionInvalid, LimitReached, InvalidRequest: as `start`; also if `parent` does not live.
        """
        now = self._clock()
        if parent.refusal(self.policy, now) or not await uses.record_chain(db, (*parent.path, parent.id), now):
            raise SessionInvalid("the session that would let this one in has ended")
        opening["position"] = below(parent, hold, self.policy, now)
        return await self.start_within(db, parent.user_id, client=client, kind=kind, **opening)

    async def continue_within(
        self, db: Connection, session: Session, *, client: Client, auth_time: datetime, amr: tuple[str, ...]
    ) -> Session:
        """Let a client's grant go on with a newer sign-in, inside a transaction that is open already.

        Raises:
            SessionInvalid: it has ended meanwhile.
        """
        now = self._clock()
        if not await uses.record(db, session, uses.Use(now, client.ip, client.user_agent)):
            raise SessionInvalid
        await sessions.continue_grant(db, session.id, auth_time, amr)
        detail: Detail = {"continued": True, "client_id": session.client_id}
        await events.add(db, [session_event("session.renewed", session, now, client, session.user_id, detail)])
        return await sessions.find(db, session.id) or session

    async def _make_room(self, db: Connection, user_id: str, now: datetime) -> None:
        most = self.policy.max_sessions
        if most is None:
            return
        live = await sessions.count_unbound(db, user_id, self.policy, now)
        if live < most:
            return
        if self.policy.at_limit == "deny":
            raise LimitReached(most)
        oldest = await sessions.least_recently_used(db, user_id, self.policy, now, live - most + 1)
        by = Caller.policy()
        await end_sessions(db, sessions.ids(oldest), reason="limit", by=by, now=now)

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
        if not await uses.record_chain(db, session.path, now):
            raise SessionInvalid
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
