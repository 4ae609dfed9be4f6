"""Neutralise a leaked credential: find everything that was derived from it, and end all of it in one act."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ostiary.authority.acting import Acting, Acts, act
from ostiary.authority.derived import Derived, Roots, find_derived
from ostiary.authority.ending import end_sessions, end_tokens
from ostiary.authority.oauth.keys import Keys
from ostiary.core.caller import Caller
from ostiary.core.event import Detail, Event
from ostiary.core.leak import Leak, LeakKind, read_leak
from ostiary.core.needs import admin, fresh, power
from ostiary.core.oauth.refresh import is_ours
from ostiary.errors import ConfigurationError, Conflict, SessionNotFound, TokenNotFound
from ostiary.errors.translatable import translatable
from ostiary.storage import accounts, cli_tokens, codes, events, refresh_tokens, sessions, subjects
from ostiary.storage.database import Connection


@dataclass(frozen=True, slots=True)
class Neutralised:
    """A leaked credential, and what was derived from it.

    Attributes:
        matches: whether the secret, or the signature, is one that we gave out; None for a bare id.
        derived: as they are, or were before they ended.
        sessions, tokens: how many sessions and CLI tokens end, or ended.
        applied: False for a preview.
    """

    kind: LeakKind
    id: str
    matches: bool | None
    user_id: str
    username: str | None
    derived: tuple[Derived, ...]
    sessions: int
    tokens: int
    applied: bool = False


class Neutralising(Acts):
    """Preview, apply."""

    def __init__(
        self,
        acting: Acting,
        keys: Keys,
        access_token_lifetime: timedelta,
    ) -> None:
        """Part of an `Authority`."""
        super().__init__(acting)
        self._keys = keys
        self._access_token_lifetime = access_token_lifetime

    async def preview(self, credential: str, *, by: Caller) -> Neutralised:
        """What was derived from a credential. Nothing is changed.

        Args:
            credential: any credential of ours, a line that holds one, or an id; it may have ended.

        Raises:
            NotAllowed: the caller is not an administrator.
            InvalidRequest: it names nothing of ours, or several things.
            SessionNotFound, TokenNotFound: nothing is known under that id.
        """
        by.ensure_admin()
        leak = read_leak(credential)
        signed = await self._is_signed(leak)
        async with self.database.reading() as db:
            roots, matches = await self._roots(db, leak, signed)
            return await self._found(db, leak, roots, matches)

    async def apply(self, credential: str, *, by: Caller) -> Neutralised:
        """End everything that was derived from a credential, in one transaction, and record it as one act.

        Raises:
            NotAllowed: the caller is not an administrator.
            ReauthenticationRequired: the administrator's sign-in is too old for the policy.
            Conflict: the secret does not match its id; say it again with the id alone, if it is meant.
            InvalidRequest, SessionNotFound, TokenNotFound: as `preview`.
        """
        self.acting.ensure(by, admin, fresh, power)
        leak = read_leak(credential)
        return await self._apply(leak, await self._is_signed(leak), by=by)

    @act(admin, fresh, power)
    async def _apply(self, db: Connection, leak: Leak, signed: bool, *, by: Caller) -> Neutralised:
        roots, matches = await self._roots(db, leak, signed)
        if matches is False:
            raise Conflict(
                translatable(
                    "the secret is not the one of %(id)s, but that id exists; to end what hangs on it anyway, "
                    "give the id alone",
                    id=leak.id,
                ),
                field="credential",
            )
        # Whoever makes a token or a session for this user takes turns with us from here on: nothing slips in between.
        await subjects.hold(db, roots.user_id)
        roots, matches = await self._roots(db, leak, signed)
        found = await self._found(db, leak, roots, matches)
        now = self._clock()
        chosen = sessions.among([one.id for one in found.derived if one.what == "session"], roots.user_id)
        ended = await end_sessions(db, chosen, reason="admin", by=by, now=now)
        tokens = 0
        for one in found.derived:
            if one.what == "cli_token":
                tokens += len(await end_tokens(db, roots.user_id, by=by, now=now, token_id=one.id))
            elif one.what == "code":
                await codes.use(db, one.id, now)
        done = replace(found, sessions=len(ended), tokens=tokens, applied=True)
        await events.add(db, [_event(done, by, now)])
        return done

    async def _roots(self, db: Connection, leak: Leak, signed: bool) -> tuple[Roots, bool | None]:
        """Where everything begins, and whether the secret is right."""
        prefix = leak.id.partition("_")[0]
        match prefix:
            case "sess":
                return await self._session_roots(db, leak, signed)
            case "ost":
                found = await cli_tokens.find_any(db, leak.id)
                if found is None:
                    raise TokenNotFound("nothing is known of this CLI token; it may have been purged")
                token, stored = found
                matches = None if leak.is_bare else leak.token is not None and leak.token.matches(stored)
                return Roots(token.user_id, tokens=(token.id,)), matches
            case "ort":
                return await self._refresh_roots(db, leak)
            case _:
                known = await codes.find(db, leak.id)
                if known is None:
                    raise SessionNotFound("nothing is known of this code; it may have been purged")
                code, stored = known
                granted = (code.granted_session_id,) if code.granted_session_id else ()
                matches = None if leak.is_bare else leak.token is not None and leak.token.matches(stored)
                return Roots(code.user_id, sessions=granted, code=code), matches

    async def _session_roots(self, db: Connection, leak: Leak, signed: bool) -> tuple[Roots, bool | None]:
        session = await sessions.find(db, leak.id)
        if session is None:
            raise SessionNotFound("nothing is known of this session; it may have been purged")
        roots = Roots(session.user_id, sessions=(session.id,))
        if leak.is_bare:
            return roots, None
        if leak.jwt is not None:
            return roots, signed
        stored = await sessions.secret_hash(db, session.id)
        return roots, leak.token is not None and leak.token.matches(stored)

    async def _refresh_roots(self, db: Connection, leak: Leak) -> tuple[Roots, bool | None]:
        family = await refresh_tokens.find(db, leak.id)
        session = await sessions.find(db, family.session_id) if family else None
        if family is None or session is None:
            raise SessionNotFound("nothing is known of this refresh token; it may have been purged")
        roots = Roots(session.user_id, sessions=(session.id,))
        if leak.is_bare:
            return roots, None
        token = leak.token
        # An old one of the family counts: it was ours, and whoever has it may have had the next one, too.
        return roots, token is not None and (token.matches(family.secret_hash) or self._is_ours(leak))

    def _is_ours(self, leak: Leak) -> bool:
        try:
            key = self._keys.purpose_key("refresh tokens")
        except ConfigurationError:  # at the database, without the server's key file
            return False
        return leak.token is not None and is_ours(key, leak.token)

    async def _is_signed(self, leak: Leak) -> bool:
        return leak.jwt is not None and await self._keys.did_sign(leak.jwt)

    async def _found(self, db: Connection, leak: Leak, roots: Roots, matches: bool | None) -> Neutralised:
        now = self._clock()
        derived = await find_derived(db, roots, self.policy, self._access_token_lifetime, now)
        names = await accounts.names(db, {roots.user_id})
        return Neutralised(
            kind=leak.kind,
            id=leak.id,
            matches=matches,
            user_id=roots.user_id,
            username=names.get(roots.user_id),
            derived=tuple(derived),
            sessions=_working(derived, "session"),
            tokens=_working(derived, "cli_token"),
        )


def _working(derived: Iterable[Derived], what: str) -> int:
    return sum(1 for one in derived if one.what == what and one.works)


def _event(done: Neutralised, by: Caller, now: datetime) -> Event:
    session_id = next((one.id for one in done.derived if one.what == "session"), None)
    detail: Detail = {name: getattr(done, name) for name in ("kind", "id", "matches", "sessions", "tokens")}
    return by.did(
        "credential.neutralised", now, user_id=done.user_id, session_id=session_id, reason="admin", detail=detail
    )
