"""Until when a live connection may go on, if the authority is elsewhere: told by a verifier's feed, or by asking."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final

from ostiary.errors import OstiaryError, SessionRevoked, StoreUnavailable, Unauthenticated
from ostiary.integrations.identity import Identity
from ostiary.sdk.verifier import Verifier

ASK_EVERY: Final = 2.0  # seconds between two questions about what no feed tells of
MAX_STALENESS: Final = 5.0  # seconds for which a live connection may go on while nobody answers
SHORTEST: Final = 0.1  # seconds until a limit is looked at again, if it has not passed when it should have


async def told(verifier: Verifier, identity: Identity) -> OstiaryError:
    """Wait until a session is over, or cannot be proven live any more; answers why. It never counts as use.

    An ending is told by the feed; a limit that passes, by the authority, which is asked when the time has come.
    """
    ends_at = identity.ends_at
    try:
        while True:
            try:
                async with asyncio.timeout(_seconds_until(ends_at, verifier)):
                    ended = await verifier.watch(identity.credential)
                if ended.reason is not None:
                    return SessionRevoked(ended.at, ended.reason)
            except TimeoutError:
                pass  # a limit has passed, unless the session was used meanwhile
            found = await verifier.look(identity.credential)  # nobody could tell whether it was among many that ended
            ends_at = found.session.ends_at if found.session else None
    except Unauthenticated as why:
        return why
    except OstiaryError:
        return StoreUnavailable()


async def asked(look: Callable[[str], Awaitable[Any]], credential: str, max_staleness: float) -> OstiaryError:
    """The same by asking again and again, for what no feed tells of."""
    loop = asyncio.get_running_loop()
    proven = loop.time()
    while True:
        sent = loop.time()
        try:
            await look(credential)
            proven = sent
        except Unauthenticated as why:
            return why
        except OstiaryError:
            if loop.time() - proven > max_staleness:
                return StoreUnavailable()
        await asyncio.sleep(ASK_EVERY)


def _seconds_until(ends_at: datetime | None, verifier: Verifier) -> float | None:
    """By the server's clock. None: no limit is known, or the feed never came, which ends the watch at once."""
    now = verifier.server_time
    return None if ends_at is None or now is None else max(SHORTEST, (ends_at - now).total_seconds())
