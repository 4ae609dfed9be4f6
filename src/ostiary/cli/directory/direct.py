"""The directory at the database itself: for when the server is down. Whoever can open the database is trusted.

Every act is recorded as `database:<login>`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from ostiary.authority import Authority
from ostiary.authority.administration import MAXIMUM_PAGE
from ostiary.authority.neutralising import Neutralised
from ostiary.cli.directory import Cookie, Object
from ostiary.cli.failures import NOT_FOUND, Failure
from ostiary.cli.matching import match
from ostiary.cli.operator import operator
from ostiary.cli.private_file import keep_new_files_private
from ostiary.core.account import User
from ostiary.core.oauth.client import OAuthClient, Registration
from ostiary.core.selector import parse
from ostiary.core.session import Session
from ostiary.settings import load
from ostiary.storage import migrate

PAGE: Final = 1000

T = TypeVar("T")


class Direct:
    """The authority in this process."""

    def __init__(self, database_url: str, *, create: bool) -> None:
        keep_new_files_private()
        self._settings = load({"database_url": database_url}).settings
        self._operator = operator()
        self._create = create

    def mint(self, username: str, expire_after: timedelta, reason: str) -> Cookie:
        """`administration.mint`, bounded by the policy of the settings in force here."""
        return self._run(lambda it: self._mint(it, username, expire_after, reason))

    async def _mint(self, authority: Authority, username: str, expire_after: timedelta, reason: str) -> Cookie:
        started = await authority.administration.mint(
            username, by=self._operator, expire_after=expire_after, reason=reason
        )
        user = (await authority.accounts.find(username, by=self._operator)).user
        domain = self._settings.cookie_domain
        name, shared = ("__Secure-session", f" Domain={domain};") if domain else ("__Host-session", "")
        line = f"{name}={started.token}; Path=/;{shared} HttpOnly; Secure; SameSite=Lax"
        return Cookie(user.username or username, started.session.id, line, _time(started.session.expires_at) or "")

    def log_out(self, username: str) -> tuple[list[Object], bool]:
        """`administration.log_out`."""
        return self._run(lambda it: self._log_out(it, username))

    async def _log_out(self, authority: Authority, username: str) -> tuple[list[Object], bool]:
        user = (await authority.accounts.find(username, by=self._operator)).user
        ended = await authority.administration.log_out(username, by=self._operator)
        rows = [_ended(user.username or username, session) for session in ended[:MAXIMUM_PAGE]]
        return rows, len(ended) > MAXIMUM_PAGE

    def log_out_one(self, username: str, session_id: str) -> list[Object]:
        """`administration.revoke`, after making sure that it is that user's."""
        known = {one["session_id"]: one["username"] for one in self.sessions(username, None, 10 * PAGE)}
        chosen = match(session_id, known, "sess", "session")
        revoked = self._run(lambda it: it.administration.revoke(chosen, by=self._operator))
        return [_ended(known[chosen], revoked.session)]

    def sessions(self, username: str | None, status: str | None, limit: int) -> list[Object]:
        """`administration.search`, page by page."""
        return self._run(lambda it: self._search(it, username, status, limit))

    async def _search(self, authority: Authority, username: str | None, status: str | None, limit: int) -> list[Object]:
        where = parse({"user": username, "status": status})
        found: list[Object] = []
        after = None
        while True:
            page = await authority.administration.search(
                where, by=self._operator, sort="-created_at", after=after, limit=min(limit, PAGE)
            )
            now = authority.clock()
            found += [_row(one, page.usernames, authority, now) for one in page.sessions]
            after = page.after
            if after is None or len(found) >= limit:
                return found[:limit]

    def users(self) -> list[Object]:
        """`accounts.list`, page by page."""
        return self._run(self._users)

    async def _users(self, authority: Authority) -> list[Object]:
        found: list[Object] = []
        after = None
        while True:
            users, after = await authority.accounts.list(by=self._operator, after=after, limit=PAGE)
            found += [_user(one) for one in users]
            if after is None:
                return found

    def user(self, username: str) -> Object:
        """`accounts.find`."""
        found = self._run(lambda it: it.accounts.find(username, by=self._operator))
        return {"user": _user(found.user), "sessions": found.sessions, "tokens": found.tokens}

    def add_user(self, username: str, password: str, email: str | None, roles: Sequence[str]) -> Object:
        """`accounts.add`."""
        return _user(
            self._run(lambda it: it.accounts.add(username, password, by=self._operator, email=email, roles=roles))
        )

    def disable_user(self, username: str) -> Object:
        """`accounts.disable`."""
        ended = self._run(lambda it: it.accounts.disable(username, by=self._operator))
        return {"ok": True, "sessions": ended.count, "tokens": ended.tokens}

    def enable_user(self, username: str) -> Object:
        """`accounts.enable`."""
        self._run(lambda it: it.accounts.enable(username, by=self._operator))
        return {"ok": True}

    def set_password(self, username: str, password: str) -> Object:
        """`accounts.set_password`."""
        ended = self._run(lambda it: it.accounts.set_password(username, password, by=self._operator))
        return {"ok": True, "sessions": ended.count}

    def delete_user(self, username: str) -> Object:
        """`accounts.delete`."""
        ended = self._run(lambda it: it.accounts.delete(username, by=self._operator))
        return {"ok": True, "sessions": ended.count, "tokens": ended.tokens}

    def export_user(self, username: str) -> Object:
        """`privacy.export`."""
        found = self._run(lambda it: it.privacy.export(username, by=self._operator))
        values: Object = _written(asdict(found))
        return values | {"account": _user(found.account) if found.account else None}

    def erase_user(self, username: str) -> Object:
        """`privacy.erase`."""
        done = self._run(lambda it: it.privacy.erase(username, by=self._operator))
        return {"ok": True, **asdict(done)}

    def clients(self) -> list[Object]:
        """`oauth.clients.list`."""
        return [_client(one) for one in self._run(lambda it: it.oauth.clients.list(by=self._operator))]

    def client(self, client_id: str) -> Object:
        """`oauth.clients.find`."""
        return _client(self._run(lambda it: it.oauth.clients.find(client_id, by=self._operator)))

    def add_client(self, wanted: Object) -> Object:
        """`oauth.clients.add`."""
        registration = Registration(**wanted)
        added = self._run(lambda it: it.oauth.clients.add(registration, by=self._operator))
        return {"client": _client(added.client), "secret": added.secret}

    def rotate_client_secret(self, client_id: str) -> Object:
        """`oauth.clients.rotate_secret`."""
        added = self._run(lambda it: it.oauth.clients.rotate_secret(client_id, by=self._operator))
        return {"client": _client(added.client), "secret": added.secret}

    def remove_client(self, client_id: str) -> Object:
        """`oauth.clients.remove`."""
        ended = self._run(lambda it: it.oauth.clients.remove(client_id, by=self._operator))
        return {"ok": True, "id": client_id, "sessions": ended}

    def preview_neutralise(self, credential: str) -> Object:
        """`neutralising.preview`."""
        return _neutralised(self._run(lambda it: it.neutralising.preview(credential, by=self._operator)))

    def neutralise(self, credential: str) -> Object:
        """`neutralising.apply`."""
        return _neutralised(self._run(lambda it: it.neutralising.apply(credential, by=self._operator)))

    def rotate_keys(self, at_once: bool) -> Object:
        """`oauth.keys.rotate`."""
        made = self._run(lambda it: it.oauth.keys.rotate(by=self._operator, at_once=at_once))
        return {"ok": True, "keys": made}

    def _run(self, act: Callable[[Authority], Awaitable[T]]) -> T:
        authority = Authority(self._settings)
        missing = self._is_missing(authority)

        async def run() -> T:
            async with authority:
                if missing:
                    await migrate.upgrade(authority.database)
                await authority.ensure_migrated()
                return await act(authority)

        return asyncio.run(run())

    def _is_missing(self, authority: Authority) -> bool:
        """A SQLite file that is missing is made for the first account; otherwise it means a mistyped name."""
        database = authority.database
        missing = database.file is not None and not os.path.exists(database.file)
        if missing and not self._create:
            raise Failure(f"there is no database at {database.file}", NOT_FOUND, code="not_found")
        return missing


