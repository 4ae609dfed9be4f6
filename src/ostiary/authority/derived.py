"""What was derived from a session or a CLI token: made with it, or with what was made with it, and so on.

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
from ostiary.storage import cli_tokens, codes, events, refresh_tokens, sessions, tree
from ostiary.storage.database import Connection


@dataclass(frozen=True, slots=True)
class Roots:
    """Where to begin."""

    user_id: str
    sessions: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    code: Code | None = None


@dataclass(frozen=True, slots=True)
class Derived:
    """One session, token or code that was derived from a credential.

    Attributes:
        id: its own; of access tokens, which nobody counts, their session's.
        works: True if it would be accepted now.
        expires_at: when it stops by itself; of access tokens, when the last one does, at the latest.
        about: a name or an agent, for a person.
        made_with: the id of what it was made with; None for what the credential itself names.
    """

    what: What
    id: str
    works: bool
    created_at: datetime | None
    last_used_at: datetime | None
    expires_at: datetime | None
    about: str | None
    made_with: str | None


async def find_derived(
    db: Connection, roots: Roots, policy: Policy, access_token_lifetime: timedelta, now: datetime
) -> list[Derived]:
    """Everything that was derived from the roots, ended or not: what was made with an ended session may still work."""
    found, tokens, made_with = await closure(db, roots)
    families = {family.session_id: family for family in await refresh_tokens.of_sessions(db, list(found))}
    derived: list[Derived] = []
    if roots.code is not None:
        derived.append(_code(roots.code, now))
    for session in found.values():
        works = session.life(policy, now) == "live"
        deadline = session.ends_at(policy)
        derived.append(_session("session", session, works, deadline, made_with.get(session.id)))
        family = families.get(session.id)
        if family is not None:
            derived.append(
                Derived(
                    "refresh_token", family.id, works, session.created_at, family.rotated_at, deadline, None, session.id
                )
            )
        if session.client_id is not None:
            # They are not written down. The last one was made with the newest refresh token; a service's, at any time.
            last = family.rotated_at if family is not None else now
            until = min(last + access_token_lifetime, deadline)
            works = works and now < until
            derived.append(
                Derived("access_tokens", session.id, works, None, None, until, session.client_id, session.id)
            )
    derived += [_token(token, now, made_with.get(token.id)) for token in tokens.values()]
    makers = [token.id for token in tokens.values() if "admin" in token.scopes]  # no other could
    for session in await sessions.issued_by(db, makers, spare=roots.user_id):
        works, deadline = session.life(policy, now) == "live", session.ends_at(policy)
        derived.append(_session("session_of_another", session, works, deadline, session.issued_by))
    return derived


async def closure(db: Connection, roots: Roots) -> tuple[dict[str, Session], dict[str, CliToken], dict[str, str]]:
    """The roots and what was derived from them, sessions and CLI tokens by id, oldest first; and what made each."""
    user_id = roots.user_id
    found: dict[str, Session] = {}
    tokens: dict[str, CliToken] = {}
    made_with: dict[str, str] = {}
    new_sessions, new_tokens = set(roots.sessions), set(roots.tokens)
    while new_sessions or new_tokens:
        found |= {one.id: one for one in await sessions.find_many(db, new_sessions, user_id)}
        tokens |= {one.id: one for one in await cli_tokens.find_many(db, new_tokens, user_id)}
        made = {
            **await codes.granted_from(db, user_id, new_sessions),
            **await tree.children_of(db, user_id, new_sessions),
            **await sessions.issued_to(db, user_id, new_tokens),
            **await cli_tokens.made_with(db, user_id, new_sessions, new_tokens),
            **await events.tokens_given(db, user_id, new_sessions, new_tokens),
        }
        fresh = {one: maker for one, maker in made.items() if one not in found and one not in tokens}
        made_with |= fresh
        new_sessions = {one for one in fresh if one.startswith("sess_")}
        new_tokens = {one for one in fresh if one.startswith("ost_")}
    return found, tokens, made_with


def _session(what: What, session: Session, works: bool, deadline: datetime, made_with: str | None) -> Derived:
    about = session.label or session.user_agent or session.client_id
    return Derived(what, session.id, works, session.created_at, session.last_used_at, deadline, about, made_with)


def _token(token: CliToken, now: datetime, made_with: str | None) -> Derived:
    works = token.refusal(now) is None
    return Derived(
        "cli_token", token.id, works, token.created_at, token.last_used_at, token.expires_at, token.name, made_with
    )


def _code(code: Code, now: datetime) -> Derived:
    works = code.used_at is None and now < code.expires_at
    return Derived("code", code.id, works, None, code.used_at, code.expires_at, code.client_id, code.session_id)
