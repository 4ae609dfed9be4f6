"""A sign-in in a browser takes the place of the one before, so that its history does not pile up as devices."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Before:
    """What a browser held before a sign-in.

    Attributes:
        replaced: the sessions of the same user there.
        mark: the one that it presented.
        is_shared: whether that stands for others, too, and so has to stay as it is.
    """

    replaced: tuple[str, ...]
    mark: str | None
    is_shared: bool


async def leave_before(db: Connection, user_id: str, browser: Browser, at: Client, now: datetime) -> Before:
    """End what the browser held, before somebody signs in there. Hold the user first.

    Of the same user that is what the new sign-in replaces, by its session's token or by the mark; of somebody else,
    what the browser forgets.
    """
    marked = {} if browser.mark is None else await device_marks.hold(db, mark_hash(browser.mark), now)
    found = {session_id: user_id for whose, session_id in marked.items() if whose == user_id}
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
    replaced = tuple(session_id for session_id, whose in found.items() if whose == user_id)
    return Before(replaced, browser.mark, bool(marked.keys() - {user_id}))


async def mark_after(db: Connection, user_id: str, session_id: str, before: Before, now: datetime) -> str:
    """The mark of the browser in which a user has just signed in: another one each time, if it is theirs alone.

    One that stands for several stays: a new one would leave behind what the others have, or take it along to whoever
    holds a copy.
    """
    mark = before.mark if before.mark is not None and before.is_shared else new_mark()
    old = mark_hash(before.mark) if before.mark is not None else None
    await device_marks.put(db, user_id, session_id, mark_hash(mark), old=old, instead_of=before.replaced, now=now)
    return mark