def _time(at: datetime | None) -> str | None:
    """RFC 3339 with a `Z`, as the HTTP API writes it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else None


def _written(value: Any) -> Any:
    """Times as the HTTP API writes them, all the way in."""
    if isinstance(value, dict):
        return {name: _written(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_written(inner) for inner in value]
    return _time(value) if isinstance(value, datetime) else value


def _user(user: User) -> Object:
    return {
        "id": user.id,
        "username": user.username,
        "email": user.email,
        "roles": list(user.roles),
        "created_at": _time(user.created_at),
        "disabled_at": _time(user.disabled_at),
    }


def _client(client: OAuthClient) -> Object:
    values = {name: getattr(client, name) for name in OAuthClient.__slots__}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()} | {
        "created_at": _time(client.created_at)
    }


def _neutralised(found: Neutralised) -> Object:
    things = [
        {name: _time(value) if isinstance(value, datetime) else value for name, value in asdict(thing).items()}
        for thing in found.things
    ]
    return {name: getattr(found, name) for name in Neutralised.__slots__ if name != "things"} | {"things": things}


def _row(session: Session, usernames: dict[str, str], authority: Authority, now: datetime) -> Object:
    return {
        "username": usernames.get(session.user_id, session.user_id),
        "session_id": session.id,
        "created_at": _time(session.created_at),
        "expires_at": _time(session.expires_at),
        "revoked_at": _time(session.revoked.at) if session.revoked else None,
        "last_used_at": _time(session.last_used_at),
        "status": session.status(authority.policy, now),
    }


def _ended(username: str, session: Session) -> Object:
    return {
        "username": username,
        "session_id": session.id,
        "revoked": _time(session.revoked.at) if session.revoked else None,
    }
