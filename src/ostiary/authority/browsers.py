"""A sign-in in a browser takes the place of the one before, so that its history does not pile up as devices."""

from __future__ import annotations

from datetime import datetime

from ostiary.authority.ending import end_sessions
from ostiary.authority.sign_out import MAXIMUM
from ostiary.core.account import User
from ostiary.core.browser import Browser, mark_hash, new_mark
from ostiary.core.caller import Caller
from ostiary.core.client import Client
from ostiary.core.session import Reason
from ostiary.core.token import is_session_token, parse
from ostiary.storage import device_marks, sessions
from ostiary.storage.database import Connection


async def leave_before(db: Connection, user_id: str, browser: Browser, at: Client, now: datetime) -> None:
    """End what the browser held, before somebody signs in there. Hold the user first.

    Of the same user that is what the new sign-in replaces, by its session's token or by the mark; of somebody else,
    what the browser forgets.
    """
    found = {} if browser.mark is None else await _by_mark(db, user_id, browser.mark)
    for text in dict.fromkeys(browser.credentials[:MAXIMUM]):
        token = parse(text) if is_session_token(text) else None
        if token is None or not token.matches(await sessions.secret_hash(db, token.id)):
            continue
        held = await sessions.find(db, token.id)
        found |= {held.id: held.user_id} if held is not None else {}
    for session_id, whose in sorted(found.items()):  # in one order, so that two of these cannot wait for each other
        reason: Reason = "replaced" if whose == user_id else "logout"
        by = Caller(User(whose), client=at)
        await end_sessions(db, sessions.by_id(session_id), reason=reason, by=by, now=now)


async def _by_mark(db: Connection, user_id: str, mark: str) -> dict[str, str]:
    session_id = await device_marks.find(db, mark_hash(mark), user_id)
    return {} if session_id is None else {session_id: user_id}


async def mark_after(db: Connection, user_id: str, session_id: str, browser: Browser, now: datetime) -> str:
    """Give the browser in which a user has just signed in another mark."""
    mark = new_mark()
    old = mark_hash(browser.mark) if browser.mark is not None else None
    await device_marks.put(db, user_id, session_id, old=old, new=mark_hash(mark), now=now)
    return mark
