"""Verification: always from the row, and fast because concurrent questions travel together (rule 3).

A question joins only a query that has not been sent yet. So the query that answers it was sent after it began, and
whatever was committed before it began, a revocation above all, is seen by it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Final, Generic, TypeAlias, TypeVar

from ostiary.authority.oauth.keys import Keys
from ostiary.authority.presence import Presence
from ostiary.core.caller import Caller
from ostiary.core.client import Client
from ostiary.core.oauth.jws import looks_like_jwt
from ostiary.core.policy import Policy
from ostiary.core.token import Token, parse
from ostiary.errors import OstiaryError, SessionInvalid
from ostiary.storage.found import FoundSession, FoundToken
from ostiary.storage.reader import Reader

T = TypeVar("T")
Deliver: TypeAlias = Callable[[T | None, BaseException | None], None]  # a row or None, or why there is no answer

MAXIMUM_BATCH: Final = 512  # ids in one query
MAXIMUM_LENGTH: Final = 128  # characters; a longer credential is not one of ours
NOBODY: Final = Client()


class Verification:
    """Answers "who holds this?" from the row."""

    def __init__(
        self, reader: Reader, policy: Policy, clock: Callable[[], datetime], presence: Presence, keys: Keys
    ) -> None:
        """One per process, so that all its questions can share queries."""
        self._policy = policy
        self._clock = clock
        self._presence = presence
        self._keys = keys
        self._sessions: Batch[FoundSession] = Batch(reader.sessions, reader.lanes)
        self._tokens: Batch[FoundToken] = Batch(reader.tokens, reader.lanes)

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

    def ask(self, token: Token, client: Callable[[], Client], deliver: Callable[[FoundSession | None], None]) -> None:
        """Ask about a session's token without a task that waits: for the way that most requests take.

        `deliver` is called later, with what the row says where that is a plain yes. It is called with None where there
        is anything to explain, or to do before the answer; `verify` is asked then, which explains and does it.
        """

        def arrived(found: FoundSession | None, error: BaseException | None) -> None:
            deliver(found if error is None and self._is_plain_yes(token, found, client) else None)

        self._sessions.ask(token.id, arrived)

    def _is_plain_yes(self, token: Token, found: FoundSession | None, client: Callable[[], Client]) -> bool:
        now = self._clock()
        if found is None or self._refusal(token, found, now) is not None:
            return False
        if self._presence.has_noted(found.session, now):
            return True
        return not self._presence.note_session(found.session, _where(client(), found), now)

    async def _session(self, token: Token, client: Client | None) -> Caller:
        found = await self._sessions.get(token.id)
        now = self._clock()
        refusal = self._refusal(token, found, now)
        if refusal is not None or found is None:
            raise refusal or SessionInvalid
        if client is not None and self._presence.note_session(found.session, _where(client, found), now):
            await self._presence.flush()
        return Caller(found.user, session=found.session, client=client or NOBODY)

    def _refusal(self, token: Token, found: FoundSession | None, now: datetime) -> OstiaryError | None:
        """Why a session's token does not work; the secret first, as only its holder is told more (rule 6)."""
        if not token.matches(found.secret_hash if found else None) or found is None:
            return SessionInvalid()
        return found.session.refusal(self._policy, now)

    async def _access_token(self, credential: str, client: Client | None) -> Caller:
        """The signature says who issued it and to whom; whether it still works, its session's row says, as for any."""
        access = await self._keys.read_access_token(credential)
        found = await self._sessions.get(access.session_id)
        if found is None or (found.session.client_id, found.session.user_id) != (access.client_id, access.user_id):
            raise SessionInvalid
        now = self._clock()
        found.session.ensure_live(self._policy, now)
        if client is not None:
            # When, but not where: the token is mostly sent by the client's own server, and the user is elsewhere.
            seen_there = Client(found.session.ip, found.session.user_agent)
            if self._presence.note_session(found.session, seen_there, now):
                await self._presence.flush()
        return Caller(found.user, session=found.session, client=client or NOBODY, granted=access.scopes)

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
        return Caller(found.user, token=found.token, client=client or NOBODY)


def _where(client: Client, found: FoundSession) -> Client:
    """A program that asks for somebody may not know where they are: then it is when, but not where."""
    is_known = client.ip is not None or client.user_agent is not None
    return client if is_known else Client(found.session.ip, found.session.user_agent)


class Batch(Generic[T]):
    """Gathers the questions that arrive while the queries before them are under way, and sends them as one."""

    def __init__(
        self, ask: Callable[[Sequence[str]], Mapping[str, T] | Awaitable[Mapping[str, T]]], lanes: int
    ) -> None:
        """`ask` reads rows by id; `lanes` is how many queries may be under way at once."""
        self._ask = ask
        self._free = lanes
        self._waiting: dict[str, list[Deliver[T]]] = {}
        self._scheduled = False

    def get(self, key: str) -> asyncio.Future[T | None]:
        """The row of that id, or None, from a query that is sent after this call."""
        answer: asyncio.Future[T | None] = asyncio.get_running_loop().create_future()
        self.ask(key, partial(_settle, answer))
        return answer

    def ask(self, key: str, deliver: Deliver[T]) -> None:
        """As `get`, by a callback. It is called once, never from within this call, and must not raise."""
        waiting = self._waiting.get(key)
        if waiting is None:
            self._waiting[key] = [deliver]
        else:
            waiting.append(deliver)
        if self._free and not self._scheduled:
            # Not at once: whatever else arrived in this turn of the event loop joins.
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._send)

    def _send(self) -> None:
        self._scheduled = False
        while self._waiting and self._free:
            batch = self._take()
            try:
                rows = self._ask(list(batch))
            except Exception as error:
                _fail(batch, error)
                continue
            if isinstance(rows, Mapping):
                _deliver(batch, rows)
            else:
                self._free -= 1
                task = asyncio.ensure_future(rows)
                task.add_done_callback(partial(self._arrived, batch))

    def _take(self) -> dict[str, list[Deliver[T]]]:
        if len(self._waiting) <= MAXIMUM_BATCH:
            batch, self._waiting = self._waiting, {}
            return batch
        keys = list(self._waiting)[:MAXIMUM_BATCH]
        return {key: self._waiting.pop(key) for key in keys}

    def _arrived(self, batch: dict[str, list[Deliver[T]]], done: asyncio.Future[Mapping[str, T]]) -> None:
        self._free += 1
        error = asyncio.CancelledError() if done.cancelled() else done.exception()
        if self._waiting and not self._scheduled:
            self._send()  # before the answers: the store works on while they are written
        if error is not None:
            _fail(batch, error)
        else:
            _deliver(batch, done.result())


def _deliver(batch: Mapping[str, list[Deliver[T]]], rows: Mapping[str, T]) -> None:
    for key, askers in batch.items():
        row = rows.get(key)
        for deliver in askers:
            deliver(row, None)


def _fail(batch: Mapping[str, list[Deliver[T]]], error: BaseException) -> None:
    for askers in batch.values():
        for deliver in askers:
            deliver(None, error)


def _settle(answer: asyncio.Future[T | None], row: T | None, error: BaseException | None) -> None:
    if answer.done():  # its asker has gone
        return
    if error is not None:
        answer.set_exception(error)
    else:
        answer.set_result(row)
