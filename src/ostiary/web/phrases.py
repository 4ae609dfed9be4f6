"""What the pages say of a session: how it began, why it ended and by whom; and counted nouns, for whole sentences."""

from __future__ import annotations

from functools import reduce
from typing import Final

from ostiary.core.caller import Caller
from ostiary.core.client import Description
from ostiary.core.session import Reason, Session
from ostiary.errors import InvalidRequest, OstiaryError, SessionExpired, SessionRevoked
from ostiary.web.language import gettext, ngettext, translated
from ostiary.web.words import AUTHENTICATIONS, ENDINGS, FAREWELLS

# Endings of which it is worth saying who did it: the others say so by themselves.
BY_SOMEBODY: Final[frozenset[Reason]] = frozenset(
    {"user", "user_others", "user_all", "password_change", "account_disabled"}
)


def device(described: Description) -> str:
    """What a person calls an agent: `Firefox on Linux`."""
    if described.browser and described.os:
        return gettext("%(browser)s on %(system)s", browser=described.browser, system=described.os)
    return translated(described.name)


def with_field(error: OstiaryError) -> str:
    """What is wrong with a request, and where."""
    field = error.fields.get("field") if isinstance(error, InvalidRequest) else None
    return f"{field}: {translated(error.shown)}" if field else translated(error.shown)


def farewell(error: OstiaryError) -> str | None:
    """Why the session of this browser does not work any more; None where nothing may be said (rule 6)."""
    if isinstance(error, SessionRevoked) and "suspended_until" in error.fields:
        return gettext("An administrator suspended this session, together with others. It may come back.")
    if isinstance(error, SessionRevoked):
        said = FAREWELLS.get(str(error.fields["reason"]))
    elif isinstance(error, SessionExpired):
        said = FAREWELLS.get(str(error.fields["limit"]))
    else:
        return None
    return gettext(said) if said else None


def ended_how(reason: str, session: Session, caller: Caller) -> str:
    """How a session ended and who ended it, in the caller's words."""
    how, by = gettext(ENDINGS.get(reason, ENDINGS["user"])), _ended_by(session, caller)
    return gettext("%(ended)s %(by)s", ended=how, by=by) if by else how


def _ended_by(session: Session, caller: Caller) -> str:
    """Who ended it; empty where nobody did or the ending says it already."""
    end = session.revoked
    if end is None or end.reason not in BY_SOMEBODY:
        return ""
    if end.by == caller.user.id:
        return gettext("by you")
    if end.by.startswith("ost_"):
        return gettext("by a CLI token of yours")
    return gettext("by the server's operator") if end.by.startswith("database:") else gettext("by an administrator")


def began_how(session: Session) -> str:
    """How its user signed in."""
    if session.amr:
        return gettext("with %(means)s", means=reduce(_both, map(_means, session.amr)))
    return gettext("made by an administrator") if session.issued_by else gettext("by an application")


def _means(method: str) -> str:
    known = AUTHENTICATIONS.get(method)
    return gettext(known) if known else gettext("a %(method)s", method=method)


def _both(first: str, second: str) -> str:
    return gettext("%(first)s and %(second)s", first=first, second=second)


def counted_sessions(count: int) -> str:
    """`3 sessions`."""
    return ngettext("%(num)s session", "%(num)s sessions", count)


def counted_live_sessions(count: int) -> str:
    """`3 live sessions`."""
    return ngettext("%(num)s live session", "%(num)s live sessions", count)


def counted_tokens(count: int) -> str:
    """`3 CLI tokens`."""
    return ngettext("%(num)s CLI token", "%(num)s CLI tokens", count)


def counted_users(count: int) -> str:
    """`3 users`."""
    return ngettext("%(num)s user", "%(num)s users", count)


COUNTED: Final = (
    counted_sessions,
    counted_live_sessions,
    counted_tokens,
    counted_users,
)  # for two counts in a sentence
