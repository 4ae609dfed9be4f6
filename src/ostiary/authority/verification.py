"""Verification: always from the row, and fast because concurrent questions travel together (rule 3).

A question joins only a query that has not been sent yet. So the query that answers it was sent after it began, and
whatever was committed before it began, a revocation above all, is seen by it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, Generic, TypeVar

from ostiary.authority.oauth.keys import Keys
from ostiary.authority.presence import Presence
from ostiary.core.caller import Caller
from ostiary.core.client import Client
from ostiary.core.oauth.jws import looks_like_jwt
from ostiary.core.policy import Policy
from ostiary.core.token import Token, parse
from ostiary.errors import SessionInvalid
from ostiary.storage.reader import FoundSession, FoundToken, Reader

T = TypeVar("T")

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

    async def _session(self, token: Token, client: Client | None) -> Caller:
        found = await self._sessions.get(token.id)
        if not token.matches(found.secret_hash if found else None) or found is None:
            raise SessionInvalid
        now = self._clock()
        found.session.ensure_live(self._policy, now)
        if client is not None:
            # A program that asks for somebody may not know where they are: then it is when, but not where.
            is_known = client.ip is not None or client.user_agent is not None
            seen_there = client if is_known else Client(found.session.ip, found.session.user_agent)
            if self._presence.note_session(found.session, seen_there, now):
                await self._presence.flush()
        return Caller(found.user, session=found.session, client=client or NOBODY)

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


class Batch(Generic[T]):
    """Gathers the questions that arrive while the queries before them are under way, and sends them as one."""

    def __init__(
        self, ask: Callable[[Sequence[str]], Mapping[str, T] | Awaitable[Mapping[str, T]]], lanes: int
    ) -> None:
        """`ask` reads rows by id; `lanes` is how many queries may be under way at once."""
        self._ask = ask
        self._free = lanes
        self._waiting: dict[str, list[asyncio.Future[T | None]]] = {}
        self._scheduled = False

    def get(self, key: str) -> asyncio.Future[T | None]:
        """The row of that id, or None, from a query that is sent after this call."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T | None] = loop.create_future()
        self._waiting.setdefault(key, []).append(answer)
        if self._free and not self._scheduled:
            # Not at once: whatever else arrived in this turn of the event loop joins.
            self._scheduled = True
            loop.call_soon(self._send)
        return answer

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
                task.add_done_callback(lambda done, batch=batch: self._arrived(batch, done))  # type: ignore[misc]

    def _take(self) -> dict[str, list[asyncio.Future[T | None]]]:
        if len(self._waiting) <= MAXIMUM_BATCH:
            batch, self._waiting = self._waiting, {}
            return batch
        keys = list(self._waiting)[:MAXIMUM_BATCH]
        return {key: self._waiting.pop(key) for key in keys}

    def _arrived(self, batch: dict[str, list[asyncio.Future[T | None]]], done: asyncio.Future[Mapping[str, T]]) -> None:
        self._free += 1
        error = asyncio.CancelledError() if done.cancelled() else done.exception()
        if error is not None:
            _fail(batch, error)
        else:
            _deliver(batch, done.result())
        if self._waiting and not self._scheduled:
            self._send()


def _deliver(batch: Mapping[str, list[asyncio.Future[T | None]]], rows: Mapping[str, T]) -> None:
    for key, answers in batch.items():
        row = rows.get(key)
        for answer in answers:
            if not answer.done():  # its asker may have gone
                answer.set_result(row)


def _fail(batch: Mapping[str, list[asyncio.Future[T | None]]], error: BaseException) -> None:
    for answers in batch.values():
        for answer in answers:
            if not answer.done():
                answer.set_exception(error)
