"""Verification: always from the row, and fast because concurrent questions travel together (rule 3; see `batch`)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from ostiary.authority.batch import Batch
from ostiary.authority.oauth.keys import Keys
from ostiary.authority.presence import Presence
from ostiary.core.caller import Caller
from ostiary.core.client import Client
from ostiary.core.oauth.jws import looks_like_jwt
from ostiary.core.policy import Policy
from ostiary.core.token import Token, parse
from ostiary.errors import OstiaryError, SessionInvalid
from ostiary.storage.hot import SessionRow, TokenRow

MAXIMUM_LENGTH: Final = 128  # characters; a longer credential is not one of ours
NOBODY: Final = Client()


class Verification:
    """Answers "who holds this?" from the row."""

    def __init__(
        self,
        sessions: Batch[SessionRow],
        tokens: Batch[TokenRow],
        policy: Policy,
        clock: Callable[[], datetime],
        presence: Presence,
        keys: Keys,
    ) -> None:
        """One per process, so that all its questions can share queries."""
        self._policy = policy
        self._clock = clock
        self._presence = presence
        self._keys = keys
        self._sessions = sessions
        self._tokens = tokens

    async def ensure_answered(self) -> None:
        """Return if questions are answered now.

        Raises:
            StoreUnavailable: they are not.
        """
        await self._sessions.get("sess_")  # nobody's
        await self._tokens.get("ost_")

    async def verify(self, credential: str, client: Client | None) -> Caller:
        """As `Authority.verify`."""
        if looks_like_jwt(credential):
            return await self._access_token(credential, client)
        token = parse(credential) if len(credential) <= MAXIMUM_LENGTH else None
        if token is None:
            raise SessionInvalid
        if token.id.startswith("sess_"):
            return await self._session(token, client)
        if token.id.startswith("ost_"):
            return await self._cli_token(token, client)
        raise SessionInvalid

    def ask(
        self, token: Token, client: Callable[[], Client], deliver: Callable[[SessionRow | OstiaryError | None], None]
    ) -> None:
        """Ask about a session's token without a task that waits: for the way that most requests take.

        `deliver` is called later, with what the row says: the session, or why it is refused. It is called with None
        where the store does not answer, or its use has to be written first; `verify` is asked then.
        """

        def arrived(found: SessionRow | None, error: BaseException | None) -> None:
            answer = None
            try:
                if error is None:
                    answer = self._judged(token, found, client)
            finally:  # whatever is wrong with it, its asker is told: the plain way finds it out, and answers
                deliver(answer)

        self._sessions.ask(token.id, arrived)

    def _judged(
        self, token: Token, found: SessionRow | None, client: Callable[[], Client]
    ) -> SessionRow | OstiaryError | None:
        now = self._clock()
        refusal = self._refusal(token, found, now)
        if refusal is not None or found is None:
            return refusal
        is_urgent = self._presence.note_session(found.session, _where(client(), found), now)
        return None if is_urgent else found

    async def _session(self, token: Token, client: Client | None) -> Caller:
        found = await self._sessions.get(token.id)
        now = self._clock()
        refusal = self._refusal(token, found, now)
        if refusal is not None or found is None:
            raise refusal or SessionInvalid
        if client is not None and self._presence.note_session(found.session, _where(client, found), now):
            await self._presence.flush()
        return Caller(found.user, session=found.session, client=client or NOBODY, proof=found.secret_hash)

    def _refusal(self, token: Token, found: SessionRow | None, now: datetime) -> OstiaryError | None:
        """Why a session's token does not work; the secret first, as only its holder is told more (rule 6)."""
        if not token.matches(found.secret_hash if found else None) or found is None:
            return SessionInvalid()
        return found.session.refusal(self._policy, now)

    async def _access_token(self, credential: str, client: Client | None) -> Caller:
        """The signature says who issued it and to whom; whether it still works, its session's row says, as for any."""
        access = await self._keys.read_access_token(credential)
        found = await self._sessions.get(access.session_id)
        if found is None or not access.is_of(found.session):
            raise SessionInvalid
        now = self._clock()
        found.session.ensure_live(self._policy, now)
        if client is not None:
            # When, but not where: the token is mostly sent by the client's own server, and the user is elsewhere.
            seen_there = Client(found.session.ip, found.session.user_agent)
            if self._presence.note_session(found.session, seen_there, now):
                await self._presence.flush()
        return Caller(
            found.user,
            session=found.session,
            client=client or NOBODY,
            granted=access.scopes,
            granted_until=datetime.fromtimestamp(access.expires_at, UTC),
            audience=access.audience,
        )

    async def _cli_token(self, token: Token, client: Client | None) -> Caller:
        found = await self._tokens.get(token.id)
        if not token.matches(found.secret_hash if found else None) or found is None:
            raise SessionInvalid
        now = self._clock()
        refusal = found.token.refusal(now)
        if refusal is not None:
            raise refusal
        if found.user.username is None or found.user.disabled_at is not None:
            raise SessionInvalid
        if client is not None:
            self._presence.note_token(found.token, now)
        return Caller(found.user, token=found.token, client=client or NOBODY, proof=found.secret_hash)


def _where(client: Client, found: SessionRow) -> Client:
    """A program that asks for somebody may not know where they are: then it is when, but not where."""
    is_known = client.ip is not None or client.user_agent is not None
    return client if is_known else Client(found.session.ip, found.session.user_agent)
