"""`GET /api/v1/feed`: what ends, told to services as server-sent events."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Annotated, Final

from litestar import Router, get
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import QueryParameter
from litestar.response import Stream

from ostiary import errors
from ostiary.authority import Authority
from ostiary.authority.verifiers import Asked
from ostiary.core.caller import Caller
from ostiary.core.verifier import DEFAULT_STALENESS
from ostiary.errors import InvalidRequest, NotAllowed, StoreUnavailable, Unauthenticated
from ostiary.feed import Follower, Position, Told
from ostiary.server import feed_shapes
from ostiary.server.access import SERVICE
from ostiary.server.bodies import ApiRequest
from ostiary.server.callers import identify, presented
from ostiary.server.client_callers import identify_client, read_basic
from ostiary.server.context import context_of
from ostiary.server.exchange import exchange_of
from ostiary.server.refusals import refusals

MAXIMUM_HOLD: Final = 300.0  # seconds
HEARTBEAT_EVERY: Final = 0.35  # seconds; a little less than a poll, so that each poll without news is heard
CHECK_EVERY: Final = 5.0  # seconds between two looks at the reader's own credential
# An answer that told something ends soon, as it is the next request that acknowledges it. Soon, and not at once: of
# many endings in a row, each would cost each reader a request of its own.
LINGER: Final = 0.04  # seconds without a further ending
LINGER_AT_MOST: Final = 0.2  # seconds

PositionText = Annotated[
    str | None,
    QueryParameter(
        max_length=128,
        description="The `position` of a heartbeat: everything since then comes first. Or `Last-Event-ID`.",
    ),
]
Hold = Annotated[
    float | None,
    QueryParameter(
        ge=0, le=MAXIMUM_HOLD, description="Seconds that the answer stays open. Left out: until the server ends it."
    ),
]
Reader = Annotated[
    str | None,
    QueryParameter(
        pattern=r"^[A-Za-z0-9._:-]{1,64}$",
        description="The reader's own id, the same in all its requests. It is then known as a verifier, and an answer "
        "that told something ends at once, so that the next request can acknowledge it.",
        examples=[Example(value="shop-3-a81f")],
    ),
]
Name = Annotated[
    str | None,
    QueryParameter(pattern=r"^[^\u0000-\u001f\u007f]{1,64}$", description="What people call the reader."),
]
MaximumStaleness = Annotated[
    float | None,
    QueryParameter(ge=0.5, le=3600, description="Seconds that the reader trusts what it remembers. Default 5."),
]
Applied = Annotated[
    str | None,
    QueryParameter(max_length=128, description="The `position` of the last heartbeat that the reader has applied."),
]


@get(
    "/feed",
    operation_id="follow_feed",
    summary="Follow what ends",
    opt={SERVICE: True},
    media_type="text/event-stream",
    responses=refusals(errors.Conflict) | feed_shapes.RESPONSES,
    security=[{"bearer": []}, {"basic": []}],
)
async def follow_feed(
    request: ApiRequest,
    authority: NamedDependency[Authority],
    caller: NamedDependency[Caller],
    hold: Hold = None,
    after: PositionText = None,
    reader: Reader = None,
    name: Name = None,
    max_staleness: MaximumStaleness = None,
    applied: Applied = None,
) -> Stream:
    """Every session that ends, and what else a program that remembers sessions has to hear of.

    Each answer begins with what happened since `after`, and a heartbeat: with it the reader knows everything that was
    committed before its request arrived. For OAuth clients by their own credentials and CLI tokens of administrators,
    with the scope `feed:read`.
    """
    caller.ensure_service("feed:read")
    resumed = _position("after", after or request.headers.get("last-event-id"))
    acknowledged = _position("applied", applied)
    known = acknowledged or resumed
    lineage = known.lineage if known is not None else ""
    readers = context_of(request).readers
    readers.ensure_room()
    stream = _Stream(
        lineage=(lineage or secrets.token_hex(8)) if reader is not None else "",
        answers_soon=reader is not None,
        until=None if hold is None else asyncio.get_running_loop().time() + hold,
        still_allowed=lambda: _ensure_still_allowed(request),
    )
    follower, told = await authority.feed.follow(resumed)
    if reader is not None:
        asked = Asked(
            chain=stream.lineage,
            owner=caller.name,
            reader=reader,
            name=name,
            address=exchange_of(request.scope).client.ip,
            max_staleness=DEFAULT_STALENESS if max_staleness is None else max_staleness,
            applied=acknowledged.time if acknowledged else None,
        )
        told = await authority.verifiers.admit(asked, follower, told)
    exchange_of(request.scope).is_routine = True
    return Stream(
        readers.counting(stream.follow(follower, told)),
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

    async def follow(self, follower: Follower, told: Told) -> AsyncIterator[bytes]:
        clock = asyncio.get_running_loop().time
        yield self._message(told)
        beat = checked = clock()
        while not (told.entries and self._answers_soon):
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
            told = heard
            if told.entries or clock() - beat >= HEARTBEAT_EVERY:
                yield self._message(told)
                beat = clock()
        ends_at = clock() + LINGER_AT_MOST
        try:
            while (heard := await follower.next_entries(min(LINGER, ends_at - clock()))) is not None:
                yield self._message(heard)
            yield self._message(await follower.fresh())
        except StoreUnavailable:
            return

    def _message(self, told: Told) -> bytes:
        return feed_shapes.message(told, replace(told.position, lineage=self.lineage).text)


def _position(field: str, text: str | None) -> Position | None:
    if not text:
        return None
    found = Position.read(text)
    if found is None:
        raise InvalidRequest(field, "must be the position of a heartbeat; leave it out to begin anew")
    return found


async def _ensure_still_allowed(request: ApiRequest) -> None:
    """A stream may be open for long; its reader's credential may end meanwhile."""
    context, exchange = context_of(request), exchange_of(request.scope)
    basic = read_basic(request.headers.get("authorization"))
    if basic is not None:
        identified = await identify_client(context.authority, basic, exchange.client)
    else:
        identified = await identify(context.authority, presented(request.scope["headers"], ()), None)
    identified.caller.ensure_service("feed:read")


router = Router("/", route_handlers=[follow_feed], tags=["services"])
