"""The feed: what ends, told to services as server-sent events."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Final

from starlette.responses import StreamingResponse

from ostiary.authority.verifiers import FeedRequest
from ostiary.contract.feed import Feed, FollowFeed
from ostiary.core.verifier import DEFAULT_STALENESS
from ostiary.errors import InvalidRequest, NotAllowed, StoreUnavailable, Unauthenticated
from ostiary.feed import Follower, Position, Update
from ostiary.http import feed_messages
from ostiary.http.callers import identify, presented
from ostiary.http.client_callers import identify_client, read_basic
from ostiary.http.exchange import Exchange
from ostiary.http.operations import serves

HEARTBEAT_EVERY: Final = 0.35  # seconds; a little less than a poll, so that each poll without news is heard
CHECK_EVERY: Final = 5.0  # seconds between two looks at the reader's own credential
# An answer that told something ends soon, as it is the next request that acknowledges it. Soon, and not at once: of
# many endings in a row, each would cost each reader a request of its own.
LINGER: Final = 0.04  # seconds without a further ending
LINGER_AT_MOST: Final = 0.2  # seconds


@serves(Feed.follow)
async def follow_feed(asked: FollowFeed, exchange: Exchange) -> StreamingResponse:
    """Each answer begins with a heartbeat: with it the reader knows everything that was committed before it asked."""
    caller, authority, reader = exchange.caller, exchange.authority, asked.reader
    caller.ensure_service("feed:read")
    resumed = _position("after", asked.after or exchange.headers.get("last-event-id"))
    acknowledged = _position("applied", asked.applied)
    known = acknowledged or resumed
    lineage = known.lineage if known is not None else ""
    readers = exchange.context.readers
    readers.ensure_room()
    stream = _Stream(
        lineage=(lineage or secrets.token_hex(8)) if reader is not None else "",
        answers_soon=reader is not None,
        until=None if asked.hold is None else asyncio.get_running_loop().time() + asked.hold,
        still_allowed=lambda: _ensure_still_allowed(exchange),
    )
    follower, update = await authority.feed.follow(resumed)
    if reader is not None:
        verifier = FeedRequest(
            chain=stream.lineage,
            owner=caller.name,
            reader=reader,
            name=asked.name,
            address=exchange.client.ip,
            max_staleness=DEFAULT_STALENESS if asked.max_staleness is None else asked.max_staleness,
            applied=acknowledged.time if acknowledged else None,
        )
        update = await authority.verifiers.admit(verifier, follower, update)
    exchange.is_routine = True
    return StreamingResponse(
        readers.counting(stream.follow(follower, update)),
        media_type="text/event-stream",
        headers={"x-accel-buffering": "no"},  # nginx would hold events back to fill its buffer
    )


class _Stream:
    """One answer."""

    def __init__(
        self, *, lineage: str, answers_soon: bool, until: float | None, still_allowed: Callable[[], Awaitable[None]]
    ) -> None:
        self.lineage = lineage
        self._answers_soon = answers_soon
        self._until = until
        self._still_allowed = still_allowed

    async def follow(self, follower: Follower, update: Update) -> AsyncIterator[bytes]:
        clock = asyncio.get_running_loop().time
        yield self._message(update)
        beat = checked = clock()
        while not (update.entries and self._answers_soon):
            left = CHECK_EVERY if self._until is None else self._until - clock()
            if left <= 0:
                return
            try:
                heard = await follower.next(min(left, CHECK_EVERY))
                if clock() - checked >= CHECK_EVERY:
                    await self._still_allowed()
                    checked = clock()
            except (StoreUnavailable, Unauthenticated, NotAllowed):
                return  # the reader asks again, and hears why
            if heard is None:
                continue
            update = heard
            if update.entries or clock() - beat >= HEARTBEAT_EVERY:
                yield self._message(update)
                beat = clock()
        ends_at = clock() + LINGER_AT_MOST
        try:
            while (heard := await follower.next_entries(min(LINGER, ends_at - clock()))) is not None:
                yield self._message(heard)
            yield self._message(await follower.fresh())
        except StoreUnavailable:
            return

    def _message(self, update: Update) -> bytes:
        return feed_messages.message(update, replace(update.position, lineage=self.lineage).text)


def _position(field: str, text: str | None) -> Position | None:
    if not text:
        return None
    found = Position.read(text)
    if found is None:
        raise InvalidRequest(field, "must be the position of a heartbeat; leave it out to begin anew")
    return found


async def _ensure_still_allowed(exchange: Exchange) -> None:
    """A stream may be open for long; its reader's credential may end meanwhile."""
    basic = read_basic(exchange.headers.get("authorization"))
    if basic is not None:
        identified = await identify_client(exchange.authority, basic, exchange.client)
    else:
        identified = await identify(exchange.authority, presented(exchange.scope["headers"], ()), None)
    identified.caller.ensure_service("feed:read")
