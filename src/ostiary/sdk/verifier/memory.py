"""The sessions that a verifier remembers: bounded, small, and forgotten by session, by user, or all at once."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from msgspec import Struct

from ostiary.sdk.verifier.verified import User, Verified, VerifiedSession

ROOM: Final = 16  # a full memory gives up one part in so many at once: the oldest, as they expire first
NEVER: Final = math.inf


class Known(Struct, gc=False):
    """One session that was live when the authority was asked. One flat object, as there may be many.

    Attributes:
        digest: SHA-256 of the session's token; empty if only an access token of it was seen.
        until: by the verifier's own clock; it is not to be believed from then on.
        renew_at: from then on a use asks again in the background; `NEVER` while that is under way.
        scopes: of the access token that was asked about, as it was answered as far as those go; None for the session's
            own token. Nothing of this is told by another credential of the session.
    """

    session_id: str
    user_id: str
    username: str | None
    roles: tuple[str, ...]
    kind: str
    tenant: str
    application_id: str | None
    amr: tuple[str, ...]
    client_id: str | None
    times: bytes
    digest: bytes
    until: float
    renew_at: float
    scopes: tuple[str, ...] | None = None

    def verified(self) -> Verified:
        """As it is told to the application."""
        return Verified(User(self.user_id, self.username, self.roles), self.session, None, self.client_id, self.scopes)

    @property
    def session(self) -> VerifiedSession:
        """The session of it."""
        return VerifiedSession(self.session_id, self.kind, self.tenant, self.application_id, self.amr, self.times)


class Memory:
    """Sessions by id, and the ids of each user. Reading is one look-up without a lock, from any thread."""

    def __init__(self, maximum: int) -> None:
        """Keeps at most `maximum` sessions."""
        self._maximum = maximum
        self._sessions: dict[str, Known] = {}  # in the order in which they were kept
        self._of_user: dict[str, str | set[str]] = {}  # most have one: a set for each would double the memory
        self.get = self._sessions.get

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._sessions)

    def keep(self, known: Known) -> None:
        """Remember a session, in place of what was known of it."""
        self.forget(known.session_id)
        if len(self._sessions) >= self._maximum:
            for session_id in list(itertools.islice(self._sessions, max(1, self._maximum // ROOM))):
                self.forget(session_id)
        self._sessions[known.session_id] = known
        others = self._of_user.get(known.user_id)
        if others is None:
            self._of_user[known.user_id] = known.session_id
        elif isinstance(others, str):
            self._of_user[known.user_id] = {others, known.session_id}
        else:
            others.add(known.session_id)

    def forget(self, session_id: str) -> Known | None:
        """Forget a session. What was known of it."""
        known = self._sessions.pop(session_id, None)
        if known is None:
            return None
        ids = self._of_user[known.user_id]
        if isinstance(ids, str):
            del self._of_user[known.user_id]
            return known
        ids.discard(session_id)
        if not ids:
            del self._of_user[known.user_id]
        return known

    def forget_user(self, user_id: str, cut_off: datetime | None = None) -> None:
        """Forget the sessions of a user, or those that started at or before `cut_off`."""
        ids = self._of_user.get(user_id, ())
        self._forget([ids] if isinstance(ids, str) else list(ids), cut_off)

    def forget_all(self, cut_off: datetime | None = None) -> None:
        """Forget everything, or what started at or before `cut_off`."""
        if cut_off is None:
            self._sessions.clear()
            self._of_user.clear()
        else:
            self._forget(list(self._sessions), cut_off)

    def forget_expired(self, now: float) -> None:
        """Make room. Most expire in the order in which they were kept, so it stops at the first that has not."""
        expired = itertools.takewhile(lambda known: known.until <= now, self._sessions.values())
        for session_id in [known.session_id for known in expired]:
            self.forget(session_id)

    def _forget(self, session_ids: Iterable[str], cut_off: datetime | None) -> None:
        for session_id in session_ids:
            if cut_off is None or self._sessions[session_id].session.created_at <= cut_off:
                self.forget(session_id)
