"""An open page follows its sessions: server-sent events that say "look again", and "you are signed out"."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

from starlette.responses import Response, StreamingResponse

from ostiary.authority import Authority
from ostiary.errors import Conflict, OstiaryError, SessionInvalid, StoreUnavailable, Unauthenticated
from ostiary.feed import Listener, Notice
from ostiary.web.routing import Nothing, get
from ostiary.web.visit import Visit

LOOK_EVERY: Final = 15.0  # seconds between two looks at one's own session, as a limit passes without an event
RETRY: Final = 1000  # milliseconds after which a browser comes back when the stream breaks
CHANGED: Final = b"event: changed\ndata: \n\n"
ENDED: Final = b"event: ended\ndata: \n\n"
AWAY: Final = b"event: away\ndata: \n\n"
STILL_HERE: Final = b": still here\n\n"


def no_stream(visit: Visit, error: OstiaryError) -> Response:
    """A stream that cannot be: no page, no words; the script of the open page asks for the list instead."""
    return Response(b"", status_code=error.status, media_type="text/plain", headers={"retry-after": "30"})


@get(
    "/settings/sessions/events",
    Nothing,
    unattended=True,
    again=dict.fromkeys((Conflict, StoreUnavailable, Unauthenticated), no_stream),
)
async def events(visit: Visit, _: Nothing) -> StreamingResponse:
    """What happens to the caller's sessions, while the page is open."""
    following = _follow(visit.authority, visit.secrets[0], visit.authority.feed.listen(visit.signed.user.id))
    first = await anext(following)  # so that a refusal is a status, not a broken stream
    return StreamingResponse(_after(first, following), media_type="text/event-stream")


async def _after(first: bytes, following: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for message in following:
        yield message


async def _follow(authority: Authority, credential: str, listening: Any) -> AsyncIterator[bytes]:
    async with listening as listener:
        yield f"retry: {RETRY}\n\n".encode()
        while True:
            heard = await listener.next(LOOK_EVERY)
            message = await _look(authority, credential, heard, listener)
            if message is None:
                return
            yield message
            if message is ENDED:
                return


async def _look(authority: Authority, credential: str, heard: object, listener: Listener) -> bytes | None:
    """What to say. Whether the session lives is read from its row, whatever was heard (rule 3)."""
    if heard is Notice.CLOSED:
        return None
    if heard is Notice.AWAY:
        return AWAY
    listener.skip()
    try:
        await authority.verify(credential)
    except SessionInvalid:
        return None  # renewed under another secret: the browser comes back with it
    except Unauthenticated:
        return ENDED
    except StoreUnavailable:
        return AWAY
    return STILL_HERE if heard is None else CHANGED
