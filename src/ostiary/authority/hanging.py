"""What hangs on a session or a CLI token: whatever was made with it, and with what was made with it, and so on.

All of it is one user's. What an administrator's CLI token made for *others* is told, but is not ended with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ostiary.core.credential import CliToken
from ostiary.core.leak import What
from ostiary.core.oauth.code import Code
from ostiary.core.policy import Policy
from ostiary.core.session import Session
from ostiary.storage import cli_tokens, codes, events, refresh_tokens, sessions
from ostiary.storage.database import Connection


@dataclass(frozen=True, slots=True)
class Roots:
    """Where to begin."""

    user_id: str
    sessions: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    code: Code | None = None


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing that hangs on a credential.

    Attributes:
        id: its own; of access tokens, which nobody counts, their session's.
        works: True if it would be accepted now.
        expires_at: when it stops by itself; of access tokens, when the last one does, at the latest.
        about: a name or an agent, for a person.
        under: the id of what it was made with; None for what the credential itself names.
    """

    what: What
    id: str
    works: bool
    created_at: datetime | None
    last_used_at: datetime | None
    expires_at: datetime | None
    about: str | None
    under: str | None


async def find_hanging(
    db: Connection, roots: Roots, policy: Policy, access_token_lifetime: timedelta, now: datetime
) -> list[Thing]:
    """Everything that hangs on the roots, ended or not: what was made with an ended session may still work."""
    found, tokens, under = await closure(db, roots)
    families = {family.session_id: family for family in await refresh_tokens.of_sessions(db, list(found))}
    things: list[Thing] = []
    if roots.code is not None:
        things.append(_code(roots.code, now))
    for session in found.values():
        works = session.life(policy, now) == "live"
        deadline = session.ends_at(policy)
        things.append(_session("session", session, works, deadline, under.get(session.id)))
        family = families.get(session.id)
        if family is not None:
            things.append(
                Thing(
                    "refresh_token", family.id, works, session.created_at, family.rotated_at, deadline, None, session.id
                )
            )
        if session.client_id is not None:
            # They are not written down. The last one was made with the newest refresh token; a service's, at any time.
            last = family.rotated_at if family is not None else now
            until = min(last + access_token_lifetime, deadline)
            works = works and now < until
            things.append(Thing("access_tokens", session.id, works, None, None, until, session.client_id, session.id))
    things += [_token(token, now, under.get(token.id)) for token in tokens.values()]
    makers = [token.id for token in tokens.values() if "admin" in token.scopes]  # no other could
    for session in await sessions.issued_by(db, makers, but=roots.user_id):
        works, deadline = session.life(policy, now) == "live", session.ends_at(policy)
        things.append(_session("session_of_another", session, works, deadline, session.issued_by))
    return things


async def closure(db: Connection, roots: Roots) -> tuple[dict[str, Session], dict[str, CliToken], dict[str, str]]:
    """Sessions and CLI tokens that hang on the roots, by id, in the order of making; and what each was made with."""
    user_id = roots.user_id
    found: dict[str, Session] = {}
    tokens: dict[str, CliToken] = {}
    under: dict[str, str] = {}
    new_sessions, new_tokens = set(roots.sessions), set(roots.tokens)
    while new_sessions or new_tokens:
        found |= {one.id: one for one in await sessions.find_many(db, new_sessions, user_id)}
        tokens |= {one.id: one for one in await cli_tokens.find_many(db, new_tokens, user_id)}
        made = {
            **await codes.granted_from(db, user_id, new_sessions),
            **await sessions.issued_to(db, user_id, new_tokens),
            **await cli_tokens.made_with(db, user_id, new_sessions, new_tokens),
            **await events.tokens_given(db, user_id, new_sessions, new_tokens),
        }
        fresh = {one: maker for one, maker in made.items() if one not in found and one not in tokens}
        under |= fresh
        new_sessions = {one for one in fresh if one.startswith("sess_")}
        new_tokens = {one for one in fresh if one.startswith("ost_")}
    return found, tokens, under


def _session(what: What, session: Session, works: bool, deadline: datetime, under: str | None) -> Thing:
    about = session.label or session.user_agent or session.client_id
    return Thing(what, session.id, works, session.created_at, session.last_used_at, deadline, about, under)


def _token(token: CliToken, now: datetime, under: str | None) -> Thing:
    works = token.refusal(now) is None
    return Thing(
        "cli_token", token.id, works, token.created_at, token.last_used_at, token.expires_at, token.name, under
    )


def _code(code: Code, now: datetime) -> Thing:
    works = code.used_at is None and now < code.expires_at
    return Thing("code", code.id, works, None, code.used_at, code.expires_at, code.client_id, code.session_id)
