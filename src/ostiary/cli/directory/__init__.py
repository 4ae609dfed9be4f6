"""Everybody's accounts and sessions, reached in two ways with one answer: through a server, or at the database."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from ostiary.cli.invocation import Invocation

Object: TypeAlias = dict[str, Any]  # keys and types as in the HTTP API, times as RFC 3339 texts


@dataclass(frozen=True, slots=True)
class Cookie:
    """A session made for a user. `line` is what `Set-Cookie` would say."""

    username: str
    session_id: str
    line: str = field(repr=False)
    expires_at: str = ""


class Directory(Protocol):
    """What an administrator can do to people.

    Every act raises `Failure` or `OstiaryError`: no such user, not allowed, not valid, out of reach.
    """

    def mint(self, username: str, expire_after: timedelta, reason: str) -> Cookie:
        """Make a session without a sign-in."""

    def log_out(self, username: str) -> tuple[list[Object], bool]:
        """End every session of a user: `username`, `session_id`, `revoked` of each that somebody ended, ever.

        Oldest first; of too many those that ended last, the newest first, and True.
        """

    def log_out_one(self, username: str, session_id: str) -> list[Object]:
        """The same for one session of that user, named whole or by its beginning."""

    def sessions(self, username: str | None, status: str | None, limit: int) -> list[Object]:
        """At most `limit`, newest first: `username`, `session_id`, times and `status`."""

    def users(self) -> list[Object]:
        """All accounts by name."""

    def user(self, username: str) -> Object:
        """`{"user", "sessions", "tokens"}`: the account and how many of each work now."""

    def add_user(self, username: str, password: str, email: str | None, roles: Sequence[str]) -> Object:
        """Add an account and answer it."""

    def disable_user(self, username: str) -> Object:
        """Disable, ending everything: `{"sessions", "tokens"}` that were."""

    def enable_user(self, username: str) -> Object:
        """Enable again."""

    def set_password(self, username: str, password: str) -> Object:
        """Give a new password, ending the sessions."""

    def delete_user(self, username: str) -> Object:
        """Remove, ending everything: `{"sessions", "tokens"}` that were."""

    def export_user(self, username: str) -> Object:
        """Everything that is held about one person."""

    def erase_user(self, username: str) -> Object:
        """Erase one, ending everything: `{"user_id", "sessions", "tokens", "events"}`."""

    def clients(self) -> list[Object]:
        """All OAuth clients, oldest first."""

    def client(self, client_id: str) -> Object:
        """One of them."""

    def add_client(self, wanted: Object) -> Object:
        """Register one: `{"client", "secret"}`."""

    def rotate_client_secret(self, client_id: str) -> Object:
        """Give one a new secret: `{"client", "secret"}`."""

    def remove_client(self, client_id: str) -> Object:
        """Remove one, ending its sessions: `{"id", "sessions"}`."""

    def preview_neutralise(self, credential: str) -> Object:
        """What hangs on a leaked credential, as the API says it."""

    def neutralise(self, credential: str) -> Object:
        """End all of that."""

    def rotate_keys(self, at_once: bool) -> Object:
        """Sign with new keys: `{"keys"}`."""


def open_directory(invocation: Invocation, database_url: str | None, *, create: bool = False) -> Directory:
    """The database when it is named, else the server.

    Args:
        create: make a SQLite file that does not exist.

    Raises:
        Failure: neither a database nor a sign-in.
    """
    if database_url:
        from ostiary.cli.directory.direct import Direct

        return Direct(database_url, create=create)
    from ostiary.cli.directory.remote import Remote

    return Remote(invocation)
